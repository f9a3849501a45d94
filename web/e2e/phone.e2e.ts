// A phone: let in by a code, allowed so much, told what happens, with its words on every device.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContext, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IS_SKIPPED, type Stage, stage } from './agent';
import { barriers } from './barriers';
import { ask, type Board, enter, fixtures, PICTURES, SIZES, settled, start } from './board';

let on: Stage;
let board: Board;
let desk: BrowserContext;
const open = (context: BrowserContext, address: string) => on.open(context, address);

beforeAll(async () => {
  on = await stage('no real agent is talked to');
  board = on.board;
  desk = await enter(on.browser, board);
  await settled(desk, board);
});
afterAll(() => on.end());

/** A phone that opens a link. */
async function phone(link: string, theme: 'light' | 'dark' = 'light'): Promise<BrowserContext> {
  const context = await on.browser.newContext({
    viewport: SIZES.phone,
    hasTouch: true,
    isMobile: true,
    colorScheme: theme,
  });
  const page = await context.newPage();
  await page.goto(link);
  await page.close();
  return context;
}

/** Makes a link as a person does, under Settings. */
async function pair(may: 'Look' | 'Say something' | 'Everything', name: string): Promise<string> {
  const page = await open(desk, '/settings');
  await page.getByRole('button', { name: 'Let another device in' }).click();
  const dialog = page.getByRole('dialog', { name: 'Let another device in' });
  await dialog.getByRole('button', { name: may }).click();
  await dialog.getByRole('textbox', { name: 'Its name' }).fill(name);
  expect(await barriers(page)).toEqual([]);
  await page.screenshot({ path: join(PICTURES, 'pair.png') });
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().endsWith('/devices/links')),
    dialog.getByRole('button', { name: 'Make a code' }).click(),
  ]);
  await dialog.getByRole('img', { name: 'The link as a QR code' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.screenshot({ path: join(PICTURES, 'pair-code.png') });
  const { url } = await answer.json();
  await page.close();
  return url;
}

it('a phone that may look is let in once, and changes nothing', async () => {
  const link = await pair('Look', 'A tablet');
  const viewer = await phone(link);
  const page = await open(viewer, '/queues');
  await page.getByText('This device may only look.').waitFor();
  expect(await page.getByRole('button', { name: 'New queue' }).isDisabled()).toBe(true);
  expect(await barriers(page)).toEqual([]);
  await page.screenshot({ path: join(PICTURES, 'viewer-phone.png') });
  await page.goto(`${board.address}/settings`);
  await page.getByText('This device may not decide what agents do').waitFor();
  // What the page does not offer the server refuses.
  const refused = await viewer.request.post(`${board.address}/api/v1/queues`, { data: { name: 'x' } });
  expect([refused.status(), (await refused.json()).type]).toEqual([403, 'not-allowed']);
  // A link lets one device in: that one is led to the board by it again, another one is not let in.
  expect(new URL((await viewer.request.get(link)).url()).pathname).toBe('/');
  const stranger = await on.browser.newContext();
  expect((await stranger.request.get(link)).status()).toBe(403);
  await stranger.close();

  // It may more at once when the desk says so, and nothing when it is taken out.
  const settings = await open(desk, '/settings');
  await settings.getByRole('combobox', { name: 'What A tablet may do' }).selectOption('approve');
  await page.getByText('This device may only look.').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Let another device in' }).waitFor();
  await settings.screenshot({ path: join(PICTURES, 'devices.png') });
  await settings.getByRole('button', { name: 'Take access away from A tablet' }).click();
  await settings.getByText('A tablet').waitFor({ state: 'detached' });
  await settings.close();
  expect((await viewer.request.get(`${board.address}/api/v1/status`)).status()).toBe(401);
  await viewer.close();
  // A socket that was closed and questions that are refused are in the console, as they should be.
  on.faults.all.splice(0, on.faults.all.length, ...on.faults.all.filter((fault) => !/401|WebSocket/.test(fault)));
});

describe('notifications', () => {
  let context: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    context = await phone(await pair('Everything', 'My phone'));
    await context.grantPermissions(['notifications'], { origin: board.address });
    // There is no push service for browsers without a head: the browser's part is played.
    await context.addInitScript(() => {
      PushManager.prototype.getSubscription = async () => null;
      PushManager.prototype.subscribe = async () => {
        const pair = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
        const text = (bytes: ArrayBuffer | Uint8Array<ArrayBuffer>) =>
          btoa(String.fromCharCode(...new Uint8Array(bytes)))
            .replaceAll('+', '-')
            .replaceAll('/', '_')
            .replaceAll('=', '');
        const keys = {
          p256dh: text(await crypto.subtle.exportKey('raw', pair.publicKey)),
          auth: text(crypto.getRandomValues(new Uint8Array(16))),
        };
        return { toJSON: () => ({ endpoint: 'https://push.example/to/me', keys }) } as unknown as PushSubscription;
      };
    });
    page = await open(context, '/settings/notifications');
  });
  afterAll(() => context.close());

  it('are asked for by a tap, of some kinds, and not in quiet hours', async () => {
    await page.getByRole('button', { name: 'Notify this device', exact: true }).waitFor();
    await page.screenshot({ path: join(PICTURES, 'notifications-off-phone.png') });
    await page.getByRole('button', { name: 'Notify this device', exact: true }).click();
    await page.getByRole('button', { name: 'Send a test' }).waitFor();
    await page.getByRole('checkbox', { name: 'Finished' }).uncheck();
    await page.getByRole('checkbox', { name: 'Tell nothing in these hours' }).check();
    await page.getByLabel('From').waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'notifications-phone.png') });
    const kept = await ask<{ wishes: { kinds: string[]; quiet?: { from: string } } }>(context, board, '/api/v1/push');
    expect(kept.wishes.kinds).not.toContain('finished');
    expect(kept.wishes.quiet?.from).toBe('22:00');
    const { devices } = await ask<{ devices: { name: string; notified: boolean }[] }>(desk, board, '/api/v1/devices');
    expect(devices.find((device) => device.name === 'My phone')?.notified).toBe(true);
  });

  /** Delivers a message as the browser's push service would. */
  async function deliver(session: CDPSession, message: object): Promise<void> {
    const registration = await new Promise<string>((resolve) => {
      session.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
        const found = registrations.find((one) => !one.isDeleted);
        if (found) resolve(found.registrationId);
      });
      void session.send('ServiceWorker.disable').then(() => session.send('ServiceWorker.enable'));
    });
    await session.send('ServiceWorker.deliverPushMessage', {
      origin: board.address,
      registrationId: registration,
      data: JSON.stringify(message),
    });
  }

  const shown = () =>
    page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      const all = await registration.getNotifications();
      return all.map(({ title, body, tag, data }) => ({ title, body, tag, url: data?.url }));
    });

  it('are shown, take the place of each other, and go when they were answered elsewhere', async () => {
    await page.evaluate(() => navigator.serviceWorker.ready);
    const session = await context.newCDPSession(page);
    const about = { kind: 'needsYou', tag: 'needs-you', body: 'touch x', silent: false, waiting: 1 };
    await deliver(session, { ...about, title: 'Shop needs you', url: '/s/claude:x', session: 'claude:x' });
    await expect
      .poll(shown)
      .toEqual([{ title: 'Shop needs you', body: 'touch x', tag: 'needs-you', url: '/s/claude:x' }]);
    await deliver(session, { ...about, title: '2 sessions need you', url: '/now' });
    await expect.poll(async () => (await shown()).map((one) => one.title)).toEqual(['2 sessions need you']);
    await deliver(session, { tag: 'needs-you', title: '', body: '', url: '/now', silent: true, waiting: 0 });
    await expect.poll(shown).toEqual([]);
  });

  it('open what they are about', async () => {
    const [worker] = context.serviceWorkers();
    expect(worker).toBeDefined();
    // A tap can't be made without a system's notification: what it is told is said to the worker.
    await worker?.evaluate(() => {
      const event = new Event('notificationclick');
      Object.assign(event, {
        notification: { close: () => undefined, data: { url: '/usage' } },
        waitUntil: () => undefined,
      });
      self.dispatchEvent(event);
    });
    await page.waitForURL(/\/usage/);
    await worker?.evaluate(() => {
      const event = new Event('notificationclick');
      const data = { url: 'https://evil.example/' };
      Object.assign(event, { notification: { close: () => undefined, data }, waitUntil: () => undefined });
      self.dispatchEvent(event);
    });
    await page.waitForURL(/\/now/);
  });
});

