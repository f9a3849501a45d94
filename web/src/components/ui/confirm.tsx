import type { ReactNode } from 'react';
import { Button } from './button';
import { Dialog } from './dialog';

interface Props {
  title: string;
  /** What the button says that does it. */
  word: string;
  isBusy?: boolean;
  onYes: () => void;
  onClose: () => void;
  children: ReactNode;
}

/** Asks before something that can't be taken back. */
export function Confirm({ title, word, isBusy = false, onYes, onClose, children }: Props) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="grid gap-4 p-4">
        <div className="space-y-2">{children}</div>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Leave it</Button>
          <Button kind="solid" disabled={isBusy} onClick={onYes}>
            {word}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
