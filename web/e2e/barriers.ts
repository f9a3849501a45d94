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
    const axe = (window as unknown as { axe: { run: (options: object) => Promise<{ violations: AxeFinding[] }> } }).axe;
    interface AxeFinding {
      id: string;
      impact: string;
      nodes: { html: string; failureSummary: string }[];
    }
    const { violations } = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'] });
    return violations
      .filter((found) => found.impact === 'serious' || found.impact === 'critical')
      .map(
        (found) =>
          `${found.id}: ${found.nodes.map((node) => `${node.html.slice(0, 160)} (${node.failureSummary.slice(0, 300)})`).join(' | ')}`,
      );
  });
}
