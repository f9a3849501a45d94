import type { SearchHit } from '../../api/types';
import { harmless } from '../../lib/harmless';

/** The place of a hit with the found words marked. */
export function Snippet({ hit }: { hit: SearchHit }) {
  const parts: { text: string; isFound: boolean; from: number }[] = [];
  let last = 0;
  for (const [from, to] of hit.highlights) {
    parts.push({ text: hit.snippet.slice(last, from), isFound: false, from: last });
    parts.push({ text: hit.snippet.slice(from, to), isFound: true, from });
    last = to;
  }
  parts.push({ text: hit.snippet.slice(last), isFound: false, from: last });
  return parts.map((part) =>
    part.isFound ? (
      <mark key={part.from}>{harmless(part.text)}</mark>
    ) : (
      <span key={part.from}>{harmless(part.text)}</span>
    ),
  );
}
