import type { ReactNode } from 'react';

/** A page with its title; what stands beside the title goes to the right. */
export function Page({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }) {
  return (
    <div className="mx-auto w-full max-w-5xl px-6 pt-5 pb-12 max-sm:px-4">
      <header className="mb-5 flex flex-wrap items-center justify-between gap-3">
        <h1 className="font-semibold text-lg">{title}</h1>
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
