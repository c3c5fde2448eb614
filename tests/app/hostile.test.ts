// What a broker says is text, wherever it is shown: real results in which every word of the broker is an attack.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { visible } from '../../src/app/text.ts';
import { isObject } from '../../src/rpc/message.ts';
import type { Message } from '../support/streams.ts';
import { STARTUP_MS, startBrowser } from './browser.ts';
import { type Recorded, record, shown } from './recorded.ts';
import { openView, quiet } from './stage.ts';

let browser: Browser;
let recorded: Recorded;
beforeAll(async () => {
  [browser, recorded] = await Promise.all([startBrowser(), record()]);
}, STARTUP_MS);
afterAll(() => browser.close());

const attacks = [
  '<script>alert(1)</script>',
  '<img src=x onerror="alert(1)"><svg onload=alert(2)>',
  '"><iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
  '<a href="javascript:alert(1)">x</a><form action=http://127.0.0.1:9/ ><button>x</button></form>',
  '<style>*{display:none}</style><meta http-equiv=refresh content="0;url=http://127.0.0.1:9/">',
  '{{constructor.constructor("alert(1)")()}} <template><img src=http://127.0.0.1:9/></template>',
  'safe\u202egnp.exe\u202c\u2066a\u2069\u200b\u200f\u061c\u{e0041}\ufeff\u0000\u0007\u2028',
  '__proto__',
];
const tags =
  'html head meta title style body script main header section details summary div span bdi p b i h1 h2 h3 h4 ul li dl dt dd ' +
  'table thead tbody tr th td pre del ins button label input canvas';
const attributes =
  'lang charset http-equiv content name id class type for role tabindex scope style title checked open width height ' +
  'autocomplete spellcheck data-index';

test.each(shown)('%s shows attacks as they are, and nothing else happens', async (name) => {
  const { args, result } = recorded.results[name];
  const { view } = quiet(await openView(browser, { html: recorded.html, args, result: attacked(result) }));
  for (const summary of await view.locator('summary').all()) await summary.click();
  const texts: string[] = [];
  for (const list of await view.locator('[role=listbox], [role=tree]').all()) {
    for (let i = 0; i < 30; i += 1) {
      await list.press('PageDown');
      texts.push((await view.evaluate(inventory)).text);
    }
  }
  const { used, given, scripts, text } = await view.evaluate(inventory);
  expect(used.filter((tag) => !tags.split(' ').includes(tag))).toEqual([]);
  expect(given.filter((one) => !attributes.split(' ').includes(one) && !one.startsWith('aria-'))).toEqual([]);
  expect(scripts).toEqual({ script: 1, style: 1, meta: 3 });
  const all = [...texts, text].join('\n');
  for (const attack of attacks) expect(all).toContain(visible(attack.split('/')[0] ?? '').slice(0, 20));
  expect(all.replace(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
});

/** What the document is made of, and all that can be read in it. */
function inventory() {
  const all = [...document.querySelectorAll('*')];
  const number = (tag: string) => document.querySelectorAll(tag).length;
  const read = [...document.querySelectorAll('main *')].flatMap((element) => [...element.attributes]);
  return {
    used: [...new Set(all.map(({ localName }) => localName))],
    given: [...new Set(all.flatMap((element) => element.getAttributeNames()))],
    scripts: { script: number('script'), style: number('style'), meta: number('meta') },
    text: [document.querySelector('main')?.textContent, ...read.map(({ value }) => value)].join('\n'),
  };
}

/** Every string that is the broker's, keys of payloads too, becomes one of them by turns; words of our own stay. */
function attacked(result: Message): Message {
  let turn = 0;
  const attack = (text: string) => {
    turn += 1;
    return `${attacks[turn % attacks.length]}/${text}`;
  };
  const rewritten = (value: unknown, isBrokers: boolean): unknown => {
    if (Array.isArray(value)) return value.map((item) => rewritten(item, isBrokers));
    if (typeof value === 'string') return isBrokers ? attack(value) : value;
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => entry(key, item, isBrokers)));
  };
  const entry = (key: string, item: unknown, isBrokers: boolean): [string, unknown] => {
    if (isBrokers) return [attack(key), rewritten(item, true)];
    if (!countsByTopic.has(key) || !isObject(item)) return [key, rewritten(item, brokers.has(key))];
    return [key, Object.fromEntries(Object.entries(item).map(([topic, count]) => [attack(topic), count]))];
  };
  const structuredContent = rewritten(result.structuredContent, false);
  return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
}

/** Fields of results whose words, and what is below, are not ours. */
const brokers = new Set(
  'topic payload value message last_value before after leader follower path summary similar source device_id'.split(
    ' ',
  ),
);
const countsByTopic = new Set(['topics', 'by_topic', 'tree']);
