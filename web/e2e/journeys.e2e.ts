// What people do, done as they do it.

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, type Board, enter, Faults, fixtures, launch, settled, start } from './board';

const ID = '0000aaaa-1111-4222-8333-444455556666';

let browser: Browser;
let board: Board;
let context: BrowserContext;
const faults = new Faults();

const line = (n: number, words: string) =>
  `${JSON.stringify({
    type: 'user',
    uuid: `u${n}`,
    parentUuid: null,
    sessionId: ID,
    cwd: '/tmp/growing',
    timestamp: new Date().toISOString(),
    version: '2.1.0',
    message: { role: 'user', content: words },
  })}\n`;
const growing = (home: string) => join(home, '.claude/projects/-tmp-growing', `${ID}.jsonl`);

beforeAll(async () => {
  browser = await launch();
  board = await start((home) => {
    fixtures(home);
    mkdirSync(join(home, '.claude/projects/-tmp-growing'), { recursive: true });
    writeFileSync(growing(home), line(0, 'The session that grows'));
  });
  context = await enter(browser, board);
  await settled(context, board);
});
afterAll(async () => {
  await browser.close();
  await board.end();
});

async function open(address: string): Promise<Page> {
  const page = await context.newPage();
  faults.watch(page);
  await page.goto(`${board.address}${address}`);
  // Nobody presses a key before there is a page.
  await page.getByRole('heading').first().waitFor();
  return page;
}

it('a browser that was not let in is told how', async () => {
  const stranger = await browser.newContext();
  const page = await stranger.newPage();
  await page.goto(board.address);
  await page.getByRole('heading', { name: 'This browser has no access' }).waitFor();
  await page.goto(`${board.address}/login?token=used`);
  await page.getByText('This link was used already').waitFor();
  await stranger.close();
});

it('a list is walked, selected and opened by keys alone, and left again', async () => {
  const page = await open('/');
  await page.getByRole('link', { name: 'The session that grows' }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByRole('toolbar', { name: 'Selected sessions' }).getByText('1 session').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'The session that grows' }).waitFor();
  await page.keyboard.press('u');
  await page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('u');
  await page.getByRole('heading', { name: 'Usage' }).waitFor();
  await page.close();
});

it('the focus goes where the keys go, in a list and in a session', async () => {
  const page = await open('/');
  await page.getByRole('link', { name: 'The session that grows' }).waitFor();
  const focused = () =>
    page.evaluate(() => document.activeElement?.closest('[data-session]')?.getAttribute('data-session'));
  const stops = () => page.getByRole('main').locator('[data-session] a[tabindex="0"]').count();
  expect(await stops()).toBe(1);
  await page.keyboard.press('j');
  const first = await focused();
  expect(first).toBeTruthy();
  await page.keyboard.press('ArrowDown');
  await expect.poll(focused).not.toBe(first);
  expect(await stops()).toBe(1);
  // Far below, where rows were not drawn before.
  for (let n = 0; n < 25; n++) await page.keyboard.press('j');
  const far = await focused();
  expect(far).toBeTruthy();
  await page.keyboard.press('Home');
  await expect.poll(focused).toBe(first);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/s\//);
  await page.close();
  const { sessions } = await ask<{ sessions: { id: string; counts: { toolCalls: number; prompts: number } }[] }>(
    context,
    board,
    '/api/v1/sessions?source=claude&limit=200',
  );
  const one = sessions.find((session) => session.counts.toolCalls > 0 && session.counts.prompts > 0);
  const transcript = await open(`/s/${encodeURIComponent(one?.id ?? '')}`);
  await transcript.getByRole('article', { name: 'Prompt' }).first().waitFor();
  const seen = new Set<string>();
  const look = () =>
    transcript.evaluate(() => {
      const element = document.activeElement;
      return element?.getAttribute('aria-label') ?? (element?.hasAttribute('aria-expanded') ? 'fold' : '');
    });
  for (let n = 0; n < 12; n++) {
    await transcript.keyboard.press('k');
    seen.add(await look());
  }
  for (let n = 0; n < 12; n++) {
    await transcript.keyboard.press('j');
    seen.add(await look());
    if ((await look()) === 'fold') {
      const before = await transcript.evaluate(() => document.activeElement?.getAttribute('aria-expanded'));
      await transcript.keyboard.press('Enter');
      await expect
        .poll(() => transcript.evaluate(() => document.activeElement?.getAttribute('aria-expanded')))
        .not.toBe(before);
    }
  }
  expect([...seen]).toEqual(expect.arrayContaining(['Prompt', 'Answer', 'fold']));
  await transcript.close();
});

