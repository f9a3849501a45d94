import { X } from 'lucide-react';

/** A filter that holds; pressing it takes it away. */
export function Chip({ name, value, onRemove }: { name: string; value: string; onRemove: () => void }) {
  return (
    <button
      type="button"
      onClick={onRemove}
      aria-label={`Remove the filter ${name} ${value}`}
      className="inline-flex h-7 max-w-72 items-center gap-1 rounded-full bg-accent-soft pr-1.5 pl-2.5 text-xs hover:opacity-80 coarse:h-11"
    >
      <span className="text-ink-2">{name}</span>
      <span className="truncate font-medium">{value}</span>
      <X className="size-3.5 shrink-0" aria-hidden />
    </button>
  );
}
