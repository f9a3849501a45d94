// Measures a page in a browser for `cargo xtask bench`: node page.bench.mjs first|scroll OUT ADDRESS [LINK]

import { writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const RUNS = 9;
const SCROLLED_MS = 5_000;
const VISITS = 4;
/** A browser is busy for so long with a tab that it has just opened. */
const TAB_MS = 1_500;
/** Nothing is asked of a page for so long: that would take its time. */
const LOADING_MS = 500;
const MOST_LOOKS = 40;
const [what, out, address, link] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const viewport = { width: 1440, height: 900 };
let state;
if (link) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(link);
  state = await context.storageState();
  await context.close();
}
const open = () => browser.newContext({ viewport, storageState: state, serviceWorkers: 'block' });
const middle = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

/** When the page holds as many lines of text as a list has: in a browser that knows nothing of it, and in one that was there. */
async function first() {
  const times = [];
  const again = [];
  let scriptBytes = 0;
  for (let n = 0; n < RUNS; n++) {
    const context = await open();
    const page = await context.newPage();
    await page.addInitScript(() => {
      const look = () => {
        const hasList =
          document.querySelectorAll('main a, [role="listitem"], li, [class*="session"], [data-index]').length > 8;
        if (hasList && document.body.innerText.split('\n').length > 30) globalThis.__shown ??= performance.now();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    });
    const shown = async () => {
      await page.goto(address, { waitUntil: 'commit' });
      for (let looks = 0; looks < MOST_LOOKS; looks++) {
        await page.waitForTimeout(LOADING_MS);
        const told = await page.evaluate(() => globalThis.__shown);
        if (told !== undefined) return told;
      }
      throw new Error(`${address} shows no sessions`);
    };
    await page.waitForTimeout(TAB_MS);
    times.push(await shown());
    scriptBytes = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((entry) => new URL(entry.name).pathname.endsWith('.js'))
        .reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    );
    // The browser keeps what it has compiled from the third visit on.
    for (let visit = 0; visit < VISITS; visit++) {
      const taken = await shown();
      if (visit === VISITS - 1) again.push(taken);
    }
    await context.close();
  }
  return { medianMs: middle(times), againMs: middle(again), scriptBytes };
}

/** Time between frames while a wheel is turned. */
async function scroll() {
  const context = await open();
  const page = await context.newPage();
  await page.goto(address);
  await page.locator('[data-index]').first().waitFor();
  await page.waitForTimeout(500);
  await page.mouse.move(700, 500);
  await page.evaluate(() => {
    globalThis.__frames = [];
    let before = performance.now();
    const look = (now) => {
      globalThis.__frames.push(now - before);
      before = now;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  const began = Date.now();
  while (Date.now() - began < SCROLLED_MS) await page.mouse.wheel(0, 300);
  const frames = await page.evaluate(() => globalThis.__frames.slice(2));
  const sorted = frames.toSorted((a, b) => a - b);
  return { medianMs: middle(frames), p95Ms: sorted[Math.floor(sorted.length * 0.95)], frames: frames.length };
}

const told = await { first, scroll }[what]();
writeFileSync(out, JSON.stringify(told));
await browser.close();