it('filters stand in the address, and going back takes them away', async () => {
  const page = await open('/');
  await page.getByRole('button', { name: 'Filter' }).click();
  await page.getByRole('dialog', { name: 'Add a filter' }).getByRole('button', { name: 'Codex' }).click();
  await page.waitForURL(/source=codex/);
  const chip = page.getByRole('button', { name: 'Remove the filter source Codex' });
  await chip.waitFor();
  // What was there stays until the answer comes.
  await expect.poll(() => page.getByRole('img', { name: 'Claude Code' }).count()).toBe(0);
  await page.reload();
  await chip.click();
  await page.waitForURL((url) => !url.search.includes('source'));
  await page.goBack();
  await chip.waitFor();
  await page.close();
});

it('what is typed narrows the list at once', async () => {
  const page = await open('/');
  await page.keyboard.press('/');
  await page.keyboard.type('grows');
  await page.getByRole('link', { name: 'The session that grows' }).waitFor();
  await expect.poll(() => page.getByRole('main').getByRole('link').count()).toBe(1);
  await page.close();
});

it('what is opened to type into has the focus, and Escape closes what is open alone', async () => {
  const page = await open('/');
  // The palette's list is longer than its room.
  await page.setViewportSize({ width: 1440, height: 500 });
  for (let again = 0; again < 2; again++) {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').waitFor();
    await page.keyboard.type('grows');
    await expect.poll(() => page.getByRole('combobox').inputValue()).toBe('grows');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox').waitFor({ state: 'detached' });
  }
  await page.getByRole('link', { name: 'The session that grows' }).click();
  await page.getByRole('heading', { name: 'The session that grows' }).waitFor();
  await page.getByRole('button', { name: /^(More|Acts)/ }).click();
  await page.getByRole('button', { name: 'Rename' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Rename' }).waitFor({ state: 'hidden' });
  expect(page.url()).toContain('/s/');
  // Also in the moment in which it opens, before anything in it has the focus.
  await page.getByRole('button', { name: /^(More|Acts)/ }).evaluate((opener: HTMLElement) => {
    opener.click();
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
  });
  expect(page.url()).toContain('/s/');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Rename' }).waitFor({ state: 'hidden' });
  // A menu is gone through by arrows, and what is chosen in it is what has the focus.
  const focused = () => page.evaluate(() => document.activeElement?.textContent);
  await page.getByRole('button', { name: /^(More|Acts)/ }).press('Enter');
  await expect.poll(focused).toBe('Rename');
  await page.keyboard.press('ArrowDown');
  expect(await focused()).toBe('Fork from the end');
  await page.keyboard.press('End');
  await page.keyboard.press('ArrowDown');
  expect(await focused()).toContain('To the end');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Rename' }).waitFor();
  await page.keyboard.type('!');
  await expect.poll(() => page.getByRole('dialog').getByRole('textbox').inputValue()).toContain('!');
  await page.close();
});

it('a search leads to the hit, marked', async () => {
  const page = await open('/');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('zebra-claude-needle');
  await page
    .getByRole('option', { name: /zebra-claude-needle/ })
    .first()
    .waitFor();
  await page.getByRole('option', { name: /Search everything/ }).click();
  await page.waitForURL(/search\?q=zebra-claude-needle/);
  await page
    .getByRole('complementary', { name: 'Narrow down' })
    .getByRole('button', { name: /prompt/ })
    .click();
  await expect.poll(() => page.url()).toMatch(/kind(%3A|:)prompt/);
  await page
    .getByRole('main')
    .getByRole('listitem')
    .getByRole('link')
    .filter({ has: page.locator('mark') })
    .first()
    .click();
  await page.waitForURL(/\/s\/.*at=/);
  await page.getByRole('article', { name: 'Prompt' }).locator('mark').first().waitFor();
  await page.close();
});

it('a call opens to what went in and came out; its record can be seen', async () => {
  const page = await open('/search?q=zebra-claude-needle%20kind:tool');
  await page
    .getByRole('main')
    .getByRole('listitem')
    .getByRole('link')
    .filter({ has: page.locator('mark') })
    .first()
    .click();
  await page.getByText('echo zebra-claude-needle').first().waitFor();
  // The words are marked in what tools put out, too.
  const hits = () =>
    page.evaluate(() =>
      [...(CSS.highlights.get('hit') ?? [])].map((hit) => {
        const { startContainer, startOffset, endOffset } = hit;
        return startContainer.textContent?.slice(startOffset, endOffset) ?? '';
      }),
    );
  await expect.poll(hits).toContain('zebra-claude-needle');
  await page.getByRole('button', { name: /Records and usage/ }).click();
  await page.getByRole('button', { name: 'record', exact: true }).first().click();
  await page
    .getByRole('dialog', { name: /Record of item/ })

    .getByText(/sessionId/)
    .first()
    .waitFor();
  await page.keyboard.press('Escape');
  await page.close();
});

it('finding within a session goes from place to place', async () => {
  const page = await open(`/s/${encodeURIComponent(`claude:${ID}`)}`);
  await page.getByRole('article', { name: 'Prompt' }).first().waitFor();
  await page.keyboard.press('/');
  await page.getByRole('searchbox', { name: 'Find within this session' }).fill('grows');
  await page.getByText('1 of 1').waitFor();
  await page.close();
});

it('finding within a fork goes to what it inherits', async () => {
  const { sessions } = await ask<{ sessions: { id: string; forkedFromId: string | null }[] }>(
    context,
    board,
    '/api/v1/sessions?source=codex&limit=200',
  );
  let found = 0;
  for (const { id } of sessions.filter((session) => session.forkedFromId)) {
    const path = `/api/v1/sessions/${encodeURIComponent(id)}/items?at=start&limit=200`;
    const { items } = await ask<{ items: { key: string; kind: string; text: string }[] }>(context, board, path);
    const word = items.find((item) => item.kind === 'prompt' && item.key.includes('.'))?.text.match(/[a-z]{5,}/i)?.[0];
    if (!word) continue;
    const page = await open(`/s/${encodeURIComponent(id)}`);
    await page.getByRole('article', { name: 'Prompt' }).first().waitFor();
    await page.keyboard.press('/');
    await page.getByRole('searchbox', { name: 'Find within this session' }).fill(`${word} kind:prompt`);
    await page.getByText(/^1 of \d+$/).waitFor();
    await page
      .locator('.border-l-2 article mark', { hasText: new RegExp(word, 'i') })
      .first()
      .waitFor();
    await page.close();
    found++;
    break;
  }
  expect(found).toBe(1);
});

it('a session grows on the screen while it is written, and the list says so', async () => {
  const page = await open(`/s/${encodeURIComponent(`claude:${ID}`)}`);
  const list = await open('/');
  await page.getByText('The session that grows').first().waitFor();
  for (let n = 1; n <= 5; n++) {
    appendFileSync(growing(board.home), line(n, `Line number ${n} of it`));
    await page.getByRole('article').getByText(`Line number ${n} of it`, { exact: true }).waitFor();
  }
  await list.getByText('writing').first().waitFor();
  expect(await page.getByRole('article').getByText('Line number 3 of it', { exact: true }).count()).toBe(1);
  await page.close();
  await list.close();
});

it('many lines appear once each, in their order', async () => {
  const page = await open(`/s/${encodeURIComponent(`claude:${ID}`)}`);
  await page.getByRole('article').getByText('Line number 5 of it', { exact: true }).waitFor();
  for (let n = 6; n <= 120; n++) appendFileSync(growing(board.home), line(n, `Line number ${n} of it`));
  await page.getByRole('article').getByText('Line number 120 of it', { exact: true }).waitFor();
  const detail = await ask<{ items: number }>(context, board, `/api/v1/sessions/claude:${ID}`);
  expect(detail.items).toBe(121);
  await page.close();
});

it('one goes from prompt to prompt, into what is folded, and to both ends', async () => {
  const { sessions } = await ask<{ sessions: { id: string; counts: { prompts: number; toolCalls: number } }[] }>(
    context,
    board,
    '/api/v1/sessions?limit=200',
  );
  const long = sessions.toSorted((a, b) => b.counts.prompts - a.counts.prompts)[0];
  const page = await open(`/s/${encodeURIComponent(long?.id ?? '')}`);
  await page.getByRole('article', { name: 'Prompt' }).first().waitFor();
  const top = () => page.evaluate(() => scrollY);
  const end = await page.evaluate(() => document.documentElement.scrollHeight - innerHeight);
  await page.keyboard.press('[');
  await page.keyboard.press('[');
  await expect.poll(top).toBeLessThan(end + 1);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: 'To the beginning' }).click();
  await expect.poll(top).toBe(0);
  await page.keyboard.press('G');
  await expect
    .poll(() => page.evaluate(() => document.documentElement.scrollHeight - innerHeight - scrollY))
    .toBeLessThan(5);
  await page.close();
});

