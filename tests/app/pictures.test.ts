// Each view in both themes, of real results: complete, accessible, and as pictures where PICTURES names a folder.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { startBrowser } from './browser.ts';
import { type Recorded, record, shown } from './recorded.ts';
import { openView, quiet } from './stage.ts';

const folder = process.env.PICTURES;
let browser: Browser;
let recorded: Recorded;
beforeAll(async () => {
  [browser, recorded] = await Promise.all([startBrowser(), record()]);
});
afterAll(() => browser.close());

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  test.each(shown)('%s', async (name) => {
    const stage = quiet(
      await openView(browser, { html: recorded.html, ...recorded.results[name], context: { theme, timeZone: 'UTC' } }),
    );
    await stage.page.waitForTimeout(500);
    if (folder) {
      mkdirSync(folder, { recursive: true });
      await stage.page.screenshot({ path: join(folder, `${name}-${theme}.png`), fullPage: true });
    }
  });
});
