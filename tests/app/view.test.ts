// How the view is used: by keyboard, in both directions of the host's dialect, and with calls of its own.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { dig, type Message } from '../support/streams.ts';
import { STARTUP_MS, startBrowser } from './browser.ts';
import { type Recorded, record, type Shown } from './recorded.ts';
import { type Given, openView, quiet, type Stage } from './stage.ts';

let browser: Browser;
let recorded: Recorded;
beforeAll(async () => {
  [browser, recorded] = await Promise.all([startBrowser(), record()]);
}, STARTUP_MS);
afterAll(() => browser.close());

async function open(name: Shown, more: Partial<Given> = {}): Promise<Stage> {
  return quiet(await openView(browser, { html: recorded.html, ...recorded.results[name], ...more }));
}

const active = ({ view }: Stage) =>
  view.evaluate(() => {
    const id = document.activeElement?.getAttribute('aria-activedescendant') ?? '';
    return document.getElementById(id)?.querySelector('.topic')?.textContent ?? '';
  });

describe('keyboard alone', () => {
  test('the tree: down, into a branch, out again, folded and unfolded, searched', async () => {
    const stage = await open('list_topics');
    const { page, view } = stage;
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key);
      return active(stage);
    };
    await view.locator('body').press('Tab');
    await view.getByRole('searchbox', { name: 'Find' }).press('Tab');
    expect(await press()).toBe('demo');
    expect(await press('ArrowRight', 'ArrowRight')).toBe('state');
    expect(await press('ArrowLeft')).toBe('faults');
    const tree = view.getByRole('tree');
    expect(await tree.getByRole('treeitem', { name: 'faults', exact: false }).getAttribute('aria-expanded')).toBe(
      'true',
    );
    await press('ArrowLeft');
    expect(await tree.getByRole('treeitem', { name: 'faults', exact: false }).getAttribute('aria-expanded')).toBe(
      'false',
    );
    expect(await press('Enter', 'End')).toBe('availability');
    expect(await press('Home')).toBe('demo');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.type('moist');
    await page.keyboard.press('Tab');
    expect(await press('End')).toBe('moisture');
  });

  test('messages: chosen one shows its payload and what changed since the one before on its topic', async () => {
    const stage = await open('subscribe_and_collect');
    const { page, view } = stage;
    await view.getByRole('searchbox', { name: 'Find' }).fill('home/livingroom/co2/ppm');
    await view.getByText(/^\d+ of \d+ messages$/).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('End');
    expect(await active(stage)).toBe('home/livingroom/co2/ppm');
    const shown =
      (await view.getByRole('listbox').getByRole('option', { selected: true }).locator('.payload').textContent()) ?? '';
    const detail = view.getByRole('region', { name: 'Chosen message' });
    expect(await detail.locator('pre').textContent()).toBe(shown);
    await page.keyboard.press('ArrowUp');
    const before = await detail.locator('pre').textContent();
    await page.keyboard.press('ArrowDown');
    if (before === shown) await detail.getByText('The payload is the same.').waitFor();
    else
      expect(await detail.getByRole('row').nth(1).getByRole('cell').allTextContents()).toEqual([
        'changed',
        '$',
        before,
        expect.stringMatching(new RegExp(`^${shown} [+-]`)),
      ]);
  });

  test('charts: the cursor moves through time, and says what was measured', async () => {
    const { page, view } = await open('subscribe_and_collect', { context: { timeZone: 'UTC' } });
    await view.locator('.strips canvas').first().waitFor();
    expect(await view.locator('.strips canvas').count()).toBe(4);
    await view.getByRole('group', { name: /^Charts over time/ }).focus();
    const told = view.locator('section', { hasText: 'Numbers over time' }).getByRole('status');
    await page.keyboard.press('Home');
    const first = await told.textContent();
    await page.keyboard.press('ArrowRight');
    const second = await told.textContent();
    for (const text of [first, second]) expect(text).toMatch(/^\d\d:\d\d:\d\d\.\d{3}: (\S+ [\d.,-]+(, )?){4}$/);
    expect(second).not.toBe(first);
    const names = await view.locator('.strips .strip-name').allTextContents();
    expect(new Set(names).size).toBe(4);
  });
});

