import type { ReactNode } from 'react';

interface Props<T extends string> {
  label: string;
  value: T;
  options: readonly { value: T; label: string; icon?: ReactNode }[];
  onChange: (value: T) => void;
}

/** One of a few, side by side. An option with an icon shows it alone and is named by its label. */
export function Segmented<T extends string>({ label, value, options, onChange }: Props<T>) {
  return (
    <fieldset className="inline-flex min-h-8 max-w-full flex-wrap rounded-md bg-sunken p-0.5 coarse:min-h-12">
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          aria-label={option.icon ? option.label : undefined}
          title={option.icon ? option.label : undefined}
          onClick={() => onChange(option.value)}
          className="inline-flex min-h-7 items-center justify-center whitespace-nowrap rounded px-2.5 text-sm text-ink-2 hover:text-ink aria-pressed:bg-raised aria-pressed:font-medium aria-pressed:text-ink aria-pressed:shadow-sm coarse:min-h-11 coarse:min-w-11"
        >
          {option.icon ?? option.label}
        </button>
      ))}
    </fieldset>
  );
}
