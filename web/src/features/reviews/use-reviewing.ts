import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import type { Item, ReviewAnchor, ReviewAnswer, Source } from '../../api/types';
import { useActs } from '../../lib/acts';
import { isSource } from '../../lib/agents';
import { reviews } from './queries';

const NONE: ReviewAnswer[] = [];

/** The reviews of a session, and what is being chosen for another one. */
export function useReviewing(session: string, onBegun: (review: string) => void) {
  const found = useQuery(reviews.of(session)).data?.reviews ?? NONE;
  const [asked, setAsked] = useState<ReviewAnchor | null>(null);
  const [stretchFrom, setStretchFrom] = useState<string | null>(null);
  const close = useCallback(() => {
    setAsked(null);
    setStretchFrom(null);
  }, []);
  // Another session, other choices.
  // biome-ignore lint/correctness/useExhaustiveDependencies: It is the session that closes what was open.
  useEffect(close, [session, close]);
  const choose = useCallback(
    (item: Item | null) => {
      if (item && stretchFrom !== null) {
        setAsked({ what: 'stretch', from: stretchFrom, to: item.key });
        setStretchFrom(null);
        return;
      }
      setAsked(item ? { what: 'item', key: item.key } : { what: 'last' });
    },
    [stretchFrom],
  );
  const stretch = () => {
    if (asked?.what === 'item') setStretchFrom(asked.key);
    setAsked(null);
  };
  useActs({ leave: () => (stretchFrom === null ? false : close()) });
  const begun = (all: ReviewAnswer[]) => {
    close();
    const first = all[0];
    if (first) onBegun(first.id);
  };
  return { reviews: found, asked, stretchFrom, source: sourceOf(session), choose, stretch, begun, close };
}

/** The agent that a session's id names. */
function sourceOf(session: string): Source {
  const word = session.split(':')[0] ?? '';
  return isSource(word) ? word : 'claude';
}
