import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { chime } from '../../lib/chime';
import { useSettings } from '../../lib/settings';
import { live, needsYou } from './queries';

/** Sounds when another session begins to need a person, for those who want it. */
export function Chime() {
  const { sound } = useSettings();
  const { data } = useQuery({
    ...live.now,
    enabled: sound,
    select: (answer) => answer.sessions.filter(({ live }) => needsYou(live)).map(({ live }) => live.id),
  });
  const known = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (!data) return;
    const before = known.current;
    known.current = new Set(data);
    if (sound && before && data.some((id) => !before.has(id))) chime();
  }, [data, sound]);
  return null;
}
