import { expect, it } from 'vitest';
import type { Session, SessionPage } from '../../api/types';
import { withHead } from './queries';

const session = (id: string, title = id) => ({ id, title }) as Session;
const page = (total: number, ...sessions: Session[]): SessionPage => ({ sessions, total, nextCursor: null });

it('a long list takes in what is new at its head without doubles or gaps', () => {
  const list = {
    pages: [page(4, session('a'), session('b')), page(4, session('c'), session('d'))],
    pageParams: ['', 'x'],
  };
  const { pages } = withHead(list, page(5, session('new'), session('d', 'moved up')));
  expect(pages.map((page) => page.sessions.map((one) => one.title))).toEqual([['new', 'moved up', 'a', 'b'], ['c']]);
  expect(pages[0]?.total).toBe(5);
});