it('says before there is access how the board comes to be trusted', async () => {
  const stranger = await on.browser.newContext({ viewport: SIZES.phone });
  const page = await stranger.newPage();
  await page.goto(`${board.address}/trust`);
  await page.getByRole('heading', { name: 'iPhone and iPad' }).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.screenshot({ path: join(PICTURES, 'trust-phone.png'), fullPage: true });
  await page.goto(`${board.address}/settings`);
  await page.getByRole('heading', { name: 'This browser has no access' }).waitFor();
  await stranger.close();
});

it('says since when it is stale, and comes back', async () => {
  const other = await start(fixtures);
  const context = await phone(await other.link());
  const page = await context.newPage();
  await page.goto(other.address);
  await page.locator('main a[href^="/s/"]').first().waitFor();
  await page.waitForTimeout(500);
  await other.end();
  await page.getByText(/Stale since \d\d:\d\d/).waitFor();
  await page.screenshot({ path: join(PICTURES, 'stale-phone.png') });
  expect(await barriers(page)).toEqual([]);
  await context.close();
});

const SLEPT = '0000bbbb-1111-4222-8333-444455556677';

/** A prompt as Claude Code writes it. */
function line(content: string): object {
  const message = { role: 'user', content };
  const at = { cwd: '/projects/slept', timestamp: new Date().toISOString(), version: '2.1.0' };
  return { type: 'user', uuid: 'u1', parentUuid: null, sessionId: SLEPT, ...at, message };
}

