import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Columns3, Folder, Folders, type LucideIcon, Plus, Radio, Rows3, Volume2, VolumeOff } from 'lucide-react';
import { useState } from 'react';
import type { LiveAnswer, LiveEntry, Stray } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Needs } from '../../components/ui/needs';
import { Page, Section } from '../../components/ui/page';
import { Segmented } from '../../components/ui/segmented';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { set, useSettings } from '../../lib/settings';
import { Away } from './away';
import { Ended } from './ended';
import { Lost } from './lost';
import { NowEntry } from './now-entry';
import { inLanes, PARTS } from './parts';
import { live, needsYou } from './queries';
import { StartDialog } from './start-dialog';

/** So many fit side by side. */
const MOST_BESIDE = 4;

const LAYOUTS = [
  { value: 'rows', label: 'Rows', icon: <Rows3 className="size-4" aria-hidden /> },
  { value: 'columns', label: 'Columns', icon: <Columns3 className="size-4" aria-hidden /> },
] as const;

/** Every agent that runs on the machine: those that need a person first. */
export function NowPage() {
  const answer = useQuery(live.now);
  const [isStarting, setStarting] = useState(false);
  const { now: layout, lanes, sound } = useSettings();
  if (answer.isPending) return <Skeleton lines={6} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  return (
    <Page
      title="Now"
      wide={layout === 'columns'}
      aside={
        <div className="flex flex-wrap items-center gap-2">
          <Toggle label="Sound" icons={[Volume2, VolumeOff]} isOn={sound} onChange={(sound) => set({ sound })} />
          <Toggle label="By project" icons={[Folders, Folder]} isOn={lanes} onChange={(lanes) => set({ lanes })} />
          <span className="max-sm:hidden">
            <Segmented label="Layout" value={layout} options={LAYOUTS} onChange={(now) => set({ now })} />
          </span>
          <Away />
          <Needs scope="approve" isSilent>
            <Button kind="edge" icon={Plus} onClick={() => setStarting(true)}>
              Start an agent
            </Button>
          </Needs>
        </div>
      }
    >
      {answer.error && (
        <p role="alert" className="mb-4 text-bad">
          {answer.error.message}. What stands here may be old.
        </p>
      )}
      <Lost sessions={answer.data.lost} />
      <All answer={answer.data} isWide={layout === 'columns'} hasLanes={lanes} />
      {isStarting && <StartDialog onClose={() => setStarting(false)} />}
    </Page>
  );
}

