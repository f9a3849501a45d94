import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IS_SKIPPED, type Stage, stage } from './agent';
import { barriers } from './barriers';
import { ask, type Board, enter, PICTURES, settled } from './board';

let on: Stage;
let board: Board;

beforeAll(async () => {
  on = await stage('no real agent reviews anything');
  board = on.board;
  const first = await enter(on.browser, board);
  await settled(first, board);
  await first.close();
});
afterAll(() => on.end());

/** What the scripted model says as a reviewer. */
function says(words: string, findings: object[]): string {
  return `{{say: ${words}\n\n\`\`\`json\n${JSON.stringify(findings, null, 1)}\n\`\`\`}}`;
}

const CRITICAL = { severity: 'critical', file: 'src/shop.rs', line: 12, text: 'It sells what it has not.' };
const FOUND = [
  CRITICAL,
  {
    severity: 'major',
    file: 'src/a/very/long/path/to/some/module/of/the/shop/orders.rs',
    text: 'Orders can be paid twice.',
  },
  { severity: 'minor', text: 'A name could be better.' },
  { severity: 'note', file: 'README.md', text: 'It is not told how to run it.' },
];

interface Reviews {
  reviews: { id: string; child?: string; state: string; sentBack: { outcome: { outcome: string } }[] }[];
}

