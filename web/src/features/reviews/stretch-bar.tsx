import { Button } from '../../components/ui/button';

/** While the end of a stretch is chosen in the transcript. */
export function StretchBar({ onCancel }: { onCancel: () => void }) {
  return (
    <div
      role="status"
      className="fixed inset-x-4 bottom-4 z-30 mx-auto flex w-fit max-w-[calc(100vw-32px)] items-center gap-3 rounded-lg bg-raised py-1.5 pr-1.5 pl-4 shadow-float max-sm:bottom-[calc(4rem+env(safe-area-inset-bottom))]"
    >
      <span>Choose where the stretch ends</span>
      <Button kind="edge" onClick={onCancel}>
        Cancel
      </Button>
    </div>
  );
}