it('comes back after a sleep without a gap or a double', async () => {
  const context = await phone(await board.link());
  const page = await context.newPage();
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await page.goto(board.address);
  await page.locator('main a[href^="/s/"]').first().waitFor();
  await expect.poll(() => sockets.length).toBe(1);
  await context.setOffline(true);
  await page.getByText(/Stale since/).waitFor();
  const folder = join(board.home, '.claude/projects/-slept');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${SLEPT}.jsonl`), `${JSON.stringify(line('What came while it slept'))}\n`);
  await settled(desk, board);
  await context.setOffline(false);
  await page.getByText('What came while it slept').waitFor();
  expect(await page.getByRole('link', { name: 'What came while it slept' }).count()).toBe(1);
  expect(sockets.at(-1)).toMatch(/after=[0-9a-f]+\.\d+/);
  await page.getByText(/Stale since/).waitFor({ state: 'detached' });
  await context.close();
});

describe.skipIf(IS_SKIPPED)('with an agent', () => {
  it('words are on every device, and pictures and speech go along', async () => {
    const opened = await desk.request.post(`${board.address}/api/v1/live`, {
      data: { agent: 'claude', cwd: on.directory, prompt: 'Begin {{say: Begun}}' },
      timeout: 60_000,
    });
    expect(opened.ok(), await opened.text()).toBe(true);
    const { id } = await opened.json();
    const session = `${board.address}/api/v1/sessions/${encodeURIComponent(id)}`;
    await expect.poll(async () => (await desk.request.get(session)).status()).toBe(200);
    const mine = await phone(await pair('Say something', 'A writer'));
    await mine.addInitScript(() => {
      class Recogniser {
        onresult: ((event: object) => void) | null = null;
        onend: (() => void) | null = null;
        start() {
          setTimeout(() => this.onresult?.({ results: [[{ transcript: 'spoken words' }]] }), 20);
        }
        stop() {
          this.onend?.();
        }
        abort() {
          this.onend?.();
        }
      }
      Object.assign(window, { SpeechRecognition: Recogniser });
    });
    const page = await open(mine, `/s/${encodeURIComponent(id)}`);
    const field = (on: Page) => on.getByRole('textbox', { name: 'Say something to the agent' });

    // Half-written words survive a reload, and are at the desk, too.
    await field(page).fill('Half a thought');
    await page.reload();
    await expect.poll(() => field(page).inputValue()).toBe('Half a thought');
    const path = `/api/v1/sessions/${encodeURIComponent(id)}/draft`;
    await expect.poll(async () => (await ask<{ text: string }>(desk, board, path)).text).toBe('Half a thought');
    const there = await open(desk, `/s/${encodeURIComponent(id)}`);
    await expect.poll(() => field(there).inputValue()).toBe('Half a thought');
    // Of two that write, the newest wins and the other one is offered.
    await field(there).fill('Half a thought at the desk');
    await expect
      .poll(async () => (await ask<{ text: string }>(desk, board, path)).text)
      .toBe('Half a thought at the desk');
    await field(page).fill('Half a thought on the phone');
    await page.getByText('Half a thought at the desk').waitFor();
    await page.screenshot({ path: join(PICTURES, 'draft-other-phone.png') });
    await page.getByRole('button', { name: 'Keep mine' }).click();
    await there.close();

    // Speech is written behind what stands there.
    await page.getByRole('button', { name: 'Speak' }).click();
    await expect.poll(() => field(page).inputValue()).toBe('Half a thought on the phone spoken words');
    await page.getByRole('button', { name: 'Stop listening' }).click();

    // A picture that is pasted goes along.
    await field(page).fill('What is it? {{say: A dot}}');
    await field(page).evaluate((element) => {
      const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4//8/AAX+Av7czFnnAAAAAElFTkSuQmCC';
      const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
      const data = new DataTransfer();
      data.items.add(new File([bytes], 'dot.png', { type: 'image/png' }));
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    });
    await page.getByRole('list', { name: 'Pictures that go along' }).getByRole('img', { name: 'dot.png' }).waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.screenshot({ path: join(PICTURES, 'composer-phone.png') });
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('main').getByText('A dot', { exact: true }).waitFor();
    await expect.poll(() => field(page).inputValue()).toBe('');
    await expect.poll(async () => (await ask<{ text: string }>(desk, board, path)).text).toBe('');

    // It may say something, and not end the agent.
    expect(await page.getByRole('button', { name: 'End', exact: true }).count()).toBe(0);
    const stop = await mine.request.post(`${board.address}/api/v1/live/${encodeURIComponent(id)}`, {
      data: { command: 'stop', key: 'a-key-of-mine' },
    });
    expect(stop.status()).toBe(403);
    await mine.close();
  });
});

it('nothing went wrong in any page', () => {
  expect(on.faults.all).toEqual([]);
});
