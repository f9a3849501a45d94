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