it('a session is renamed, forked from a prompt, and all of it is taken back', async () => {
  const { sessions } = await ask<{ sessions: { id: string; title: string; counts: { prompts: number } }[] }>(
    context,
    board,
    '/api/v1/sessions?source=claude&limit=200',
  );
  const long = sessions.toSorted((a, b) => b.counts.prompts - a.counts.prompts)[0];
  const page = await open(`/s/${encodeURIComponent(long?.id ?? '')}`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: 'Rename', exact: true }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('A light rope');
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await page.getByRole('heading', { level: 1, name: 'A light rope' }).waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('heading', { level: 1, name: long?.title ?? '' }).waitFor();
  const prompt = page.getByRole('article', { name: 'Prompt' }).last();
  await prompt.hover();
  await prompt.getByRole('button', { name: 'Fork' }).click();
  await page.waitForURL((url) => !url.pathname.includes(encodeURIComponent(long?.id ?? '')));
  await page.getByText('Forked from').first().waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('heading', { level: 1, name: long?.title ?? '' }).waitFor();
  await page.close();
});

it('a session with its history becomes one of another agent, and is taken back', async () => {
  const id = '0b0b0b0b-0000-4000-8000-00000000000b';
  const record = (uuid: string, type: string, content: unknown) =>
    JSON.stringify({
      type,
      uuid,
      sessionId: id,
      cwd: board.home,
      timestamp: '2026-11-21T10:00:00.000Z',
      message: { role: type, id: uuid, content },
    });
  const folder = join(board.home, '.claude/projects/-handed');
  mkdirSync(folder, { recursive: true });
  const lines = [
    record('u1', 'user', 'Tune the rope'),
    record('u2', 'assistant', [{ type: 'text', text: 'It is tuned.' }]),
  ];
  writeFileSync(join(folder, `${id}.jsonl`), `${lines.join('\n')}\n`);
  const session = `/api/v1/sessions/${encodeURIComponent(`claude:${id}`)}`;
  await expect.poll(async () => (await context.request.get(`${board.address}${session}`)).status()).toBe(200);
  const page = await open(`/s/${encodeURIComponent(`claude:${id}`)}`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: 'Hand over to another agent' }).click();
  await page.getByRole('button', { name: 'Hand over to Codex' }).click();
  await page.waitForURL((url) => url.pathname.includes('codex'));

  await page.getByText('It is tuned.').waitFor();
  await page.getByText('Forked from').first().waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.waitForURL((url) => url.pathname.includes('claude'));
  await page.close();
});

