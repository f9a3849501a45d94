import type { ReactNode } from 'react';

/** The look of a field of one line. */
export const FIELD =
  'h-8 w-full rounded-md border border-line-strong bg-transparent px-2.5 outline-none focus:border-accent coarse:h-11';

/** A field below its label. */
export function Field({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is what stands in it.
    <label className="grid gap-1">
      <span className="text-ink-2 text-sm">{label}</span>
      {children}
    </label>
  );
}
