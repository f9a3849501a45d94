import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { ContextPartKind, ReviewAnchor, ReviewAnswer, Source } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FIELD, Field, Problem, TEXT, Tick } from '../../components/ui/field';
import { Segmented } from '../../components/ui/segmented';
import { useSettled } from '../../lib/settled';
import { newKey, useBegin, wordsOf } from './acts';
import { Preview } from './preview';
import { reviews } from './queries';
import { ReviewerChoice, reviewersOf } from './reviewer-choice';

interface Props {
  session: string;
  source: Source;
  anchor: ReviewAnchor;
  /** Leaves the dialog for choosing in the transcript where the stretch ends; nothing: it is chosen. */
  onStretch?: (() => void) | undefined;
  onBegun: (begun: ReviewAnswer[]) => void;
  onClose: () => void;
}

const PARTS: Record<ContextPartKind, string> = {
  task: 'The task: the prompt that led to it',
  text: 'What was said',
  diff: 'The edits, as a diff',
  project: 'What has changed in the project since the last commit',
};
const OF_ITEM: ContextPartKind[] = ['task', 'text', 'diff'];
const OF_PROJECT: ContextPartKind[] = ['task', 'project'];
const ORDER: ContextPartKind[] = ['task', 'text', 'diff', 'project'];
/** While one types, a preview is not asked for at every key. */
const PAUSE = 400;

const NAMES: Record<ReviewAnchor['what'], string> = {
  last: 'The last answer',
  item: 'This alone',
  stretch: 'The stretch',
  project: 'The project’s changes',
};

/** Asks who reviews, and shows word by word what they will be told. */
export function ReviewDialog({ session, source, anchor: given, onStretch, onBegun, onClose }: Props) {
  const [isProject, setProject] = useState(false);
  const anchor: ReviewAnchor = isProject ? { what: 'project' } : given;
  const [reviewers, setReviewers] = useState<ReadonlyMap<Source, string>>(
    () => new Map([[source === 'claude' ? 'codex' : 'claude', '']]),
  );
  const [parts, setParts] = useState<ContextPartKind[]>(OF_ITEM);
  const [task, setTask] = useState('');
  const [rounds, setRounds] = useState(3);
  const [key] = useState(newKey);
  const own = useSettled(task, PAUSE).trim();
  const shown = { session, anchor, parts, task: own === '' ? null : own };
  const preview = useQuery({ ...reviews.preview(shown), enabled: parts.length > 0 });
  const begin = useBegin(onBegun);
  const has = (part: ContextPartKind) => parts.includes(part);
  const put = (part: ContextPartKind, isIn: boolean) =>
    setParts(ORDER.filter((other) => (other === part ? isIn : has(other))));
  const count = reviewersOf(reviewers).length;
  const isReady = count > 0 && preview.data !== undefined && own === task.trim();
  return (
    <Dialog title="Review with…" wide onClose={onClose}>
      <form
        className="grid gap-4 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          begin.mutate({
            ...shown,
            // What was shown is what is meant, whatever the session says meanwhile.
            anchor: preview.data?.anchor ?? anchor,
            key,
            maxRounds: rounds,
            reviewers: reviewersOf(reviewers),
          });
        }}
      >
        <ReviewerChoice value={reviewers} onChange={setReviewers} />
        <div className="flex flex-wrap items-center gap-2">
          <Segmented
            label="What is reviewed"
            value={isProject ? 'project' : 'given'}
            options={[
              { value: 'given', label: NAMES[given.what] },
              { value: 'project', label: NAMES.project },
            ]}
            onChange={(what) => {
              setProject(what === 'project');
              setParts(what === 'project' ? OF_PROJECT : OF_ITEM);
            }}
          />
          {onStretch && !isProject && <Button onClick={onStretch}>From here up to…</Button>}
        </div>
        <fieldset className="grid gap-1.5">
          <legend className="mb-1 text-ink-2 text-sm">What the reviewer is shown</legend>
          {ORDER.filter((part) => !isProject || part === 'task' || part === 'project').map((part) => (
            <Tick key={part} checked={has(part)} onChange={(isIn) => put(part, isIn)}>
              {PARTS[part]}
            </Tick>
          ))}
        </fieldset>
        <div className="grid grid-cols-[1fr_auto] gap-3.5">
          <Field label="The task in your own words">
            <textarea
              rows={2}
              value={task}
              onChange={(event) => setTask(event.target.value)}
              placeholder="Instead of the prompt that led to it"
              className={TEXT}
            />
          </Field>
          <Field label="Rounds at most">
            <input
              type="number"
              min={1}
              max={20}
              required
              value={rounds}
              onChange={(event) => setRounds(Number(event.target.value))}
              className={`${FIELD} w-24`}
            />
          </Field>
        </div>
        <Preview answer={preview.data} error={parts.length === 0 ? null : preview.error} isEmpty={parts.length === 0} />
        {begin.error && <Problem>{wordsOf(begin.error)}</Problem>}
        <div className="-mx-4 -mb-4 sticky bottom-0 flex items-center justify-between gap-3 border-line border-t bg-raised p-3">
          <p className="text-ink-3 text-xs">It reads, and writes nothing.</p>
          <Button kind="solid" type="submit" disabled={!isReady || begin.isPending}>
            {begin.isPending ? 'Beginning…' : count > 1 ? `Review with ${count} reviewers` : 'Review'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
