// Every page in both widths and both themes: nothing fails, nothing overflows, nothing keeps anybody out.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { barriers, small } from './barriers';
import { ask, type Board, enter, Faults, fixtures, launch, PICTURES, quiet, SIZES, settled, start } from './board';

let browser: Browser;
let board: Board;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  [browser, board] = await Promise.all([launch(), start(fixtures)]);
});
afterAll(async () => {
  await browser.close();
  await board.end();
});

interface Listed {
  sessions: { id: string; forkedFromId: string | null; counts: { toolCalls: number; subagents: number } }[];
}

describe.each(['desktop', 'phone'] as const)('%s', (size) => {
  describe.each(['light', 'dark'] as const)('%s', (theme) => {
    it('shows every page without a fault', async () => {
      const context = await enter(browser, board, size, theme);
      await settled(context, board);
      const { sessions } = await ask<Listed>(context, board, '/api/v1/sessions?limit=200');
      const path = (wanted: (one: Listed['sessions'][number]) => boolean) =>
        `/s/${encodeURIComponent(sessions.find(wanted)?.id ?? '')}`;
      const pages: [string, string, RegExp][] = [
        ['sessions', '/', /Sessions/],
        ['sessions-filtered', '/?source=codex&since=3650d', /Sessions/],
        ['sessions-none', '/?q=nothing-is-called-so', /No session is like that/],
        ['transcript', path((one) => one.counts.toolCalls > 1), /./],
        ['transcript-fork', path((one) => one.forkedFromId?.startsWith('codex') === true), /./],
        ['transcript-helper', path((one) => one.counts.subagents > 0), /./],
        ['transcript-missing', '/s/claude%3Ano-such-session', /Not found/],
        ['search', '/search?q=zebra', /Search/],
        ['search-empty', '/search', /Everything that was said/],
        ['search-none', '/search?q=qqqqqqqqqqqqq', /Nothing was found/],
        ['now-none', '/now', /No agent runs/],
        ['groups-none', '/groups', /No groups yet/],
        ['queues-none', '/queues', /No queues yet/],
        ['approvals-none', '/approvals', /Nothing waits for you/],
        ['usage', '/usage?range=all', /Usage/],
        ['sources', '/sources', /Sources and health/],
        ['providers', '/providers', /Providers/],
        ['settings', '/settings', /Settings/],
        ['api', '/docs/api', /Marline API/],
      ];
      for (const [name, address, heading] of pages) {
        const page = await context.newPage();
        const faults = new Faults();
        faults.watch(page);
        await page.goto(`${board.address}${address}`);
        await page.getByRole('heading', { name: heading }).first().waitFor();
        await quiet(page);
        await page.screenshot({ path: join(PICTURES, `${name}-${size}-${theme}.png`) });
        const overflow = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        expect(overflow, `${name} is no wider than the screen`).toBeLessThanOrEqual(0);
        expect(await barriers(page), name).toEqual([]);
        if (size === 'phone') expect.soft(await small(page), `${name}: what fingers press`).toEqual([]);
        const expected = name === 'transcript-missing' ? /404/ : /^$/;
        expect(
          faults.all.filter((fault) => !expected.test(fault)),
          name,
        ).toEqual([]);
        await page.close();
      }
      await context.close();
    });
  });
});

it('opens nothing on a phone that a finger misses', async () => {
  const context = await enter(browser, board, 'phone');
  const page = await context.newPage();
  const { sessions } = await ask<Listed>(context, board, '/api/v1/sessions?limit=200');
  const session = `/s/${encodeURIComponent(sessions.find((one) => one.counts.toolCalls > 1)?.id ?? '')}`;
  let opened = 0;
  for (const address of ['/', session, '/search?q=zebra', '/now', '/usage?range=all', '/providers']) {
    await page.goto(`${board.address}${address}`);
    await quiet(page);
    for (const menu of await page.locator('button[aria-haspopup="dialog"]:visible').all()) {
      const name = `${address}: ${await menu.innerText()}`;
      await menu.click();
      await page.locator('[popover]:popover-open').waitFor();
      expect.soft(await small(page, '[popover]:popover-open'), name).toEqual([]);
      await page.keyboard.press('Escape');
      opened++;
    }
  }
  expect(opened).toBeGreaterThan(6);
  for (const [address, button] of [
    ['/now', 'Start an agent'],
    ['/groups', 'New group'],
    ['/queues', 'New queue'],
    ['/providers', 'Add a provider'],
  ] as const) {
    await page.goto(`${board.address}${address}`);
    await quiet(page);
    await page.getByRole('button', { name: button }).first().click();
    await page.getByRole('dialog').first().waitFor();
    expect.soft(await small(page, '[role=dialog]'), button).toEqual([]);
  }
  await context.close();
});

it('shows no page wider than a small phone', async () => {
  const context = await enter(browser, board, 'phone');
  const page = await context.newPage();
  await page.setViewportSize({ ...SIZES.phone, width: 320 });
  for (const address of [
    '/',
    '/search?q=zebra',
    '/groups',
    '/queues',
    '/approvals',
    '/usage',
    '/sources',
    '/settings',
  ]) {
    await page.goto(`${board.address}${address}`);
    await quiet(page);
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
      address,
    ).toBeLessThanOrEqual(0);
  }
  await context.close();
});