interface ToggleProps {
  label: string;
  /** What a phone shows instead of words: on, and off. */
  icons: [LucideIcon, LucideIcon];
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

function Toggle({ label, icons, isOn, onChange }: ToggleProps) {
  const Icon = icons[isOn ? 0 : 1];
  return (
    <Button
      aria-pressed={isOn}
      onClick={() => onChange(!isOn)}
      className={`justify-center coarse:min-w-11 ${isOn ? '!text-accent' : ''}`}
    >
      <Icon className="size-4 sm:hidden" aria-hidden />
      <span className="max-sm:sr-only">{label}</span>
      <span className="text-2xs max-sm:sr-only">{isOn ? 'on' : 'off'}</span>
    </Button>
  );
}

function All({ answer, isWide, hasLanes }: { answer: LiveAnswer; isWide: boolean; hasLanes: boolean }) {
  const { sessions, ended, strays } = answer;
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const waiting = sessions.filter(({ live }) => needsYou(live)).length;
  if (sessions.length === 0 && strays.length === 0) {
    return (
      <>
        <Notice icon={Radio} title="No agent runs">
          <p>
            Start one in any terminal, or from here: it shows up by itself, with what it does and what it asks. One that
            runs in tmux can be talked to and answered from here, too.
          </p>
        </Notice>
        <Ended entries={ended} />
      </>
    );
  }
  const beside = chosen.filter((id) => sessions.some(({ live }) => live.id === id));
  const choose = (id: string, isChosen: boolean) => {
    const rest = beside.filter((one) => one !== id);
    setChosen(isChosen ? [...rest, id].slice(-MOST_BESIDE) : rest);
  };
  const show = (entry: LiveEntry) => (
    <NowEntry
      entry={entry}
      isCard={isWide}
      isChosen={beside.includes(entry.live.id)}
      onChoose={(isChosen) => choose(entry.live.id, isChosen)}
    />
  );
  const lanes = hasLanes ? inLanes(sessions) : [{ project: null, entries: sessions }];
  return (
    <>
      <p className="sr-only" role="status">
        {many(sessions.length, 'session')} open, {waiting === 0 ? 'none needs you' : `${waiting} waiting for you`}
      </p>
      {lanes.map(({ project, entries }) => (
        <section key={project ?? ''} aria-label={project ?? undefined} className="mt-8 first:mt-0">
          {project !== null && <h2 className="mb-3 border-line border-b pb-1.5 font-semibold">{harmless(project)}</h2>}
          {isWide ? (
            <Columns entries={entries} show={show} />
          ) : (
            <Rows entries={entries} show={show} level={project === null ? 2 : 3} />
          )}
        </section>
      ))}
      {beside.length > 1 && (
        <div className="sticky bottom-4 z-20 mt-6 flex justify-center">
          <Link
            to="/side"
            search={{ id: beside }}
            className="inline-flex h-9 items-center rounded-full bg-accent px-4 font-medium text-on-accent shadow-float hover:opacity-90"
          >
            Show {beside.length} side by side
          </Link>
        </div>
      )}
      <Ended entries={ended} />
      {strays.length > 0 && (
        <Section title="Without a session yet">
          <ul>
            {strays.map((stray) => (
              <li key={stray.pid} className="border-line border-b py-2 text-ink-2 text-xs first:border-t">
                <StrayLine stray={stray} />
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

interface PartsProps {
  entries: readonly LiveEntry[];
  show: (entry: LiveEntry) => React.ReactNode;
}

function Rows({ entries, show, level }: PartsProps & { level: 2 | 3 }) {
  const Heading = level === 2 ? 'h2' : 'h3';
  return PARTS.map(({ title, isIn }) => {
    const mine = entries.filter(isIn);
    if (mine.length === 0) return null;
    return (
      <div key={title} className="mt-6 first:mt-0">
        <Heading className="mb-3 font-semibold">
          {title} <span className="font-normal text-ink-3 text-xs tabular-nums">{mine.length}</span>
        </Heading>
        <ul>
          {mine.map((entry) => (
            <li key={entry.live.id} className="border-line border-b first:border-t">
              {show(entry)}
            </li>
          ))}
        </ul>
      </div>
    );
  });
}

/** A column for each state; the last one only where something is not known. */
function Columns({ entries, show }: PartsProps) {
  const parts = PARTS.filter(({ isRare, isIn }) => !isRare || entries.some(isIn));
  return (
    <div className="grid gap-5 lg:auto-cols-fr lg:grid-flow-col">
      {parts.map(({ title, isIn }) => {
        const mine = entries.filter(isIn);
        return (
          <div key={title} className={`min-w-0 ${mine.length === 0 ? 'max-lg:hidden' : ''}`}>
            <h3 className="mb-2.5 font-semibold text-sm">
              {title} <span className="font-normal text-ink-3 text-xs tabular-nums">{mine.length}</span>
            </h3>
            {mine.length === 0 && <p className="text-ink-3 text-xs">None</p>}
            <ul className="space-y-2.5">
              {mine.map((entry) => (
                <li key={entry.live.id}>{show(entry)}</li>
              ))}
            </ul>
          </div>
        );
      })}
    </div>
  );
}

function StrayLine({ stray }: { stray: Stray }) {
  return (
    <span className="flex flex-wrap items-center gap-x-2">
      <AgentMark source={stray.source} />
      <span>
        {AGENTS[stray.source]}, process {stray.pid}
        {stray.cwd && (
          <>
            {' in '}
            <code className="font-mono [overflow-wrap:anywhere]">{harmless(stray.cwd)}</code>
          </>
        )}
        : {harmless(stray.why)}
      </span>
    </span>
  );
}
