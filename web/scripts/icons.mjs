// Draws the icons that can't be SVG from the one that is: `node scripts/icons.mjs`, with CHROMIUM set where it is not Debian's.
import { readFileSync, writeFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const svg = readFileSync('public/icon.svg', 'utf8');
// A maskable icon fills its square; what matters lies within the middle.
const full = svg
  .replace('rx="14" ', '')
  .replace('viewBox="0 0 64 64"', 'viewBox="-8 -8 80 80"')
  .replace('<rect width="64" height="64"', '<rect x="-8" y="-8" width="80" height="80"');
const isRoot = process.getuid?.() === 0;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: isRoot ? ['--no-sandbox'] : [],
});
for (const [name, size, image] of [
  ['icon-180', 180, full],
  ['icon-192', 192, svg],
  ['icon-512', 512, svg],
  ['icon-maskable', 512, full],
]) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>*{margin:0}svg{display:block;width:100vw;height:100vh}</style>${image}`);
  writeFileSync(`public/${name}.png`, await page.screenshot({ omitBackground: true }));
}
await browser.close();
