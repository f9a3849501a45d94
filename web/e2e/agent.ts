// A real agent on a scripted model: the same as the lab's own tests have.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Board, Faults, fixtures, launch, PICTURES, ROOT, start } from './board';

const BIN = process.env.MARLINE_BIN ?? join(ROOT, 'target/debug/marline');
const LAB = process.env.MARLINE_LAB ?? join(dirname(BIN), 'marline-lab');
const AGENTS = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'lab/agents');

/** Set where no real agent can be had; what is left then proves nothing about them, and says so. */
export const IS_SKIPPED = process.env.MARLINE_SKIP_REAL_AGENTS === '1';

/** Where the newest Claude Code of the lab is. */
function claude(): string {
  const found = existsSync(AGENTS) ? readdirSync(AGENTS).filter((name) => name.startsWith('claude-')) : [];
  const newest = found.toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (!newest) {
    throw new Error(
      `There is no Claude Code in ${AGENTS}. Install it: cargo run -p marline-lab -- install, or set MARLINE_SKIP_REAL_AGENTS=1`,
    );
  }
  return join(AGENTS, newest, 'node_modules/.bin');
}

interface Model {
  /** What an agent needs of its environment to speak with this model, and with nobody else. */
  env: Record<string, string>;
  end: () => void;
}

/** Starts the scripted model: it obeys steps in prompts, such as `{{run: ls}}` and `{{say: words}}`. */
async function model(): Promise<Model> {
  const bin = claude();
  const child: ChildProcess = spawn(LAB, ['serve'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise<string>((resolve, reject) => {
    child.stdout?.once('data', (data: Buffer) => resolve(data.toString().trim()));
    child.once('error', reject);
    child.once('exit', () => reject(new Error('the scripted model ended')));
  });
  const nowhere = 'http://127.0.0.1:9';
  return {
    env: {
      PATH: `${bin}:${process.env.PATH ?? ''}`,
      ANTHROPIC_BASE_URL: address,
      ANTHROPIC_API_KEY: 'lab-key-of-claude',
      HTTP_PROXY: nowhere,
      HTTPS_PROXY: nowhere,
      http_proxy: nowhere,
      https_proxy: nowhere,
      NO_PROXY: '127.0.0.1,localhost',
      no_proxy: '127.0.0.1,localhost',
      IS_SANDBOX: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      DISABLE_AUTOUPDATER: '1',
    },
    end: () => child.kill('SIGTERM'),
  };
}

const SEEN = '0000bbbb-1111-4222-8333-444455556666';

/** Makes a directory that an agent is trusted in and has worked in; returns it. */
function project(home: string, name: string): string {
  const directory = join(home, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(
    join(home, '.claude.json'),
    JSON.stringify({
      hasCompletedOnboarding: true,
      theme: 'dark',
      customApiKeyResponses: { approved: ['lab-key-of-claude'], rejected: [] },
      projects: {
        [directory]: { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true, allowedTools: [] },
      },
    }),
  );
  const folder = join(home, '.claude/projects/-known');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, `${SEEN}.jsonl`),
    `${JSON.stringify({
      type: 'user',
      uuid: 'u1',
      parentUuid: null,
      sessionId: SEEN,
      cwd: directory,
      timestamp: '2026-11-20T10:00:00.000Z',
      version: '2.1.0',
      message: { role: 'user', content: 'A session that was here before' },
    })}\n`,
  );
  return directory;
}

/** A board that has sessions, a directory that an agent works in, and a browser. */
export interface Stage {
  browser: Browser;
  board: Board;
  directory: string;
  /** What went wrong in pages that were opened here. */
  faults: Faults;
  /** Opens a page of the board, which has a heading. */
  open: (context: BrowserContext, address: string) => Promise<Page>;
  /** A tmux of the person's own, in that directory. */
  tmux: (...words: string[]) => string;
  end: () => Promise<void>;
}

/** Sets one up; `without` says what is not tested where no real agent can be had. */
export async function stage(without: string): Promise<Stage> {
  mkdirSync(PICTURES, { recursive: true });
  if (IS_SKIPPED) console.warn(`SKIPPED, as MARLINE_SKIP_REAL_AGENTS=1 asks: ${without}.`);
  const lab = IS_SKIPPED ? null : await model();
  const browser = await launch();
  let directory = '';
  const fill = (home: string) => {
    fixtures(home);
    directory = project(home, 'rope');
  };
  const board = await start(fill, [], lab?.env);
  const faults = new Faults();
  const tmux = (...words: string[]) => {
    const env = {
      PATH: process.env.PATH ?? '',
      ...lab?.env,
      HOME: board.home,
      LANG: 'C.UTF-8',
      TERM: 'xterm-256color',
    };
    const own = ['-S', join(board.home, 'own-tmux'), '-f', '/dev/null'];
    return spawnSync('tmux', [...own, ...words], { env, cwd: directory, encoding: 'utf8' }).stdout;
  };
  return {
    browser,
    board,
    directory,
    faults,
    tmux,
    open: async (context, address) => {
      const page = await context.newPage();
      faults.watch(page);
      await page.goto(`${board.address}${address}`);
      await page.getByRole('heading').first().waitFor();
      return page;
    },
    end: async () => {
      tmux('kill-server');
      // Where a test failed on its way, Marline's own has an agent in it still.
      spawnSync('tmux', ['-S', join(board.home, '../m/board/tmux'), 'kill-server']);
      await browser.close();
      await board.end();
      lab?.end();
    },
  };
}
