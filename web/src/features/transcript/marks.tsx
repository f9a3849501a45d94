import type { ReactNode } from 'react';

/** The words of a query, for marking where they stand; operators and filters are none. */
export function wordsOf(query: string): string[] {
  const parts = query.match(/"[^"]*"|\S+/g) ?? [];
  return parts
    .filter((part) => !/^(-|−|OR$|[a-z]+:[^/:\s])/.test(part))
    .map((part) => part.replace(/^"|"$|\*$/g, ''))
    .filter((part) => part.length > 1);
}

/** What finds the words of a query in a text, each in a group; nothing where it has none. */
export function patternOf(query: string | undefined): RegExp | undefined {
  const words = wordsOf(query ?? '');
  if (words.length === 0) return undefined;
  return new RegExp(`(${words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})`, 'gi');
}

/** Marks words in a text. */
export function marker(query: string | undefined): ((text: string) => ReactNode) | undefined {
  const pattern = patternOf(query);
  if (!pattern) return undefined;
  return (text) =>
    text.split(pattern).map((part, n) =>
      // biome-ignore lint/suspicious/noArrayIndexKey: The parts of a text don't move.
      n % 2 === 1 ? <mark key={n}>{part}</mark> : part,
    );
}
