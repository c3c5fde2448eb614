// Ten thousand messages: the bound is the product's, the longest piece of work in the view, be it a task or a frame.
import type { Browser, Frame } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isObject } from '../../src/rpc/message.ts';
import { dig, type Message } from '../support/streams.ts';
import { STARTUP_MS, startBrowser } from './browser.ts';
import { type Recorded, record } from './recorded.ts';
import { openView, quiet, type Stage } from './stage.ts';

const MESSAGES = 10_000;
/** Of one answer: the server gives no more. */
const PAGE = 500;
const BOUND_MS = 100;
/**
 * The machine may be busy with other tests, and a task that has to wait for it looks long: the quietest of these counts.
 * What the view itself takes, it takes in each.
 */
const RUNS = 15;

let browser: Browser;
let recorded: Recorded;
beforeAll(async () => {
  [browser, recorded] = await Promise.all([startBrowser(), record()]);
}, STARTUP_MS);
afterAll(() => browser.close());

test(`${MESSAGES} messages, page by page as the server gives them: no piece of work of ${BOUND_MS} ms`, async () => {
  const { args, result } = recorded.results.subscribe_and_collect;
  const { structuredContent, messages } = multiplied(result);
  const pageFrom = (from: number) => ({
    content: [],
    structuredContent: {
      ...structuredContent,
      messages: messages.slice(from, from + PAGE),
      message_count: PAGE,
      ...(from + PAGE < MESSAGES ? { next_cursor: String(from + PAGE) } : {}),
    },
  });
  const callTool = (params: Message) => pageFrom(Number(dig(params, 'arguments', 'cursor')));
  const longest = await measured(async () => {
    const stage = quiet(await openView(browser, { html: recorded.html, args, callTool }));
    await stage.show(pageFrom(0));
    await stage.view.getByRole('button', { name: 'The rest' }).click();
    return stage;
  });
  expect(Math.min(...longest), `longest of each run: ${longest.map(Math.round).join(', ')} ms`).toBeLessThan(BOUND_MS);
}, 300_000);

test(`${MESSAGES} messages in one result: the same, beside what the browser takes to hand it over`, async () => {
  const { args, result } = recorded.results.subscribe_and_collect;
  const { structuredContent, messages } = multiplied(result);
  const whole = { content: [], structuredContent: { ...structuredContent, messages, message_count: MESSAGES } };
  const longest = await measured(async () => {
    const stage = quiet(await openView(browser, { html: recorded.html, args }));
    await stage.show(whole);
    return stage;
  }, 'handover');
  expect(Math.min(...longest), `longest of each run: ${longest.map(Math.round).join(', ')} ms`).toBeLessThan(BOUND_MS);
}, 300_000);

/** The longest piece of work of each run, a task or a frame, less `beside`; no more runs than it takes to tell. */
async function measured(open: () => Promise<Stage>, beside?: 'handover'): Promise<number[]> {
  const longest: number[] = [];
  for (let run = 0; run < RUNS && !longest.some((one) => one < BOUND_MS); run += 1) {
    const stage = await open();
    await useAll(stage);
    const [all = 0, handed = 0] = await stage.view.evaluate(() => [
      Number(Reflect.get(window, 'longest')),
      Number(Reflect.get(window, 'handover')),
    ]);
    longest.push(beside ? all - handed : all);
    await stage.page.close();
  }
  return longest;
}

async function useAll({ view }: Stage): Promise<void> {
  await view
    .getByRole('status')
    .filter({ hasText: /^10,000 messages$/ })
    .waitFor();
  await view.locator('.strips canvas').first().waitFor();
  const list = view.getByRole('listbox', { name: 'Messages' });
  for (const part of [0.1, 0.3, 0.5, 0.7, 0.9]) await scrollTo(view, part);
  for (const key of ['End', 'PageUp', 'PageUp', 'Home', 'PageDown', 'ArrowDown']) await list.press(key);
  await view.getByRole('searchbox', { name: 'Find' }).fill('temperature');
  await view.getByText(/^[\d,]+ of 10,000 messages$/).waitFor();
  await view.getByText(/series; up to/).click();
  await view.getByRole('checkbox').nth(6).check();
  await view.locator('.strips').press('ArrowLeft');
  await drawn(view);
}

async function scrollTo(view: Frame, part: number): Promise<void> {
  await view.locator('[role=listbox]').evaluate((list, to) => list.scrollTo(0, list.scrollHeight * to), part);
  await drawn(view);
}

function drawn(view: Frame): Promise<unknown> {
  return view.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** The recorded ones again and again, each time later: as a collection of that length would be. */
function multiplied(result: Message): { structuredContent: Message; messages: Message[] } {
  const structuredContent = isObject(result.structuredContent) ? result.structuredContent : {};
  const recorded = Array.isArray(structuredContent.messages) ? structuredContent.messages.filter(isObject) : [];
  const messages = Array.from({ length: MESSAGES }, (_, i) => {
    const one = recorded[i % recorded.length] ?? {};
    const later = Math.floor(i / recorded.length) * 10_000;
    const timestamp = new Date(Date.parse(String(one.timestamp)) + later).toISOString();
    return { ...one, timestamp, offset_ms: Number(one.offset_ms) + later, retain: false };
  });
  return { structuredContent, messages };
}
