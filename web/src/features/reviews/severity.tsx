import { Diamond, Info, type LucideIcon, OctagonX, TriangleAlert } from 'lucide-react';
import type { Severity } from '../../api/types';

const LOOKS: Record<Severity, { icon: LucideIcon; colour: string }> = {
  critical: { icon: OctagonX, colour: 'text-bad' },
  major: { icon: TriangleAlert, colour: 'text-warn' },
  minor: { icon: Diamond, colour: 'text-ink-2' },
  note: { icon: Info, colour: 'text-ink-3' },
};

/** How bad a finding is: by shape, colour and word. */
export function SeverityMark({ severity }: { severity: Severity }) {
  const { icon: Icon, colour } = LOOKS[severity];
  return (
    <span className={`inline-flex items-center gap-1.5 font-medium text-xs ${colour}`}>
      <Icon className="size-3.5 shrink-0" aria-hidden />
      {severity}
    </span>
  );
}
