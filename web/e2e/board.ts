// A board on a home of its own, and a browser that was let in.

import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

export const ROOT = resolve(import.meta.dirname, '../..');
const BIN = process.env.MARLINE_BIN ?? join(ROOT, 'target/debug/marline');
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Where pictures of the screens go. */
export const PICTURES = process.env.MARLINE_E2E_DIR ?? mkdtempSync(join(tmpdir(), 'marline-e2e-'));

export const SIZES = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
} as const;

export interface Board {
  home: string;
  address: string;
  /** Makes another one-time link. */
  link: () => Promise<string>;
  end: () => Promise<void>;
}

function printed(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const hear = (data: Buffer) => {
      text += data.toString();
      const link = /http:\S+login\S+/.exec(text)?.[0];
      if (link) resolve(link);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', (data: Buffer) => {
      text += data.toString();
    });
    child.on('exit', () => reject(new Error(`marline ended: ${text}`)));
  });
}

/** Starts a board; `fill` puts sessions into its home, `more` is what its agents need of the environment. */
export async function start(
  fill: (home: string) => void,
  words: string[] = [],
  more: Record<string, string> = {},
): Promise<Board> {
  const dir = mkdtempSync(join(tmpdir(), 'marline-'));
  const home = join(dir, 'home');
  mkdirSync(home);
  fill(home);
  const env = { PATH: process.env.PATH ?? '', HOME: home, MARLINE_HOME: join(dir, 'm'), ...more };
  const run = () => spawn(BIN, ['up', '--no-open', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const child = run();
  const first = await printed(child);
  let unused: string | null = first;
  return {
    home,
    address: new URL(first).origin,
    link: async () => {
      const link = unused ?? (await printed(run()));
      unused = null;
      return link;
    },
    end: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await ended;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** The sessions that real agents wrote for the tests. */
export function fixtures(home: string): void {
  cpSync(join(ROOT, 'crates/lab/fixtures/home'), home, { recursive: true, preserveTimestamps: true });
}

export function launch(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: CHROMIUM, args: isRoot ? ['--no-sandbox'] : [] });
}

/** What went wrong in a page, as it goes wrong. */
export class Faults {
  readonly all: string[] = [];

  watch(page: Page): void {
    page.on('console', (message) => {
      if (message.type() === 'error') this.all.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => this.all.push(`error: ${error.message}`));
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (/^(https?|wss?):$/.test(protocol) && hostname !== '127.0.0.1')
        this.all.push(`foreign request: ${request.url()}`);
    });
    page.on('dialog', (dialog) => {
      this.all.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }
}

/** A browser that was let in, of a size and in a theme. */
export async function enter(
  browser: Browser,
  board: Board,
  size: keyof typeof SIZES = 'desktop',
  theme: 'light' | 'dark' = 'light',
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: SIZES[size],
    colorScheme: theme,
    hasTouch: size === 'phone',
    isMobile: size === 'phone',
  });
  const page = await context.newPage();
  await page.goto(await board.link());
  await page.close();
  return context;
}

/** Asks the API with the browser's access. */
export async function ask<T>(context: BrowserContext, board: Board, path: string): Promise<T> {
  const answer = await context.request.get(`${board.address}${path}`);
  if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`);
  return answer.json();
}

/** Waits until all that is there was indexed. */
export async function settled(context: BrowserContext, board: Board): Promise<void> {
  for (let n = 0; n < 300; n++) {
    const status = await ask<{ indexing: { phase: string } }>(context, board, '/api/v1/status');
    if (status.indexing.phase === 'idle') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('indexing does not end');
}

/** Waits until a page has its answers: it stands, and says nowhere that it loads. */
export async function quiet(page: Page): Promise<void> {
  await page.locator('main').waitFor();
  await expect
    .poll(async () => {
      const isLoading = () => page.getByRole('status', { name: 'Loading' }).count();
      if ((await isLoading()) > 0) return false;
      // What comes of one answer may ask for another.
      await page.waitForTimeout(250);
      return (await isLoading()) === 0;
    })
    .toBe(true);
}
