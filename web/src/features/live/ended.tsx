import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { post } from '../../api/client';
import type { LiveEntry, OpenAnswer } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Elapsed } from '../../components/ui/elapsed';
import { Needs } from '../../components/ui/needs';
import { Section } from '../../components/ui/page';
import { StateMark } from '../../components/ui/state-mark';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { wordsOf } from './acts';
import { nameOf, projectOf } from './now-entry';
import { renewLive, sayLive, stateOfLive } from './queries';

/** Sessions whose agents have ended a short while ago. */
export function Ended({ entries }: { entries: readonly LiveEntry[] }) {
  const cache = useQueryClient();
  const open = useMutation({
    mutationFn: (session: string) => post<OpenAnswer>('/api/v1/live', { session }),
    onError: (error) => say(wordsOf(error)),
    onSettled: () => renewLive(cache),
  });
  if (entries.length === 0) return null;
  return (
    <Section title="Just ended">
      <ul>
        {entries.map((entry) => (
          <li
            key={entry.live.id}
            className="flex min-w-0 flex-wrap items-center gap-x-3 border-line border-b py-1.5 first:border-t"
          >
            <AgentMark source={entry.live.source} />
            {entry.session ? (
              <Link
                to="/s/$id"
                params={{ id: entry.live.id }}
                className="min-w-0 max-w-full truncate hover:underline coarse:py-2.5"
              >
                {nameOf(entry)}
              </Link>
            ) : (
              <span className="min-w-0 truncate text-ink-2">{nameOf(entry)}</span>
            )}
            <span className="truncate text-ink-3 text-xs max-sm:hidden">{harmless(projectOf(entry))}</span>
            <span className="ml-auto flex items-center gap-2 whitespace-nowrap text-ink-3 text-xs tabular-nums">
              <StateMark state={stateOfLive(entry.live)} word={sayLive(entry.live)} />
              {entry.live.since && (
                <span>
                  <Elapsed since={entry.live.since} /> ago
                </span>
              )}
              {entry.session && !entry.session.missing && (
                <Needs scope="approve" isSilent>
                  <Button disabled={open.isPending} onClick={() => open.mutate(entry.live.id)}>
                    {open.isPending && open.variables === entry.live.id ? 'Opening…' : 'Open again'}
                  </Button>
                </Needs>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
