import type { ReactNode } from 'react';
import type { Scope } from '../../api/types';
import { useMay, whyNot } from '../../lib/access';

/** What only some devices may do; others are told why it is not there, unless it says nothing. */
export function Needs({
  scope,
  isSilent = false,
  children,
}: {
  scope: Scope;
  isSilent?: boolean;
  children: ReactNode;
}) {
  if (useMay(scope)) return children;
  return isSilent ? null : <p className="text-ink-3 text-xs">{whyNot(scope)}</p>;
}
