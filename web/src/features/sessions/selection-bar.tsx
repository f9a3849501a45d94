import { X } from 'lucide-react';
import { Button } from '../../components/ui/button';
import { say } from '../../components/ui/toast';
import { copy } from '../../lib/clipboard';
import { many } from '../../lib/numbers';

/** What can be done with the sessions that are selected. */
export function SelectionBar({ ids, onClear }: { ids: string[]; onClear: () => void }) {
  const put = async (text: string, what: string) => {
    say((await copy(text)) ? `Copied ${what}` : 'The browser does not let anything be copied');
  };
  return (
    <div className="pointer-events-none fixed inset-x-0 bottom-4 z-30 flex justify-center px-3 max-sm:bottom-20">
      <div
        className="pointer-events-auto flex items-center gap-1 rounded-xl bg-raised p-1.5 pl-3 shadow-float"
        role="toolbar"
        aria-label="Selected sessions"
      >
        <span className="pr-2 font-medium tabular-nums">{many(ids.length, 'session')}</span>
        <Button onClick={() => put(ids.join('\n'), many(ids.length, 'id'))}>Copy ids</Button>
        <Button onClick={() => put(ids.map((id) => `marline show ${id}`).join('\n'), 'commands')}>Copy commands</Button>
        <Button icon={X} label="Clear the selection" onClick={onClear} />
      </div>
    </div>
  );
}
