import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IS_SKIPPED, type Stage, stage } from './agent';
import { barriers } from './barriers';
import { ask, type Board, enter, PICTURES, settled } from './board';

let on: Stage;
let board: Board;
let phone: BrowserContext;

beforeAll(async () => {
  on = await stage('no real agent is steered');
  board = on.board;
  phone = await enter(on.browser, board, 'phone');
  await settled(phone, board);
});
afterAll(() => on.end());

const open = (address: string) => on.open(phone, address);

const field = (page: Page) => page.getByRole('textbox', { name: 'Say something to the agent' });

async function send(page: Page, words: string): Promise<void> {
  await field(page).fill(words);
  await page.getByRole('button', { name: 'Send' }).click();
}

const said = (page: Page, words: string) => page.getByRole('main').getByText(words, { exact: true });

it('says that no agent runs', async () => {
  const page = await open('/now');
  await page.getByRole('heading', { name: 'No agent runs' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.close();
});

describe.skipIf(IS_SKIPPED)('with an agent that a person opened', () => {
  it('it shows up, is talked to, answered, refused and interrupted', async () => {
    const page = await open('/now');
    on.tmux('new-session', '-d', '-s', 'hand', '-x', '120', '-y', '40', '--', 'claude', '--permission-mode', 'manual');
    const entry = page.getByRole('article');
    await entry.getByText('waits for a prompt').waitFor();
    await page.screenshot({ path: join(PICTURES, 'now-phone.png') });
    await entry.getByRole('link').first().click();
    await page.getByText('Nothing was said yet').waitFor();

    // A prompt typed on the phone stands in the terminal and, once, in the transcript.
    await send(page, 'From the phone {{say: To the phone}}');
    await said(page, 'To the phone').waitFor();
    expect(on.tmux('capture-pane', '-p', '-t', 'hand')).toContain('From the phone');
    const items = await ask<{ items: { kind: string; text: string }[] }>(
      phone,
      board,
      `/api/v1${new URL(page.url()).pathname.replace('/s/', '/sessions/')}/items`,
    );
    const prompts = items.items.filter((item) => item.kind === 'prompt').map((item) => item.text);
    expect(prompts).toEqual(['From the phone {{say: To the phone}}']);
    await expect.poll(() => field(page).inputValue()).toBe('');

    // What is typed at the desk streams to the phone.
    on.tmux('send-keys', '-t', 'hand', '-l', 'At the desk {{say: Heard at both}}');
    on.tmux('send-keys', '-t', 'hand', 'Enter');
    await said(page, 'Heard at both').waitFor();

    // A permission is allowed from the phone, and the tool runs.
    await send(page, 'Touch it {{run: touch allowed.txt}} {{say: Touched}}');
    await page.getByRole('region', { name: 'What would be done' }).getByText('touch allowed.txt').waitFor();
    expect(existsSync(join(on.directory, 'allowed.txt'))).toBe(false);
    expect(await barriers(page)).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'live-asks-phone.png') });
    const inbox = await open('/approvals');
    await inbox.getByRole('list', { name: 'Asked in terminals' }).getByText('touch allowed.txt').waitFor();
    await inbox.close();
    await page.getByRole('button', { name: 'Allow once' }).click();
    await said(page, 'Touched').waitFor();
    expect(existsSync(join(on.directory, 'allowed.txt'))).toBe(true);

    // Denied it does not, and the word why is the next prompt.
    await send(page, 'Touch more {{run: touch denied.txt}} {{say: Touched more}}');
    await page.getByRole('button', { name: 'Deny…' }).click();
    await page.getByRole('textbox', { name: 'A word to the agent' }).fill('Leave it {{say: Left it}}');
    await page.getByRole('button', { name: 'Deny', exact: true }).click();
    await said(page, 'Left it').waitFor();
    expect(existsSync(join(on.directory, 'denied.txt'))).toBe(false);

    // What asks for no leave is answered by a tap, several by ticks, and in words.
    const options = [
      { label: 'The old one', description: '8080, as before' },
      { label: 'A new one', description: '9090' },
    ];
    const asks = (...questions: { question: string; multiSelect?: boolean }[]) => {
      const all = questions.map((one) => ({ header: 'Port', multiSelect: false, options, ...one }));
      return `Ask me {{call: AskUserQuestion = ${JSON.stringify({ questions: all }).replaceAll('}}', '} }')} }}{{say: Thanks}}`;
    };
    // The transcript tells what was asked, too.
    const asked = page.getByRole('region', { name: 'The running agent' });
    const answers = asked.getByRole('list', { name: 'Answers' });
    await send(page, asks({ question: 'Which port?' }));
    await asked.getByText('Which port?', { exact: true }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'live-question-phone.png') });
    await answers.getByRole('button', { name: /^A new one/ }).click();
    await said(page, 'Thanks').waitFor();
    await send(page, asks({ question: 'Which ports?', multiSelect: true }, { question: 'In which order?' }));
    await asked.getByText('Which ports?', { exact: true }).waitFor();
    await answers.getByRole('checkbox', { name: /^The old one/ }).check();
    await page.screenshot({ path: join(PICTURES, 'live-questions-phone.png') });
    await page.getByRole('button', { name: 'Choose these' }).click();
    await asked.getByText('In which order?', { exact: true }).waitFor();
    await page.getByRole('textbox', { name: 'An answer in your own words' }).fill('As they come');
    await page.getByRole('button', { name: 'Answer', exact: true }).click();
    await answers.getByRole('button', { name: 'Submit answers' }).click();
    await expect.poll(() => said(page, 'Thanks').count()).toBe(2);
    expect(on.tmux('capture-pane', '-p', '-t', 'hand')).toContain('In which order? → As they come');

    // An interrupt interrupts.
    await send(page, 'Think {{wait: 100}} {{say: Never}}');
    await page.getByRole('button', { name: 'Interrupt' }).click();
    await page.getByRole('region', { name: 'The running agent' }).getByText('waits for a prompt').waitFor();

    // What is half written survives a reload.
    await field(page).fill('Half a thou');
    await page.reload();
    expect(await field(page).inputValue()).toBe('Half a thou');
    await page.close();
  });

  it('one is started from the phone, and ended', async () => {
    const page = await open('/now');
    await page.getByRole('button', { name: 'Start an agent' }).click();
    const dialog = page.getByRole('dialog', { name: 'Start an agent' });
    await dialog.getByText('Claude Code').click();
    await dialog.getByRole('combobox', { name: 'Directory' }).selectOption(on.directory);
    await dialog.getByRole('textbox', { name: 'First prompt' }).fill('Begin {{say: Begun}}');
    expect(await barriers(page)).toEqual([]);
    await dialog.getByRole('button', { name: 'Start it' }).click();
    await page.waitForURL(/\/s\/claude/);
    await said(page, 'Begun').waitFor();
    const bar = page.getByRole('region', { name: 'The running agent' });
    await bar.getByRole('button', { name: 'Why' }).click();
    await bar
      .getByRole('list', { name: 'What says so' })
      .getByText(/says that it is/)
      .waitFor();
    await bar.getByRole('button', { name: 'End', exact: true }).click();
    await page.getByRole('dialog', { name: 'End the agent?' }).getByRole('button', { name: 'End it' }).click();
    await bar.waitFor({ state: 'detached' });
    await said(page, 'Begun').waitFor();

    // That it has ended is told for a while, and it is opened again from there.
    await page.goto(`${board.address}/now`);
    const ended = page.locator('section', { hasText: 'Just ended' });
    await ended.getByRole('listitem').first().waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'live-ended-phone.png') });
    const before = await page.getByRole('article').count();
    await ended.getByRole('button', { name: 'Open again' }).first().click();
    await expect.poll(() => page.getByRole('article').count()).toBe(before + 1);
    await page.goBack();
    await bar.getByRole('button', { name: 'End', exact: true }).click();
    await page.getByRole('dialog', { name: 'End the agent?' }).getByRole('button', { name: 'End it' }).click();
    await bar.waitFor({ state: 'detached' });
    await page.close();
  });
});

