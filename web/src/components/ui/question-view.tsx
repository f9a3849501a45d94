import { CircleHelp, Globe, KeyRound, type LucideIcon, SquareArrowOutUpRight, Trash2 } from 'lucide-react';
import type { Question, Risk } from '../../api/types';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { SignedLines } from './signed-lines';

/** Longer commands are cut where room is small. */
const SHORT = 600;

interface Props {
  question: Question;
  /** What is to be minded of it. */
  risks?: readonly Risk[];
  isSmall?: boolean;
}

/** What an agent asks leave for: what would be run, where, what it touches and why. All of it is an agent's text. */
export function QuestionView({ question, risks = [], isSmall = false }: Props) {
  const isCut = isSmall && question.what.length > SHORT;
  const what = isCut ? `${question.what.slice(0, SHORT)}…` : question.what;
  return (
    <div className="space-y-2">
      <p className="text-ink-2 text-xs">
        Asks to use <span className="font-medium text-ink">{harmless(question.tool)}</span>
        {question.cwd && (
          <>
            {' in '}
            <code className="[overflow-wrap:anywhere] font-mono">{harmless(question.cwd)}</code>
          </>
        )}
      </p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
        tabIndex={0}
        role="region"
        aria-label="What would be done"
        className={`overflow-auto whitespace-pre-wrap rounded-lg bg-sunken px-3 py-2 font-mono text-[12.5px] leading-5 [overflow-wrap:anywhere] ${isSmall ? 'max-h-40' : 'max-h-80'}`}
      >
        {harmless(what)}
      </pre>
      {isCut && <p className="text-warn text-xs">It goes on: Approvals shows all of it.</p>}
      {question.files.length > 0 && (
        <div className="text-xs">
          <p className="text-ink-3">Touches {many(question.files.length, 'file')}</p>
          <ul className="max-h-32 overflow-auto font-mono text-ink-2">
            {question.files.map((file) => (
              <li key={file} className="[overflow-wrap:anywhere]">
                {harmless(file)}
              </li>
            ))}
          </ul>
        </div>
      )}
      {question.why && (
        <p className="text-ink-2 text-xs [overflow-wrap:anywhere]">
          <span className="text-ink-3">Why, in its words: </span>
          {harmless(question.why)}
        </p>
      )}
      {question.diff && <SignedLines text={question.diff} isSmall={isSmall} />}
      {risks.length > 0 && <Risks risks={risks} />}
    </div>
  );
}

const RISKS: Record<Risk['kind'], { icon: LucideIcon; word: string }> = {
  leavesProject: { icon: SquareArrowOutUpRight, word: 'Leaves the project' },
  network: { icon: Globe, word: 'Uses the network' },
  secrets: { icon: KeyRound, word: 'Touches secrets' },
  destroys: { icon: Trash2, word: 'Takes something away' },
  opaque: { icon: CircleHelp, word: 'Can’t be read beforehand' },
};

/** What is to be minded before something is allowed, with the words that say so. */
function Risks({ risks }: { risks: readonly Risk[] }) {
  return (
    <ul aria-label="To be minded" className="space-y-0.5 text-warn text-xs">
      {risks.map(({ kind, seen }) => {
        const { icon: Icon, word } = RISKS[kind];
        return (
          <li key={kind} className="flex min-w-0 items-center gap-1.5">
            <Icon className="size-3.5 shrink-0" aria-hidden />
            <span className="whitespace-nowrap">{word}:</span>
            <code className="truncate font-mono">{harmless(seen)}</code>
          </li>
        );
      })}
    </ul>
  );
}
