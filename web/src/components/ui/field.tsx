import type { ReactNode } from 'react';

/** The look of a field of one line. */
export const FIELD =
  'h-8 w-full rounded-md border border-line-strong bg-transparent px-2.5 outline-none focus:border-accent coarse:h-11';

/** A field below its label. */
export function Field({ label, children }: { label: ReactNode; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is what stands in it.
    <label className="grid gap-1">
      <span className="text-ink-2 text-sm">{label}</span>
      {children}
    </label>
  );
}

/** The look of a choice among several. */
export const SELECT =
  'h-8 w-full rounded-md border border-line-strong bg-raised px-2 outline-none focus:border-accent coarse:h-11';

/** The look of a field of many lines. */
export const TEXT =
  'w-full resize-y rounded-md border border-line-strong bg-transparent px-2.5 py-2 text-base outline-none focus:border-accent placeholder:text-ink-3';

/** Something that holds or does not. */
export function Tick({
  checked,
  onChange,
  children,
}: {
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}) {
  return (
    <label className="flex items-start gap-2.5 coarse:min-h-11 coarse:items-center">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
        className="mt-0.5 size-4 shrink-0 accent-accent coarse:mt-0"
      />
      <span>{children}</span>
    </label>
  );
}

/** What went wrong with what was filled in. */
export function Problem({ children }: { children: ReactNode }) {
  return (
    <p role="alert" className="text-bad [overflow-wrap:anywhere]">
      {children}
    </p>
  );
}