it('a session is handed over: a preview first, then the other agent has it', async () => {
  const { sessions } = await ask<{ sessions: { id: string; counts: { prompts: number; toolCalls: number } }[] }>(
    context,
    board,
    '/api/v1/sessions?source=codex&limit=200',
  );
  const some = sessions.find((one) => one.counts.prompts > 0 && one.counts.toolCalls > 0);
  // A refusal is expected here, and no fault.
  const page = await context.newPage();
  await page.goto(`${board.address}/s/${encodeURIComponent(some?.id ?? '')}`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: 'Hand over to another agent' }).click();
  const dialog = page.getByRole('dialog', { name: 'Hand over to another agent' });
  // The directory of these sessions is not on this machine: no agent could go on there, and that is said.
  await dialog.getByText('is gone').waitFor();
  await dialog.getByRole('combobox', { name: 'Directory' }).selectOption(board.home);
  await dialog.getByText('carried').first().waitFor();
  await dialog.getByRole('button', { name: 'Brief' }).click();
  await dialog.getByText('# Hand-over').waitFor();
  await dialog.getByText('left out').first().waitFor();
  await dialog.getByRole('button', { name: 'Gemini CLI' }).click();
  await dialog.getByText(`marline handoff ${some?.id} --to gemini --as brief --cwd ${board.home}`).waitFor();
  expect(await dialog.getByRole('button', { name: 'With its history' }).count()).toBe(0);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await page.close();
});

