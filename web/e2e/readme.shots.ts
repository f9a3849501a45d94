// The pictures of the README, taken of the bundled sessions: `cargo xtask screenshots`.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, it } from 'vitest';
import { ask, type Board, enter, launch, PICTURES, quiet, settled, start } from './board';

let browser: Browser;
let board: Board;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  [browser, board] = await Promise.all([launch(), start(() => {}, ['--demo'])]);
});
afterAll(async () => {
  await browser.close();
  await board.end();
});

interface Shot {
  name: string;
  size: 'desktop' | 'phone';
  theme: 'light' | 'dark';
  /** The address, or words of the title of the session that is shown. */
  at: string | { title: string };
  /** What to press before the picture is taken. */
  open?: string;
}

const SHOTS: Shot[] = [
  { name: 'sessions', size: 'desktop', theme: 'light', at: '/' },
  {
    name: 'transcript',
    size: 'desktop',
    theme: 'dark',
    at: { title: 'Add tests for' },
    open: 'Changed beacon/report.py',
  },
  { name: 'search', size: 'desktop', theme: 'light', at: '/search?q=window' },
  { name: 'usage', size: 'desktop', theme: 'dark', at: '/usage?range=all' },
  { name: 'phone-sessions', size: 'phone', theme: 'light', at: '/' },
  { name: 'phone-transcript', size: 'phone', theme: 'dark', at: { title: 'chart for a spring tide' } },
];

it.each(SHOTS)('$name', async ({ name, size, theme, at, open }) => {
  const context = await enter(browser, board, size, theme);
  await settled(context, board);
  const { sessions } = await ask<{ sessions: { id: string; title: string }[] }>(context, board, '/api/v1/sessions');
  const id = typeof at === 'string' ? '' : sessions.find((session) => session.title.includes(at.title))?.id;
  if (id === undefined) throw new Error(`no session for ${name}`);
  const page = await context.newPage();
  await page.goto(board.address + (typeof at === 'string' ? at : `/s/${encodeURIComponent(id)}`));
  await page.getByRole('heading').first().waitFor();
  await quiet(page);
  if (open) await page.getByRole('button', { name: open }).first().click();
  // Highlighting is put on when the code stands there already.
  await page.waitForTimeout(600);
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
  await context.close();
});
