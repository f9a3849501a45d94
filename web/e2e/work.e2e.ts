// Groups, queues and approvals, as people use them; with a real agent where something runs.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IS_SKIPPED, type Stage, stage } from './agent';
import { barriers } from './barriers';
import { ask, type Board, enter, PICTURES, quiet, settled } from './board';

let on: Stage;
let board: Board;
let context: BrowserContext;
const open = (address: string) => on.open(context, address);

beforeAll(async () => {
  on = await stage('no real agent is run from the board');
  board = on.board;
  context = await enter(on.browser, board);
  await settled(context, board);
});
afterAll(() => on.end());

/** Makes a queue in the browser and stays on its page. */
async function makeQueue(page: Page, name: string): Promise<void> {
  await page.goto(`${board.address}/queues`);
  await page.getByRole('button', { name: 'New queue' }).click();
  const dialog = page.getByRole('dialog', { name: 'New queue' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill(name);
  await dialog.getByText('Claude Code').click();
  await dialog.getByRole('combobox', { name: 'Directory' }).selectOption(on.directory);
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}

async function addPrompt(page: Page, words: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Another prompt' }).fill(words);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('list', { name: 'Prompts that wait' }).getByText(words).waitFor();
}

const waiting = (page: Page) => page.getByRole('list', { name: 'Prompts that wait' }).getByRole('listitem');
const numbers = (page: Page) =>
  waiting(page).evaluateAll((rows) => rows.map((row) => (row.textContent ?? '').slice(0, 1)).join(''));

describe('without an agent', () => {
  it('the keys lead there, and the help says so', async () => {
    const page = await open('/');
    for (const [key, heading] of [
      ['g', 'Groups'],
      ['q', 'Queues'],
      ['a', 'Approvals'],
    ] as const) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await page.getByRole('heading', { level: 1, name: heading }).waitFor();
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).getByText('Go to approvals').waitFor();
    await page.close();
  });

  it('prompts are added and put in order by mouse, by keys and by menu; the order lasts', async () => {
    const page = await open('/queues');
    await page.getByRole('button', { name: 'New queue' }).click();
    await page.getByRole('dialog', { name: 'New queue' }).getByText('How its prompts are run').click();
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await makeQueue(page, 'In order');
    for (const words of ['The first', 'The second', 'The third', 'The fourth']) await addPrompt(page, words);
    expect(await numbers(page)).toBe('1234');
    const handle = (n: number) => page.getByRole('button', { name: `Move prompt ${n};` });
    const from = await handle(1).boundingBox();
    const to = await handle(3).boundingBox();
    if (!from || !to) throw new Error('the handles have no place');
    await page.mouse.move(from.x + 4, from.y + 4);
    await page.mouse.down();
    await page.mouse.move(from.x + 4, from.y + 30, { steps: 4 });
    await page.mouse.move(to.x + 4, to.y + 12, { steps: 6 });
    await page.mouse.up();
    await expect.poll(() => numbers(page)).toBe('2314');
    await handle(4).focus();
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => numbers(page)).toBe('2341');
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => numbers(page)).toBe('2431');
    await page.getByRole('button', { name: 'Acts on prompt 1' }).click();
    await page.getByRole('button', { name: 'Move to the top' }).click();
    await expect.poll(() => numbers(page)).toBe('1243');
    await quiet(page);
    await page.reload();
    await waiting(page).first().waitFor();
    expect(await numbers(page)).toBe('1243');
    await page.close();
  });

  it('a finger moves a prompt too', async () => {
    const phone = await enter(on.browser, board, 'phone');
    const page = await phone.newPage();
    on.faults.watch(page);
    await page.goto(`${board.address}/queues`);
    await page.getByRole('link', { name: 'In order' }).click();
    await waiting(page).first().waitFor();
    const from = await page.getByRole('button', { name: 'Move prompt 1;' }).boundingBox();
    const to = await page.getByRole('button', { name: 'Move prompt 2;' }).boundingBox();
    if (!from || !to) throw new Error('the handles have no place');
    const touch = await phone.newCDPSession(page);
    const at = (type: 'touchStart' | 'touchMove' | 'touchEnd', y: number) =>
      touch.send('Input.dispatchTouchEvent', {
        type,
        touchPoints: type === 'touchEnd' ? [] : [{ x: from.x + 20, y }],
      });
    await at('touchStart', from.y + 20);
    for (let n = 1; n <= 8; n++) await at('touchMove', from.y + 20 + ((to.y - from.y + 12) * n) / 8);
    await at('touchEnd', 0);
    await expect.poll(() => numbers(page)).toBe('2143');
    await phone.close();
  });

  it('a prompt is held back, released, edited, cancelled and removed', async () => {
    const page = await open('/queues');
    await page.getByRole('link', { name: 'In order' }).click();
    const acts = async (number: number, act: string) => {
      await page.getByRole('button', { name: `Acts on prompt ${number}` }).click();
      await page
        .getByRole('dialog', { name: `Prompt ${number}` })
        .getByRole('button', { name: act })
        .click();
    };
    await acts(3, 'Wait for a release');
    await page.getByText('waits for a release').waitFor();
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await page.getByText('waits for a release').waitFor({ state: 'detached' });
    await acts(3, 'Edit');
    const dialog = page.getByRole('dialog', { name: 'Prompt 3' });
    await dialog.getByRole('textbox', { name: 'Its words' }).fill('The third, in other words');
    await dialog.getByRole('button', { name: 'Keep' }).click();
    await waiting(page).getByText('The third, in other words').waitFor();
    await acts(4, 'Cancel');
    await page.getByRole('list', { name: 'Prompts at their end' }).getByText('The fourth').waitFor();
    await acts(3, 'Remove');
    await expect.poll(() => numbers(page)).toBe('21');
    await page.close();
  });

  it('pictures go with a prompt, and what is none is refused', async () => {
    const dot = Buffer.from(
      'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
      'base64',
    );
    const page = await open('/queues');
    await page.getByRole('link', { name: 'In order' }).click();
    const field = page.locator('input[type=file][multiple]');
    await field.setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') });
    await page.getByText('notes.txt is no PNG').waitFor();
    await field.setInputFiles({ name: 'dot.png', mimeType: 'image/png', buffer: dot });
    await page.getByRole('list', { name: 'Pictures' }).getByText('dot.png').waitFor();
    await addPrompt(page, 'Say what is in the picture');
    await waiting(page).getByText('1 picture').waitFor();
    await page.close();
  });

  it('a group is made of a selection, more are added, and it is renamed', async () => {
    const page = await open('/?source=claude');
    await page.getByRole('link', { name: 'A session that was here before' }).waitFor();
    for (let n = 0; n < 2; n++) {
      await page.keyboard.press('j');
      await page.keyboard.press('x');
    }
    await page.getByRole('toolbar', { name: 'Selected sessions' }).getByRole('button', { name: 'New group' }).click();
    const dialog = page.getByRole('dialog', { name: 'New group' });
    await dialog.getByText('2 sessions will be in it').waitFor();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Of a selection');
    await dialog.getByRole('button', { name: 'Make it' }).click();
    await page.getByRole('heading', { level: 1, name: 'Of a selection' }).waitFor();
    await page.getByRole('heading', { level: 2, name: '2 sessions' }).waitFor();
    await page.goto(`${board.address}/?source=codex`);
    await page.getByRole('main').getByRole('checkbox').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    await page.getByRole('button', { name: 'Add to group…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Of a selection' }).click();
    await page.getByRole('button', { name: 'Open it' }).click();
    await page.getByRole('heading', { level: 2, name: '3 sessions' }).waitFor();
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('button', { name: 'Name and description' }).click();
    await page.getByRole('dialog').getByRole('textbox', { name: 'What it is for' }).fill('To see that it works');
    await page.getByRole('dialog').getByRole('button', { name: 'Keep' }).click();
    await page.getByText('To see that it works').waitFor();
    await page.getByRole('button', { name: 'New sessions' }).click();
    const fresh = page.getByRole('dialog', { name: 'New sessions' });
    await fresh.getByRole('combobox', { name: 'Directory' }).selectOption(on.directory);
    await fresh.getByRole('spinbutton', { name: 'How many' }).fill('2');
    await fresh.getByRole('button', { name: 'Add 2 sessions' }).click();
    await page.getByText('begun by the next run').nth(1).waitFor();
    await page.getByRole('button', { name: 'Take out those yet to begin' }).click();
    await page.getByText('begun by the next run').first().waitFor({ state: 'detached' });
    await page
      .getByRole('button', { name: /^Take .* out of the group/ })
      .first()
      .click();
    await page.getByRole('heading', { level: 2, name: '2 sessions' }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('heading', { level: 2, name: '3 sessions' }).waitFor();
    await page.close();
  });

  it('a queue is exported, deleted after a question, and imported again', async () => {
    const page = await open('/queues');
    await page.getByRole('link', { name: 'In order' }).click();
    await page.getByRole('button', { name: 'More', exact: true }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as JSON' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('In-order.json');
    const file = join(PICTURES, 'In-order.json');
    await download.saveAs(file);
    const { name, prompts } = JSON.parse(readFileSync(file, 'utf8'));
    expect([name, prompts.length]).toEqual(['In order', 4]);
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('button', { name: 'Delete the queue' }).click();
    await page.getByRole('dialog', { name: 'Delete In order' }).getByRole('button', { name: 'Delete it' }).click();
    await page.getByRole('heading', { name: 'No queues yet' }).waitFor();
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByRole('link', { name: 'In order' }).waitFor();
    await page.close();
  });

  it('what an agent asks is text, whatever it is', async () => {
    const harm = '<img src=x onerror="window.__hostile=1"><script>window.__hostile=1</script>';
    const question = {
      id: 'q',
      tool: harm,
      what: `rm -rf "\u202e" ${harm}`,
      cwd: harm,
      files: [harm, 'javascript:window.__hostile=1'],
      why: `[a](javascript:window.__hostile=1) ${harm}`,
      diff: `@@ -1 +1 @@\n-${harm}\n+${harm}`,
      forSession: true,
    };
    const asked = { number: 1, run: 'r', name: harm, task: 't', attempt: 1, source: 'codex', question };
    const at = new Date().toISOString();
    const until = new Date(Date.now() + 60_000).toISOString();
    const page = await context.newPage();
    on.faults.watch(page);
    await page.route('**/api/v1/approvals', (route) =>
      route.fulfill({
        json: {
          open: [{ ...asked, at, until, isOpen: true }],
          answered: [
            { ...asked, number: 2, at, until, isOpen: false, by: harm, decision: { say: 'deny', reason: harm } },
          ],
        },
      }),
    );
    await page.goto(`${board.address}/approvals`);
    const article = page.getByRole('article', { name: 'Question 1' });
    await article.getByText('⟨U+202E⟩').waitFor();
    await article.getByRole('region', { name: 'The change' }).getByText('onerror').first().waitFor();
    await page.getByRole('button', { name: /rm -rf/ }).click();
    await page
      .getByText(/Denied: <img/)
      .first()
      .waitFor();
    expect(await page.evaluate(() => '__hostile' in window)).toBe(false);
    expect(await page.locator('img, [href^="javascript"]').count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
    await page.close();
  });

  it('of fifty lanes and thousands of events, only what is on the screen is in the page', async () => {
    const at = new Date().toISOString();
    const usage = { inputTokens: 1, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 1, reasoningTokens: 0 };
    const tasks = Array.from({ length: 50 }, (_, n) => ({
      id: `t${n}`,
      list: 'r',
      number: n + 1,
      position: n + 1,
      prompt: 'p',
      images: [],
      status: 'running',
      isManual: false,
      source: 'codex',
      isNew: true,
      attempt: 1,
      goesOn: false,
      run: 'r',
      itemsBefore: 0,
      heard: 0,
      usage,
      addedAt: at,
      startedAt: at,
    }));
    const counts = { pending: 0, running: 50, completed: 0, failed: 0, interrupted: 0, cancelled: 0 };
    const run = { id: 'r', number: 9, list: 'g', isQueue: true, name: 'Fifty', options: {}, maxConcurrency: 50 };
    const events = Array.from({ length: 9_000 }, (_, n) => ({
      seq: n + 1,
      run: 'r',
      task: `t${n % 50}`,
      at,
      event: 'item',
      item: { kind: 'said', text: `Words ${n}`, more: false },
    }));
    const asked: number[] = [];
    const page = await context.newPage();
    on.faults.watch(page);
    await page.route('**/api/v1/runs/r', (route) =>
      route.fulfill({ json: { run: { ...run, place: 'own', wish: 'run', counts, createdAt: at }, tasks } }),
    );
    await page.route('**/api/v1/runs/r/events*', (route) => {
      const after = Number(new URL(route.request().url()).searchParams.get('after') ?? 0);
      asked.push(after);
      return route.fulfill({ json: { events: events.slice(after, after + 1_000) } });
    });
    await page.goto(`${board.address}/runs/r`);
    await page.getByText('Words 8950').waitFor();
    expect(await page.locator('[data-lane]').count()).toBeLessThan(10);
    expect(await page.getByText('30 earlier are in the session.').count()).toBeGreaterThan(0);
    await page.getByRole('button', { name: /^To lane 40:/ }).click();
    await page.getByRole('region', { name: /^40: / }).getByText('Words 8989').waitFor();
    expect(await page.locator('[data-lane]').count()).toBeLessThan(10);
    // Each event is read once.
    expect(asked).toEqual([...new Set(asked)]);
    await page.close();
  });

  it('what is no such file is refused in words', async () => {
    // A refusal is expected here, and no fault.
    const page = await context.newPage();
    await page.goto(`${board.address}/groups`);
    const file = join(PICTURES, 'none.json');
    writeFileSync(file, 'not JSON');
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByText("it can't be read as groups or queues").waitFor();
    await page.getByRole('button', { name: 'New group' }).click();
    const dialog = page.getByRole('dialog', { name: 'New group' });
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Of a selection');
    await dialog.getByRole('button', { name: 'Make it' }).click();
    await dialog.getByRole('alert').waitFor();
    await page.goto(`${board.address}/queues/no-such-queue`);
    await page.getByRole('heading', { name: 'Not found' }).waitFor();
    await page.close();
  });
});

describe.skipIf(IS_SKIPPED)('with a real agent', () => {
  it('a queue runs: the prompt at work is seen, and each answer is kept', async () => {
    const page = await open('/queues');
    await makeQueue(page, 'Works');
    await addPrompt(page, 'Hold the rope {{wait: 3}} {{say: It is held.}}');
    await addPrompt(page, 'Let it go {{say: It is gone.}}');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    const lane = page.getByRole('region', { name: /^1: Hold the rope/ });
    await lane.getByText('working').waitFor();
    const ended = page.getByRole('list', { name: 'Prompts at their end' });
    await ended.getByText('Let it go').waitFor();
    await page.getByRole('button', { name: 'Run', exact: true }).waitFor();
    await ended.getByRole('button', { name: /Hold the rope/ }).click();
    await ended.getByText('It is held.', { exact: true }).waitFor();
    await ended.getByRole('link', { name: 'Open the session' }).click();
    await page.getByRole('article', { name: 'Answer' }).getByText('It is held.').waitFor();
    await page.close();
  });

  it('a group of a selection runs in lanes; one question is allowed in its lane, one denied in the inbox', async () => {
    await settled(context, board);
    const page = await open('/?q=rope&source=claude');
    for (const title of ['Hold the rope', 'Let it go']) {
      await page.getByRole('checkbox', { name: new RegExp(`Select ${title}`) }).check({ force: true });
    }
    await page.getByRole('button', { name: 'New group' }).click();
    await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('Both ends');
    await page.getByRole('dialog').getByRole('button', { name: 'Make it' }).click();
    await page.getByRole('heading', { level: 1, name: 'Both ends' }).waitFor();
    await page.getByRole('button', { name: 'Run now' }).click();
    const dialog = page.getByRole('dialog', { name: 'Run Both ends' });
    await dialog
      .getByRole('textbox', { name: 'What every session is told' })
      .fill('Tie a knot {{run: touch knot}} {{say: The knot is tied.}}');
    await dialog.getByRole('combobox', { name: 'What an agent may do without asking' }).selectOption('ask');
    await dialog.getByText('waits in Approvals').waitFor();
    expect(await barriers(page)).toEqual([]);
    await dialog.getByRole('combobox', { name: 'Where they work' }).selectOption('shared');
    await dialog.getByRole('button', { name: 'Run 2 sessions' }).click();
    const lane = (n: number) => page.getByRole('region', { name: new RegExp(`^${n}: `) });
    await lane(1).locator('header').getByText('waits for you').waitFor();
    await lane(2).locator('header').getByText('waits for you').waitFor();
    expect(existsSync(join(on.directory, 'knot'))).toBe(false);
    await page.getByRole('link', { name: /Approvals.*2.*open/ }).waitFor();
    await page.screenshot({ path: join(PICTURES, 'work-lanes.png') });
    expect(await barriers(page)).toEqual([]);
    await lane(1).getByRole('button', { name: 'Allow once' }).click();
    await lane(1).locator('header').getByText('done').waitFor();
    expect(existsSync(join(on.directory, 'knot'))).toBe(true);

    const inbox = await open('/approvals');
    const question = inbox.getByRole('article', { name: /Question/ });
    await question.getByText('touch knot').waitFor();
    await question.getByText(on.directory, { exact: true }).first().waitFor();
    await inbox.screenshot({ path: join(PICTURES, 'work-approvals.png') });
    expect(await barriers(inbox)).toEqual([]);
    await question.getByRole('button', { name: 'Deny…' }).click();
    await question.getByRole('textbox', { name: 'A word to the agent' }).fill('One knot is enough');
    await question.getByRole('button', { name: 'Deny', exact: true }).click();
    await inbox.getByRole('heading', { name: 'Nothing waits for you' }).waitFor();
    await inbox.getByText('Denied: One knot is enough').first().waitFor();
    await inbox.close();

    const table = page.getByRole('table');
    await table.getByText('done').nth(1).waitFor();
    await page.getByRole('button', { name: 'Run now' }).waitFor();
    await table
      .getByRole('button', { name: /The knot is tied/ })
      .first()
      .click();
    await table.getByRole('link', { name: 'Open the session' }).waitFor();
    await page.close();
  });

  it('a run is paused, goes on, and is stopped', async () => {
    const page = await open('/queues');
    await makeQueue(page, 'Long');
    await addPrompt(page, 'Take your time {{wait: 4}} {{say: Taken.}}');
    await addPrompt(page, 'And more {{wait: 60}} {{say: Never said.}}');
    await page.getByRole('button', { name: 'Run', exact: true }).click();
    await page.getByRole('region', { name: /^1: Take your time/ }).waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused:').waitFor();
    await page.getByRole('list', { name: 'Prompts at their end' }).getByText('Take your time').waitFor();
    expect(await numbers(page)).toBe('2');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page
      .getByRole('region', { name: /^2: And more/ })
      .getByText('working')
      .waitFor();
    await page.getByRole('button', { name: 'Stop' }).click();
    await page.getByRole('dialog', { name: 'Stop the run' }).getByRole('button', { name: 'Stop it' }).click();
    await page.getByRole('list', { name: 'Prompts at their end' }).getByText('interrupted').waitFor();
    await page.close();
  });
});

describe.each(['desktop', 'phone'] as const)('%s', (size) => {
  it.each(['light', 'dark'] as const)('keeps nobody out and is no wider than the screen, %s', async (theme) => {
    const there = await enter(on.browser, board, size, theme);
    const { groups } = await ask<{ groups: { group: { id: string }; lastRun: { id: string } | null }[] }>(
      there,
      board,
      '/api/v1/groups',
    );
    const { queues } = await ask<{ queues: { queue: { id: string } }[] }>(there, board, '/api/v1/queues');
    const run = groups.find(({ lastRun }) => lastRun)?.lastRun?.id;
    const pages = [
      ['groups', '/groups'],
      ...groups.map(({ group }, n) => [`group-${n}`, `/groups/${group.id}`] as const),
      ['queues', '/queues'],
      ...queues.map(({ queue }, n) => [`queue-${n}`, `/queues/${queue.id}`] as const),
      ['approvals', '/approvals'],
      ...(run ? [['run', `/runs/${run}`] as const] : []),
    ] as const;
    for (const [name, address] of pages) {
      const page = await there.newPage();
      on.faults.watch(page);
      await page.goto(`${board.address}${address}`);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await quiet(page);
      await page.screenshot({ path: join(PICTURES, `work-${name}-${size}-${theme}.png`) });
      const wider = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(wider, `${name} is no wider than the screen`).toBeLessThanOrEqual(0);
      expect(await barriers(page), name).toEqual([]);
      await page.close();
    }
    await there.close();
  });
});

it('on a phone, approvals are within the thumb’s reach, and all else is one step further', async () => {
  const phone = await enter(on.browser, board, 'phone');
  const page = await phone.newPage();
  on.faults.watch(page);
  await page.goto(board.address);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Approvals' }).click();
  await page.getByRole('heading', { level: 1, name: 'Approvals' }).waitFor();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('dialog', { name: 'More pages' }).getByRole('button', { name: 'Queues' }).click();
  await page.getByRole('heading', { level: 1, name: 'Queues' }).waitFor();
  await phone.close();
});

it('nothing of this left a fault behind', () => {
  expect(on.faults.all).toEqual([]);
});