it('a provider is added, switched to after a preview, and the switch is taken back', async () => {
  const config = join(board.home, '.codex/config.toml');
  const before = '# mine\nmodel = "gpt-5.5"\n';
  writeFileSync(config, before);
  const page = await open('/providers');
  await page.getByRole('button', { name: 'Add a provider' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('gateway');
  await page.getByRole('textbox', { name: 'Address' }).fill('https://gateway.example/v1');
  await page.getByLabel('Key', { exact: true }).fill('sk-not-shown');
  await page.getByRole('dialog').getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByText('its key is kept').waitFor();
  await page.getByRole('button', { name: 'Switch to it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Switch to gateway' });
  await dialog.getByText('config.toml').waitFor();
  await dialog.getByText('hides').waitFor();
  await dialog.getByRole('button', { name: 'Switch', exact: true }).click();
  await page.getByText('in use', { exact: true }).waitFor();
  expect(readFileSync(config, 'utf8')).toContain('model_provider = "gateway"');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('button', { name: 'Switch to it' }).waitFor();
  expect(readFileSync(config, 'utf8')).toBe(before);
  expect(await page.content()).not.toContain('sk-not-shown');
  // Codex' sessions come to a provider and get their own one back.
  await page.getByRole('button', { name: 'Give all to it' }).first().waitFor();
  await page.getByRole('button', { name: 'Restore each session’s own' }).click();
  await page.getByText('There is none to be changed').waitFor();
  await page.keyboard.press('Escape');
  await page.close();
});

it('an address that is none says so and leads back', async () => {
  const page = await open('/nothing/here');
  await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
  await page.getByRole('link', { name: 'All sessions' }).click();
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  await page.close();
});

it('settings last', async () => {
  const page = await open('/settings');
  await page.getByRole('main').getByRole('button', { name: 'Dark' }).click();
  await page.reload();
  expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark');
  await page.getByRole('button', { name: 'System' }).click();
  await page.getByRole('button', { name: 'Let another device in' }).click();
  const dialog = page.getByRole('dialog', { name: 'Let another device in' });
  await dialog.getByRole('button', { name: 'Make a code' }).click();
  await dialog.getByRole('img', { name: /QR/ }).waitFor();
  await page.close();
});

it('nothing of this left a fault behind', () => {
  expect(faults.all).toEqual([]);
});

it('Marline goes and comes back: the page says so and goes on by itself', async () => {
  const page = await context.newPage();
  await page.goto(board.address);
  await page.getByRole('link', { name: 'The session that grows' }).waitFor();
  await context.setOffline(true);
  await page.evaluate(() => dispatchEvent(new Event('offline')));
  await page.goto(`${board.address}/usage`).catch(() => undefined);
  await context.setOffline(false);
  await page.goto(`${board.address}/`);
  await page.getByRole('link', { name: 'The session that grows' }).waitFor();
  await page.close();
});
