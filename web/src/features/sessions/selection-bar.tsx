import { X } from 'lucide-react';
import type { ReactNode } from 'react';
import { Button } from '../../components/ui/button';
import { Menu, MenuItem } from '../../components/ui/menu';
import { say } from '../../components/ui/toast';
import { copy } from '../../lib/clipboard';
import { full, many } from '../../lib/numbers';

interface Props {
  ids: string[];
  onClear: () => void;
  /** What others can do with them. */
  children: ReactNode;
}

/** What can be done with the sessions that are selected. */
export function SelectionBar({ ids, onClear, children }: Props) {
  const put = async (text: string, what: string) => {
    say((await copy(text)) ? `Copied ${what}` : 'The browser does not let anything be copied');
  };
  return (
    <div className="pointer-events-none fixed inset-x-0 bottom-4 z-30 flex justify-center px-3 max-sm:bottom-20">
      <div
        className="pointer-events-auto flex items-center gap-1 rounded-xl bg-raised p-1.5 pl-3 shadow-float max-sm:gap-0"
        role="toolbar"
        aria-label="Selected sessions"
      >
        <span className="whitespace-nowrap pr-2 font-medium tabular-nums">
          {ids.length === 0 ? 'Tap those you mean' : full(ids.length)}
          {ids.length > 0 && <span className="max-sm:sr-only"> {ids.length === 1 ? 'session' : 'sessions'}</span>}
        </span>
        {ids.length > 0 && (
          <>
            {children}
            <Menu label="Copy" button={(props) => <Button {...props}>Copy</Button>}>
              {(close) => (
                <>
                  <MenuItem
                    onClick={() => {
                      close();
                      void put(ids.join('\n'), many(ids.length, 'id'));
                    }}
                  >
                    Ids
                  </MenuItem>
                  <MenuItem
                    onClick={() => {
                      close();
                      void put(ids.map((id) => `marline show ${id}`).join('\n'), 'commands');
                    }}
                  >
                    Commands
                  </MenuItem>
                </>
              )}
            </Menu>
          </>
        )}
        <Button icon={X} label="Clear the selection" onClick={onClear} />
      </div>
    </div>
  );
}
