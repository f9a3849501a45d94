import { useEffect } from 'react';

/** Names the page in its tab, in the history and to a screen reader. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Marline`;
    return () => {
      document.title = 'Marline';
    };
  }, [title]);
}
