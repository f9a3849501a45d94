import { useQuery } from '@tanstack/react-query';
import type { Item } from '../../api/types';
import { Dialog } from '../../components/ui/dialog';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Code } from './code';
import { transcript } from './queries';

const MAX_PRETTY = 500_000;

function pretty(raw: string): string {
  if (raw.length > MAX_PRETTY) return raw;
  return raw
    .split('\n')
    .map((line) => {
      try {
        return JSON.stringify(JSON.parse(line), null, 2);
      } catch {
        return line;
      }
    })
    .join('\n');
}

/** An item's record as the agent wrote it. */
export function RecordDialog({ session, item, onClose }: { session: string; item: Item; onClose: () => void }) {
  const raw = useQuery(transcript.raw(session, item.key));
  return (
    <Dialog title={`Record of item ${item.key}`} wide onClose={onClose}>
      <div className="p-4">
        <p className="pb-3 font-mono text-ink-3 text-xs [overflow-wrap:anywhere]">
          {item.raw.path} at {item.raw.offset}, {item.raw.length} bytes
        </p>
        {raw.isPending ? (
          <Skeleton />
        ) : raw.error ? (
          <Failed error={raw.error} retry={() => void raw.refetch()} />
        ) : (
          <Code code={pretty(raw.data)} language="json" />
        )}
      </div>
    </Dialog>
  );
}
