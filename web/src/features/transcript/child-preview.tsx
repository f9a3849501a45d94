import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useContext } from 'react';
import type { Tool } from '../../api/types';
import { Failed, Skeleton } from '../../components/ui/faces';
import { ToolState } from '../../components/ui/state';
import { harmless } from '../../lib/harmless';
import { Directory, iconOf, sayAction } from './action';
import { Markdown } from './markdown';
import { readPage } from './queries';

/** So many of a sub-agent's last items are shown. */
const PREVIEW = 12;

/** How a sub-agent ended: what it did last, and its answer. */
export function ChildPreview({ id }: { id: string }) {
  const page = useQuery({
    queryKey: ['session', id, 'preview'],
    queryFn: ({ signal }) => readPage(id, { at: 'end' }, PREVIEW, signal),
  });
  const said = page.data?.items.filter((item) => item.kind === 'answer' || item.tool) ?? [];
  return (
    <div className="border-line border-l-2 pl-3">
      {page.isPending && <Skeleton lines={2} />}
      {page.error && <Failed error={page.error} retry={() => void page.refetch()} />}
      {page.data?.previousCursor != null && <p className="text-ink-3 text-xs">What it did before is in its session.</p>}
      {said.map((item) =>
        item.tool ? <ToolSummary key={item.key} tool={item.tool} /> : <Markdown key={item.key} text={item.text} />,
      )}
      <Link
        to="/s/$id"
        params={{ id }}
        className="mt-1.5 inline-flex items-center font-medium text-accent hover:underline coarse:min-h-11"
      >
        Open the sub-agent’s session
      </Link>
    </div>
  );
}

/** A call in one line, which opens nowhere. */
function ToolSummary({ tool }: { tool: Tool }) {
  const Icon = iconOf(tool.action);
  const { verb, words, isCode } = sayAction(tool.action, useContext(Directory), tool.status === 'pending');
  return (
    <p className="flex min-w-0 items-center gap-2 py-0.5 text-ink-2">
      <Icon className="size-4 shrink-0 text-ink-3" aria-hidden />
      <span className="min-w-0 flex-1 truncate">
        {verb || harmless(tool.name)} <span className={isCode ? 'font-mono text-xs' : ''}>{harmless(words)}</span>
      </span>
      <ToolState status={tool.status} />
    </p>
  );
}
