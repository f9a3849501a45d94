/** A bar that fills; `share` is from 0 to 1. */
export function Progress({ label, share }: { label: string; share: number }) {
  return (
    <div
      className="h-1 overflow-hidden rounded-full bg-line"
      role="progressbar"
      aria-label={label}
      aria-valuenow={Math.round(share * 100)}
    >
      <div className="h-full origin-left bg-accent" style={{ transform: `scaleX(${share})` }} />
    </div>
  );
}