describe.skipIf(IS_SKIPPED).each(['desktop', 'phone'] as const)('at the size of a %s', (size) => {
  let context: BrowserContext;
  let page: Page;

  async function picture(name: string): Promise<void> {
    for (const theme of ['light', 'dark'] as const) {
      await page.evaluate((theme) => {
        document.documentElement.dataset.theme = theme;
      }, theme);
      // Colours go over into each other.
      await page.waitForTimeout(200);
      await page.screenshot({ path: join(PICTURES, `reviews-${name}-${size}-${theme}.png`) });
    }
    await page.evaluate(() => {
      document.documentElement.dataset.theme = 'light';
    });
  }
  const session = () => decodeURIComponent(new URL(page.url()).pathname.replace('/s/', ''));
  const said = (words: string) => page.getByRole('main').getByText(words, { exact: true });
  const panel = () => page.getByRole('region', { name: 'Reviews', exact: true });
  const known = () => ask<Reviews>(context, board, `/api/v1/reviews?session=${encodeURIComponent(session())}`);

  /** Chooses Claude Code alone, and what it is told to find. */
  async function fill(task: string): Promise<void> {
    const dialog = page.getByRole('dialog', { name: 'Review with…' });
    await dialog.getByText('Codex', { exact: true }).click();
    await dialog.getByText('Claude Code', { exact: true }).click();
    await dialog.getByRole('checkbox', { name: 'The edits, as a diff' }).uncheck();
    await dialog.getByRole('textbox', { name: 'The task in your own words' }).fill(task);
    await dialog.getByRole('region', { name: 'What the reviewer will be told' }).getByText(task.slice(0, 12)).waitFor();
  }

  beforeAll(async () => {
    context = await enter(on.browser, board, size);
    page = await context.newPage();
    // Where it is narrow, a panel beside the transcript has to fit.
    if (size === 'desktop') await page.setViewportSize({ width: 1280, height: 800 });
    on.faults.watch(page);
    on.tmux('new-session', '-d', '-s', size, '-x', '120', '-y', '40', '--', 'claude', '--permission-mode', 'manual');
    await page.goto(`${board.address}/now`);
    await page.getByRole('article').getByText('waits for a prompt').waitFor();
    await page.getByRole('article').getByRole('link').first().click();
    await page.getByText('Nothing was said yet').waitFor();
    const field = page.getByRole('textbox', { name: 'Say something to the agent' });
    await field.fill('Write the shop {{say: The shop is written}}');
    await page.getByRole('button', { name: 'Send' }).click();
    await said('The shop is written').waitFor();
    await page.getByRole('region', { name: 'The running agent' }).getByText('waits for a prompt').waitFor();
  });
  afterAll(async () => {
    on.tmux('kill-session', '-t', size);
    await context.close();
  });

  it('an answer is reviewed, and what was found is listed', async () => {
    const answer = page.getByRole('article', { name: 'Answer' }).last();
    await answer.hover();
    await answer.getByRole('button', { name: 'Review' }).click();
    await fill(`Judge it {{wait: 2}} ${says('It is **not** ready yet.', FOUND)}`);
    expect(await barriers(page)).toEqual([]);
    await picture('dialog');
    await page.getByRole('button', { name: 'Review', exact: true }).last().click();
    await panel().getByRole('region', { name: 'Round 1' }).getByText('reviewing').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture('running');
    await panel().getByText('It sells what it has not.').waitFor();
    const findings = panel().getByRole('list', { name: 'Findings' }).getByRole('listitem');
    expect(await findings.count()).toBe(4);
    await findings.first().getByText('critical').waitFor();
    await findings.first().getByText('src/shop.rs:12').waitFor();
    await panel().getByText('2 rounds left').waitFor();
    expect(await barriers(page)).toEqual([]);
    await picture('panel');
  });

  it('the reviewer is asked on', async () => {
    await panel()
      .getByRole('textbox', { name: 'Ask the reviewer' })
      .fill(`And the rest? ${says('Only one stands.', [CRITICAL, FOUND[3] ?? {}])}`);
    await panel().getByRole('button', { name: 'Ask' }).click();
    await panel().getByText('Only one stands.', { exact: true }).waitFor();
    await panel().getByText('1 round left').waitFor();
    await panel().getByText('4 findings, given anew since').waitFor();
  });

  it('what is chosen goes back into the session, once', async () => {
    await panel().getByRole('checkbox', { name: 'Finding 2, note' }).uncheck();
    await panel().getByRole('button', { name: 'Send back 1 finding' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send back into the session' });
    const prompt = dialog.getByRole('textbox', { name: 'The prompt' });
    expect(await prompt.inputValue()).toContain('1. [critical] src/shop.rs:12: It sells what it has not.');
    await prompt.fill(`${await prompt.inputValue()} {{say: It is put right}}`);
    expect(await barriers(page)).toEqual([]);
    await picture('send-back');
    await dialog.getByRole('button', { name: 'Send it' }).click();
    await dialog.waitFor({ state: 'detached' });
    await panel().getByRole('list', { name: 'Sent back' }).waitFor();
    expect((await known()).reviews[0]?.sentBack.map((sent) => sent.outcome.outcome)).toEqual(['delivered']);
    await picture('sent');
    await page.getByRole('button', { name: 'Minimise the reviews' }).click();
    await said('It is put right').waitFor();
    const items = await ask<{ items: { kind: string; text: string }[] }>(
      context,
      board,
      `/api/v1/sessions/${encodeURIComponent(session())}/items`,
    );
    const sent = items.items.filter((item) => item.kind === 'prompt' && item.text.includes(CRITICAL.text));
    expect(sent.length).toBe(1);
  });

  it('minimised it comes back, also after a reload; a child links to its parent and is in no list', async () => {
    await page.reload();
    await page.getByRole('button', { name: 'Review by Claude Code: 2 findings' }).waitFor();
    await picture('minimised');
    await page.getByRole('button', { name: 'Review by Claude Code: 2 findings' }).click();
    await panel().getByText('Only one stands.', { exact: true }).waitFor();
    const parent = session();
    const child = (await known()).reviews[0]?.child ?? '';
    await panel().getByRole('link', { name: 'Its session' }).click();
    await page.waitForURL((url) => decodeURIComponent(url.pathname) === `/s/${child}`);
    await page.getByText('Reviews the work of').waitFor();
    await picture('child');
    const listed = await ask<{ sessions: { id: string }[] }>(context, board, '/api/v1/sessions?limit=500');
    expect(listed.sessions.map((one) => one.id)).toContain(parent);
    expect(listed.sessions.map((one) => one.id)).not.toContain(child);
    const reviewers = await ask<{ sessions: { id: string }[] }>(context, board, '/api/v1/sessions?reviews=true');
    expect(reviewers.sessions.map((one) => one.id)).toContain(child);
    await page.goBack();
    await panel().getByText('Only one stands.', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Minimise the reviews' }).click();
  });

  it('a stretch is chosen, and an agent that is not there says so', async () => {
    const first = page.getByRole('article', { name: 'Prompt' }).first();
    await first.hover();
    await first.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'From here up to…' }).click();
    await page.getByText('Choose where the stretch ends').waitFor();
    await picture('stretch');
    const last = page.getByRole('article', { name: 'Answer' }).last();
    await last.getByRole('button', { name: 'Up to here' }).click();
    const dialog = page.getByRole('dialog', { name: 'Review with…' });
    await dialog.getByRole('button', { name: 'The stretch' }).waitFor();
    await dialog.getByText('Codex', { exact: true }).click();
    await dialog.getByText('Qwen Code', { exact: true }).click();
    await dialog.getByText('--- The person:').waitFor();
    await dialog.getByRole('button', { name: 'Review', exact: true }).click();
    await panel().getByText('It failed').waitFor();
    expect(await panel().getByRole('tab').count()).toBe(2);
    expect(await barriers(page)).toEqual([]);
    await picture('failed');
  });

  it('ending the session ends its reviews where that is chosen', async () => {
    await page.getByRole('button', { name: 'Minimise the reviews' }).click();
    const bar = page.getByRole('region', { name: 'The running agent' });
    await bar.getByRole('button', { name: 'End', exact: true }).click();
    const dialog = page.getByRole('dialog', { name: 'End the agent?' });
    await dialog.getByRole('checkbox', { name: 'End its 2 reviews, too' }).check();
    await dialog.getByRole('button', { name: 'End it' }).click();
    await bar.waitFor({ state: 'detached' });
    expect((await known()).reviews.map((review) => review.state)).toEqual(['ended', 'ended']);
  });

  it('what was found goes back without a terminal where nobody has the session open', async () => {
    await page.getByRole('button', { name: /Claude Code ended, 2 findings/ }).click();
    await panel().getByText('The review is ended.').waitFor();
    await panel().getByRole('button', { name: 'Send back 2 findings' }).click();
    const dialog = page.getByRole('dialog', { name: 'Send back into the session' });
    const prompt = dialog.getByRole('textbox', { name: 'The prompt' });
    await prompt.fill('Without a terminal {{say: Done without a terminal}}');
    expect(await dialog.getByRole('button', { name: 'Send it' }).isDisabled()).toBe(true);
    await dialog.getByRole('checkbox', { name: /No agent has the session open/ }).check();
    expect(await barriers(page)).toEqual([]);
    await picture('headless');
    await dialog.getByRole('button', { name: 'Send it' }).click();
    await panel().getByRole('list', { name: 'Sent back' }).getByText('it was answered').waitFor();
    await page.getByRole('button', { name: 'Minimise the reviews' }).click();
    await said('Done without a terminal').waitFor();
    await picture('floating');
  });
});

it('nothing went wrong in any page', () => {
  expect(on.faults.all).toEqual([]);
});
