// How each view looks, of real results: axe has nothing to object to in either theme, and a picture is taken of it where
// PICTURES names a folder.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { objectionsTo } from './accessible.ts';
import { STARTUP_MS, startBrowser } from './browser.ts';
import { type Recorded, record, type Shown, shown } from './recorded.ts';
import { openView, quiet, type Stage } from './stage.ts';

const folder = process.env.PICTURES;
/** What the README shows. */
const pictured: Record<string, Shown[]> = {
  light: ['subscribe_and_collect', 'watch_changes'],
  dark: ['list_topics', 'debug_device'],
};

let browser: Browser;
let recorded: Recorded;
beforeAll(async () => {
  [browser, recorded] = await Promise.all([startBrowser(), record()]);
}, STARTUP_MS);
afterAll(() => browser.close());

describe.each(['light', 'dark'] as const)('%s', (theme) => {
  test.each(shown)('%s: accessible, with everything open', async (name) => {
    const context = { theme, timeZone: 'UTC' };
    const stage = quiet(
      await openView(browser, {
        html: recorded.html,
        ...recorded.results[name],
        context,
        callTool: () => ({}),
        browser: { bypassCSP: true },
      }),
    );
    await openAll(stage);
    expect(await objectionsTo(stage.view)).toEqual([]);
    const ground = await stage.view.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(ground).toBe(theme === 'dark' ? 'rgb(22, 25, 29)' : 'rgb(255, 255, 255)');
    if (folder && pictured[theme]?.includes(name))
      await picture(stage, join(folder, `${name.replaceAll('_', '-')}.png`));
  });
});

test.each(['light', 'dark'] as const)(
  'without a word of the host the theme is the system’s: %s',
  async (colorScheme) => {
    const { html, results } = recorded;
    const { view } = quiet(await openView(browser, { html, ...results.list_topics, browser: { colorScheme } }));
    const ground = await view.evaluate(() => getComputedStyle(document.body).backgroundColor);
    expect(ground).toBe(colorScheme === 'dark' ? 'rgb(22, 25, 29)' : 'rgb(255, 255, 255)');
  },
);

test('waiting, an error of the tool and a cancelled call are accessible too', async () => {
  const stage = quiet(
    await openView(browser, { html: recorded.html, args: { duration_seconds: 30 }, browser: { bypassCSP: true } }),
  );
  await stage.view.locator('progress').waitFor();
  expect(await objectionsTo(stage.view)).toEqual([]);
  const error = { code: 'not_connected', message: 'The broker is gone.', hint: 'Connect again.', retryable: true };
  await stage.show({ isError: true, content: [{ type: 'text', text: JSON.stringify({ error }) }] });
  await stage.view.getByRole('alert').getByText('Connect again.').waitFor();
  expect(await objectionsTo(stage.view)).toEqual([]);
  await stage.post({ method: 'ui/notifications/tool-cancelled', params: { reason: 'user action' } });
  await stage.view.getByRole('heading', { name: 'Cancelled' }).waitFor();
  expect(await objectionsTo(stage.view)).toEqual([]);
});

/** Everything that can be opened is, and a message is chosen that changed much since the one before. */
async function openAll({ view }: Stage): Promise<void> {
  for (const details of await view.locator('details summary').all()) await details.click();
  const messages = view.getByRole('listbox', { name: 'Messages' });
  if ((await messages.count()) === 0) return;
  await messages.press('End');
  const vibration = messages.getByRole('option').filter({ hasText: 'motor/vibration' });
  if ((await vibration.count()) > 0) await vibration.last().click();
  await view.locator('.detail pre').waitFor();
}

/** All of it, as large as it wants to be. */
async function picture({ page, view }: Stage, path: string): Promise<void> {
  for (const details of await view.locator('details[open] summary').all()) await details.click();
  await view.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
  const height = await view.evaluate(() => document.body.offsetHeight);
  await page.setViewportSize({ width: 960, height });
  await view.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
  mkdirSync(join(path, '..'), { recursive: true });
  await page.screenshot({ path });
}
