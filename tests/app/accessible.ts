// Owns the judgement of axe on a view: WCAG 2.0 to 2.2, A and AA, and its best practices.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { Frame } from 'playwright-core';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What it objects to, and where; empty where all is well. The context must bypass the policy: axe is a visitor. */
export async function objectionsTo(view: Frame): Promise<string[]> {
  await view.evaluate(source);
  const { violations }: AxeResults = await view.evaluate(() => Reflect.get(window, 'axe').run(document));
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
  );
}
