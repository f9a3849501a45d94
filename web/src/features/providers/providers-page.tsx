import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { post, remove } from '../../api/client';
import type { NamedProfile, Profile, ProvidersAnswer } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Page, Section } from '../../components/ui/page';
import { say } from '../../components/ui/toast';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { ProfileDialog } from './profile-dialog';
import { ofProvider, providers } from './queries';
import { RehomeDialog } from './rehome-dialog';
import { SwitchDialog } from './switch-dialog';

type Open =
  | { what: 'profile'; named?: NamedProfile }
  | { what: 'switch'; name: string }
  | { what: 'rehome'; to: string | null };

/** Model providers: which there are, which are used, and which Codex' sessions belong to. */
export function ProvidersPage() {
  const answer = useQuery(providers);
  const cache = useQueryClient();
  const [open, setOpen] = useState<Open | null>(null);
  const renew = () => void cache.invalidateQueries({ queryKey: providers.queryKey });
  const fail = (error: Error & { detail?: string | undefined }) => say(error.detail ?? error.message);
  const forget = useMutation({
    mutationFn: (name: string) => remove(ofProvider(name)),
    onSuccess: renew,
    onError: fail,
  });
  const undo = (number: number | null) => ({
    label: 'Undo',
    run: () =>
      void post('/api/v1/acts/undo', { number }).then(() => {
        say('Taken back');
        renew();
      }, fail),
  });
  if (answer.isPending) return <Skeleton lines={6} />;
  if (answer.error) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  const close = () => setOpen(null);
  return (
    <Page
      title="Providers"
      aside={
        <Button needs="approve" kind="solid" onClick={() => setOpen({ what: 'profile' })}>
          Add a provider
        </Button>
      }
    >
      <Section title="In use">
        <Current answer={answer.data} />
      </Section>
      <Section title="Your providers">
        {answer.data.providers.length === 0 && (
          <p className="text-ink-2">
            None yet. A provider is an address and a key: a gateway, a company proxy, another account. Sessions stay as
            they are when one is switched, and all of them are shown here.
          </p>
        )}
        <ul>
          {answer.data.providers.map((named) => (
            <li key={named.name} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-line border-b py-2.5">
              <AgentMark source={named.profile.agent} />
              <span className="min-w-0 flex-1 basis-40">
                <span className="font-medium">{harmless(named.name)}</span>
                {named.used && <span className="ml-2 text-good text-xs">in use</span>}
                <span className="block text-ink-3 text-xs [overflow-wrap:anywhere]">
                  {harmless(named.profile.baseUrl ?? 'its own address')} · {keyWords(named.profile)}
                </span>
              </span>
              <span className="flex gap-1">
                {!named.used && (
                  <Button needs="approve" kind="edge" onClick={() => setOpen({ what: 'switch', name: named.name })}>
                    Switch to it
                  </Button>
                )}
                <Button needs="approve" onClick={() => setOpen({ what: 'profile', named })}>
                  Change
                </Button>
                <Button needs="approve" onClick={() => forget.mutate(named.name)} aria-label={`Forget ${named.name}`}>
                  Forget
                </Button>
              </span>
            </li>
          ))}
        </ul>
      </Section>
      {answer.data.sessions.length > 0 && (
        <Section
          title="Codex’ sessions"
          aside={
            <Button needs="approve" onClick={() => setOpen({ what: 'rehome', to: null })}>
              Restore each session’s own
            </Button>
          }
        >
          <p className="mb-3 text-ink-2">
            Codex lists only those of the provider that it is configured for. Marline shows all of them, and resumes
            each under its own.
          </p>
          <ul>
            {answer.data.sessions.map((one) => (
              <li
                key={one.provider}
                className="flex flex-wrap items-center gap-x-4 gap-y-1 border-line border-b py-2.5 tabular-nums"
              >
                <span className="min-w-0 flex-1 basis-40 font-medium [overflow-wrap:anywhere]">
                  {harmless(one.provider)}
                  {!one.known && (
                    <span className="block font-normal text-warn text-xs">
                      Codex has no entry of it: these would not be resumed.
                    </span>
                  )}
                </span>
                <span>{many(one.sessions, 'session')}</span>
                <span className={`w-40 text-sm ${one.shown ? 'text-good' : 'text-ink-3'}`}>
                  {one.shown ? `${answer.data.listed[one.provider] ?? 0} shown by Codex` : 'hidden by Codex'}
                </span>
                <Button needs="approve" onClick={() => setOpen({ what: 'rehome', to: one.provider })}>
                  Give all to it
                </Button>
              </li>
            ))}
          </ul>
        </Section>
      )}
      {open?.what === 'profile' && (
        <ProfileDialog
          {...(open.named ? { named: open.named } : {})}
          onKept={() => {
            close();
            renew();
          }}
          onClose={close}
        />
      )}
      {open?.what === 'switch' && (
        <SwitchDialog
          name={open.name}
          onDone={(done) => {
            close();
            renew();
            say(done.says, done.number === null ? undefined : undo(done.number));
          }}
          onClose={close}
        />
      )}
      {open?.what === 'rehome' && (
        <RehomeDialog
          to={open.to}
          onDone={(done) => {
            close();
            renew();
            say(`${many(done.updated, 'session')} re-homed`);
          }}
          onClose={close}
        />
      )}
    </Page>
  );
}

function keyWords({ key }: Profile): string {
  if (key === 'kept') return 'its key is kept';
  if (key === 'login') return 'the agent’s own login';
  if (key === 'none') return 'it wants no key';
  return `its key is in ${key.env}`;
}

function Current({ answer }: { answer: ProvidersAnswer }) {
  if (answer.current.length === 0) return <p className="text-ink-2">No agent is set up here.</p>;
  return (
    <ul>
      {answer.current.map((one) => (
        <li key={one.agent} className="flex flex-wrap items-center gap-x-4 gap-y-1 border-line border-b py-2.5">
          <AgentMark source={one.agent} />
          <span className="flex-1 basis-40 font-medium">{AGENTS[one.agent]}</span>
          <span className="[overflow-wrap:anywhere]">{harmless(one.profile ?? one.provider ?? 'its own')}</span>
        </li>
      ))}
    </ul>
  );
}
