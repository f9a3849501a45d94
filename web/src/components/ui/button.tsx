import type { LucideIcon } from 'lucide-react';
import type { ButtonHTMLAttributes } from 'react';
import type { Scope } from '../../api/types';
import { useMay, whyNot } from '../../lib/access';

const KINDS = {
  plain: 'text-ink-2 hover:bg-hover hover:text-ink',
  solid: 'bg-accent text-on-accent hover:brightness-95 font-medium',
  edge: 'border border-line text-ink hover:bg-hover',
} as const;

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: keyof typeof KINDS;
  icon?: LucideIcon;
  /** Says what the button does where it shows no words; also its tooltip. */
  label?: string;
  /** What a device must be allowed for it; on others it is disabled, and says why. */
  needs?: Scope;
}

/** A button: words, an icon, or both. 44 px high where fingers press it. */
export function Button({
  kind = 'plain',
  icon: Icon,
  label,
  className = '',
  children,
  needs,
  disabled,
  ...rest
}: Props) {
  const may = useMay(needs ?? 'view');
  const shape = children === undefined ? 'w-8 justify-center coarse:w-11' : 'px-2.5';
  return (
    <button
      type="button"
      aria-label={label}
      title={may ? label : whyNot(needs ?? 'view')}
      disabled={disabled || !may}
      className={`inline-flex h-8 shrink-0 items-center gap-1.5 rounded-md text-sm transition-colors duration-100 disabled:opacity-50 coarse:h-11 ${shape} ${KINDS[kind]} ${className}`}
      {...rest}
    >
      {Icon && <Icon className="size-4 shrink-0" aria-hidden />}
      {children}
    </button>
  );
}