describe('the dialect', () => {
  test('says hello, learns the theme, tells its size, answers ping and teardown, refuses what it does not know', async () => {
    const stage = await open('debug_device', { context: { theme: 'dark' } });
    const [hello, ready] = await stage.heard();
    expect(hello).toMatchObject({ jsonrpc: '2.0', method: 'ui/initialize', params: { protocolVersion: '2026-01-26' } });
    expect(ready).toMatchObject({ method: 'ui/notifications/initialized' });
    await vi.waitFor(async () => {
      const sizes = (await stage.heard()).filter(({ method }) => method === 'ui/notifications/size-changed');
      expect(dig(sizes.at(-1), 'params', 'height')).toBe(await stage.view.evaluate(() => document.body.offsetHeight));
    });
    await stage.post({ method: 'ui/notifications/host-context-changed', params: { theme: 'light' } });
    await stage.view.locator('html[data-theme=light]').waitFor({ state: 'attached' });
    for (const [id, method] of Object.entries({ p: 'ping', t: 'ui/resource-teardown', x: 'sampling/createMessage' })) {
      await stage.post({ id, method, params: {} });
    }
    await vi.waitFor(async () =>
      expect((await stage.heard()).filter(({ id }) => typeof id === 'string')).toEqual([
        { jsonrpc: '2.0', id: 'p', result: {} },
        { jsonrpc: '2.0', id: 't', result: {} },
        { jsonrpc: '2.0', id: 'x', error: { code: -32601, message: 'Method not found' } },
      ]),
    );
  });

  test('a host that passes only text on is enough; a result of another kind is shown as it came', async () => {
    const { content } = recorded.results.monitor_performance.result;
    const stage = await open('monitor_performance', { result: { content } });
    await stage.view.getByRole('heading', { name: 'Performance' }).waitFor();
    await stage.show({ content: [], structuredContent: { odd: 'thing' } });
    await stage.view.locator('pre').getByText('"odd": "thing"').waitFor();
  });

  test('without calls there is no button for them; with them the same call is made again', async () => {
    const silent = await open('watch_changes');
    expect(await silent.view.getByRole('button').count()).toBe(0);
    const calls: Message[] = [];
    const { args, result } = recorded.results.watch_changes;
    const stage = await open('watch_changes', {
      callTool: (params) => {
        calls.push(params);
        return result;
      },
    });
    await stage.view.getByRole('button', { name: 'Again' }).click();
    await vi.waitFor(() => expect(calls).toEqual([{ name: 'watch_changes', arguments: args }]));
    await stage.view.getByRole('button', { name: 'Again' }).waitFor();
  });

  test('a call that would publish is not made again from here', async () => {
    const args = { session_id: 'plant', probe_topic: 'a/probe' };
    const { view } = await open('monitor_performance', { args, callTool: () => ({}) });
    expect(await view.getByRole('button', { name: 'Again' }).count()).toBe(0);
  });

  test('a live tree lists again until it is switched off, and counts add up', async () => {
    const { args, result } = recorded.results.list_topics;
    const calls: Message[] = [];
    const answers: ((result: Message) => void)[] = [];
    const callTool = (params: Message) => {
      calls.push(params);
      return new Promise<Message>((resolve) => void answers.push(resolve));
    };
    const { view } = await open('list_topics', { callTool });
    const co2 = view.getByRole('treeitem', { name: /^ppm/ });
    await view.getByRole('searchbox', { name: 'Find' }).fill('co2/ppm');
    const messages = async () => Number.parseInt((await co2.locator('.cell').first().textContent()) ?? '', 10);
    const before = await messages();
    await view.getByRole('button', { name: 'Live' }).click();
    await vi.waitFor(() =>
      expect(calls).toEqual([{ name: 'list_topics', arguments: { ...args, duration_seconds: 5 } }]),
    );
    answers[0]?.(result);
    await vi.waitFor(async () => expect(await messages()).toBe(2 * before));
    await vi.waitFor(() => expect(calls).toHaveLength(2));
    await view.getByRole('button', { name: 'Live', pressed: true }).click();
    answers[1]?.(result);
    await view.getByRole('button', { name: 'Live', pressed: false }).waitFor();
    await vi.waitFor(async () => expect(await messages()).toBe(3 * before));
    expect(calls).toHaveLength(2);
  });
});