describe.skipIf(IS_SKIPPED)('with two agents, on a desktop', () => {
  it('they stand in columns and lanes, and side by side', async () => {
    const desk = await enter(on.browser, board, 'desktop');
    on.tmux('new-session', '-d', '-s', 'other', '-x', '120', '-y', '40', '--', 'claude', '--permission-mode', 'manual');
    const page = await desk.newPage();
    on.faults.watch(page);
    await page.goto(`${board.address}/now`);
    await expect.poll(() => page.getByRole('article').count()).toBe(2);
    await page.getByRole('button', { name: 'Columns' }).click();
    await page.getByRole('heading', { name: /Waits for a prompt/ }).waitFor();
    await page.getByRole('button', { name: /By project/ }).click();
    await page.getByRole('heading', { name: 'rope' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'now-columns-desktop.png') });
    for (const box of await page.getByRole('checkbox').all()) await box.check();
    await page.getByRole('link', { name: 'Show 2 side by side' }).click();
    const fields = page.getByRole('textbox', { name: 'Say something to the agent' });
    await expect.poll(() => fields.count()).toBe(2);
    await fields.nth(1).fill('Beside the other {{say: Heard beside}}');
    await page.getByRole('button', { name: 'Send' }).nth(1).click();
    await page.getByRole('log').nth(1).getByText('Heard beside', { exact: true }).waitFor();
    expect(await page.getByRole('log').nth(0).getByText('Heard beside', { exact: true }).count()).toBe(0);
    expect(await barriers(page)).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'side-desktop.png') });
    // What it may do without asking is set from here; its own screen says that it holds.
    const foot = page.getByRole('region', { name: 'The running agent' }).nth(1);
    await foot.getByRole('button', { name: 'Mode' }).click();
    await page.getByRole('button', { name: 'Look and plan only' }).click();
    await expect
      .poll(() => ['hand', 'other'].map((name) => on.tmux('capture-pane', '-p', '-t', name)).join(''))
      .toContain('plan mode on');
    await desk.close();
  });
});

it('nothing went wrong in any page', () => {
  expect(on.faults.all).toEqual([]);
});
