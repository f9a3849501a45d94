import { useQuery } from '@tanstack/react-query';
import { ArrowRight, Check, Copy, type LucideIcon, Minus } from 'lucide-react';
import { useState } from 'react';
import { ofSession, post } from '../../api/client';
import type { HandoffAnswer, HandoffRequest, Session, Source } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { DirectoryField } from '../../components/ui/directory-field';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Segmented } from '../../components/ui/segmented';
import { say } from '../../components/ui/toast';
import { AGENTS, isSource } from '../../lib/agents';
import { copy } from '../../lib/clipboard';
import { harmless } from '../../lib/harmless';
import { full, short } from '../../lib/numbers';

type Way = HandoffRequest['way'];
type Fate = HandoffAnswer['report']['lines'][number]['fate'];

/** Agents that can be given a history; the others read a document. */
const TAKES_HISTORY: readonly Source[] = ['claude', 'codex'];

const WAYS: { value: Way; label: string; says: string }[] = [
  { value: 'native', label: 'With its history', says: 'A session of its own, with everything that was said and run.' },
  { value: 'brief', label: 'Brief', says: 'It begins anew, with a document that sums the work up.' },
  { value: 'pack', label: 'Pack', says: 'It begins anew, and reads the original when it needs to.' },
];

const FATES: Record<Fate, { icon: LucideIcon; word: string; colour: string }> = {
  carried: { icon: Check, word: 'carried', colour: 'text-good' },
  changed: { icon: ArrowRight, word: 'changed', colour: 'text-warn' },
  dropped: { icon: Minus, word: 'left out', colour: 'text-ink-3' },
};

interface Props {
  session: Session;
  onHandOver: (request: HandoffRequest) => Promise<void>;
  onClose: () => void;
}

/** Hands a session over to another agent: who, how, and what becomes of each part. */
export function HandoffDialog({ session, onHandOver, onClose }: Props) {
  const others = Object.keys(AGENTS)
    .filter(isSource)
    .filter((source) => source !== session.source);
  const [to, setTo] = useState<Source>(others[0] ?? 'claude');
  const [chosen, setWay] = useState<Way>('native');
  const [directory, setDirectory] = useState('');
  const [isBusy, setBusy] = useState(false);
  const ways = WAYS.filter((way) => way.value !== 'native' || TAKES_HISTORY.includes(to));
  const way = ways.find((way) => way.value === chosen) ?? ways[0] ?? WAYS[0];
  const request: HandoffRequest = { to, way: way?.value ?? 'brief', cwd: directory || null };
  const preview = useQuery({
    queryKey: ['session', session.id, 'handoff', request, session.updatedAt],
    queryFn: () => post<HandoffAnswer>(ofSession(session.id, '/handoff'), { ...request, dryRun: true }),
    retry: false,
  });
  return (
    <Dialog title="Hand over to another agent" wide onClose={onClose}>
      <div className="grid gap-4 p-4">
        <fieldset className="flex flex-wrap gap-1.5">
          <legend className="sr-only">Who goes on</legend>
          {others.map((source) => (
            <button
              key={source}
              type="button"
              aria-pressed={source === to}
              onClick={() => setTo(source)}
              className="inline-flex h-8 items-center gap-2 rounded-md border border-line px-2.5 text-sm hover:bg-hover aria-pressed:border-accent aria-pressed:bg-sunken aria-pressed:font-medium coarse:h-11"
            >
              <AgentMark source={source} />
              {AGENTS[source]}
            </button>
          ))}
        </fieldset>
        <div>
          <Segmented label="How" value={request.way} options={ways} onChange={setWay} />
          <p className="mt-2 text-ink-2 text-sm">{way?.says}</p>
        </div>
        {preview.isPending ? (
          <Skeleton lines={5} />
        ) : preview.error ? (
          <Failed error={preview.error} retry={() => void preview.refetch()} />
        ) : (
          <Preview answer={preview.data} />
        )}
        {/* It goes on where this one worked, unless that is gone. */}
        {(preview.error || directory) && <DirectoryField value={directory} onChange={setDirectory} />}
        <div className="-mx-4 -mb-4 sticky bottom-0 flex flex-wrap justify-end gap-2 border-line border-t bg-raised p-3">
          {preview.data?.document && <Copying answer={preview.data} document={preview.data.document} />}
          {request.way === 'native' && (
            <Button
              kind="solid"
              disabled={!preview.data || isBusy}
              onClick={() => {
                setBusy(true);
                void onHandOver(request).finally(() => setBusy(false));
              }}
            >
              Hand over to {AGENTS[to]}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Preview({ answer: { report, document, command } }: { answer: HandoffAnswer }) {
  return (
    <>
      <table className="w-full text-sm">
        <caption className="sr-only">What becomes of each part</caption>
        <tbody>
          {report.lines.map((line) => {
            const { icon: Icon, word, colour } = FATES[line.fate];
            return (
              <tr key={line.what} className="border-line border-b align-baseline last:border-0">
                <td className={`w-28 py-1.5 pr-3 ${colour}`}>
                  <Icon className="-mt-0.5 mr-1.5 inline size-3.5" aria-hidden />
                  {word}
                </td>
                <td className="w-16 py-1.5 pr-3 text-right tabular-nums">{full(line.count)}</td>
                <td className="py-1.5">{harmless(line.what)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <p className="text-ink-3 text-xs">About {short(report.tokens)} tokens of its context.</p>
      {document && (
        <>
          <pre className="max-h-80 overflow-auto whitespace-pre-wrap rounded-lg bg-sunken p-3 font-mono text-xs [overflow-wrap:anywhere]">
            {harmless(document)}
          </pre>
          <p className="text-ink-2 text-sm">
            Start it in a terminal: <code className="font-mono text-xs [overflow-wrap:anywhere]">{command}</code>
          </p>
        </>
      )}
    </>
  );
}

function Copying({ answer, document }: { answer: HandoffAnswer; document: string }) {
  const put = async (text: string, what: string) =>
    say((await copy(text)) ? `Copied the ${what}` : 'The browser does not let anything be copied');
  return (
    <>
      <Button kind="edge" icon={Copy} onClick={() => void put(document, 'document')}>
        Copy the document
      </Button>
      <Button kind="solid" icon={Copy} onClick={() => void put(answer.command, 'command')}>
        Copy the command
      </Button>
    </>
  );
}
