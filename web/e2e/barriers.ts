// What keeps people out of a page, as axe finds it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from './board';

const AXE = readFileSync(join(ROOT, 'web/node_modules/axe-core/axe.min.js'), 'utf8');

/** What axe finds that keeps people out. */
export async function barriers(page: Page): Promise<string[]> {
  // Put in by the browser's own means, which a page's policy does not bind.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    interface AxeFinding {
      id: string;
      impact: string;
      nodes: { html: string; target: string[]; failureSummary: string }[];
    }
    type Run = (context: Document | Element, options: object) => Promise<{ violations: AxeFinding[] }>;
    const axe = (window as unknown as { axe: { run: Run } }).axe;
    const { violations } = await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] });
    const serious = violations.filter((found) => found.impact === 'serious' || found.impact === 'critical');
    const found: string[] = [];
    for (const { id, nodes } of serious) {
      for (const node of nodes) {
        const element = node.failureSummary.includes('partially obscured')
          ? document.querySelector(node.target[0] ?? '')
          : null;
        if (element) {
          // What is scrolled half under a bar is looked at again where all of it is seen.
          const { scrollY } = window;
          element.scrollIntoView({ block: 'center', behavior: 'instant' });
          const again = await axe.run(element, { runOnly: { type: 'rule', values: [id] } });
          scrollTo({ top: scrollY, behavior: 'instant' });
          if (again.violations.length === 0) continue;
        }
        found.push(`${id}: ${node.html.slice(0, 160)} (${node.failureSummary.slice(0, 300)})`);
      }
    }
    return found;
  });
}

/** Pixels that a finger needs each way. */
const FINGER = 44;

/**
 * What a finger can't press well: buttons, links, fields and folds of which less than 44 by 44 pixels answer to it. Asked
 * of the page itself, point by point, so that what reaches over its own edges counts. Links within a sentence are let be.
 * `within` what is looked at: the page, or what is open above it.
 */
export function small(page: Page, within = 'body'): Promise<string[]> {
  return page.evaluate(
    async ([least, within]) => {
      const found: string[] = [];
      const { scrollY } = window;
      const pressed = 'button, a[href], input, select, textarea, summary';
      for (const element of document.querySelector(within)?.querySelectorAll<HTMLElement>(pressed) ?? []) {
        const style = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        if (box.width === 0 || box.height === 0 || style.visibility === 'hidden' || style.pointerEvents === 'none')
          continue;
        if (element.closest('[aria-hidden="true"], [inert], :disabled') || !element.checkVisibility()) continue;
        const isInSentence =
          style.display === 'inline' &&
          [...(element.parentElement?.childNodes ?? [])].some(
            (node) => node.nodeType === Node.TEXT_NODE && (node.textContent ?? '').trim().length > 2,
          );
        if (isInSentence) continue;
        element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
        const at = element.getBoundingClientRect();
        const [x, y] = [at.left + at.width / 2, at.top + at.height / 2];
        const label = element.closest('label');
        const answers = (x: number, y: number) => {
          const hit = document.elementFromPoint(x, y);
          return hit !== null && (element.contains(hit) || label?.contains(hit) === true);
        };
        // Under a bar, or wholly covered by what is pressed instead of it.
        if (!answers(x, y)) continue;
        const reach = (dx: number, dy: number) => {
          let n = 0;
          while (n < least && answers(x + dx * (n + 1), y + dy * (n + 1))) n++;
          return n;
        };
        const [width, height] = [reach(-1, 0) + reach(1, 0) + 1, reach(0, -1) + reach(0, 1) + 1];
        if (width < least - 1 || height < least - 1)
          found.push(`${width}x${height}: ${element.outerHTML.replace(/<svg.*?<\/svg>/gs, '').slice(0, 140)}`);
      }
      scrollTo({ top: scrollY, behavior: 'instant' });
      return found;
    },
    [FINGER, within] as const,
  );
}
