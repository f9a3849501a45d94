import type { ReactNode } from 'react';
import { usePageTitle } from '../../lib/page-title';

interface Props {
  title: string;
  aside?: ReactNode;
  /** What the page belongs to, above its title. */
  above?: ReactNode;
  /** As wide as the screen is: things stand side by side. */
  wide?: boolean;
  children: ReactNode;
}

/** A page with its title; what stands beside the title goes to the right. */
export function Page({ title, aside, above, wide = false, children }: Props) {
  usePageTitle(title);
  return (
    <div className={`mx-auto w-full px-6 pt-5 pb-12 max-sm:px-4 ${wide ? 'max-w-[1800px]' : 'max-w-5xl'}`}>
      <header className="mb-5 flex flex-wrap items-center justify-between gap-3">
        <div className="min-w-0">
          {above && <p className="text-ink-3 text-xs">{above}</p>}
          <h1 className="font-semibold text-lg [overflow-wrap:anywhere]">{title}</h1>
        </div>
        {aside}
      </header>
      {children}
    </div>
  );
}

/** A part of a page. */
export function Section({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <section className="mt-8 first:mt-0">
      <div className="mb-3 flex items-center justify-between gap-3">
        <h2 className="font-semibold">{title}</h2>
        {aside}
      </div>
      {children}
    </section>
  );
}
