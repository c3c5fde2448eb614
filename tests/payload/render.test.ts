import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePayload } from '../../src/payload/decode.ts';
import { fitMessages, MESSAGES_BUDGET_BYTES, renderMessage } from '../../src/payload/render.ts';
import { summarise } from '../../src/payload/summary.ts';
import type { RawMessage, WireMessage } from '../../src/payload/types.ts';
import { headWithin, wireCost } from '../../src/payload/wire-cost.ts';

function raw(payload: string | Buffer, more: Partial<RawMessage> = {}): RawMessage {
  const bytes = Buffer.from(payload);
  return {
    topic: 'a/b',
    payload: bytes,
    size: bytes.length,
    qos: 1,
    retain: false,
    dup: false,
    at: 1_767_607_200_123,
    ...more,
  };
}

/** The two copies as the daemon writes them: what cannot be seen as \u escapes, in both. */
function onTheLine(messages: unknown): number {
  const invisible =
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udc7f]/g;
  const escaped = (json: string) =>
    json.replace(invisible, (text) =>
      Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
    );
  const json = escaped(JSON.stringify(messages));
  return Buffer.byteLength(json) + Buffer.byteLength(escaped(JSON.stringify(json)));
}

describe('renderMessage', () => {
  test('all fields, in the order of the contract', () => {
    const message = raw('{"t":21.5}', { properties: { content_type: 'application/json' } });
    const shown = renderMessage(message, message.at - 1500, 'first');
    expect(JSON.stringify(shown)).toBe(
      '{"topic":"a/b","payload":{"t":21.5},"payload_type":"json","size_bytes":10,"qos":1,"retain":false,"dup":false,' +
        '"timestamp":"2026-01-05T10:00:00.123Z","offset_ms":1500,"properties":{"content_type":"application/json"},"kept_because":"first"}',
    );
  });

  test('what is not there is not named', () => {
    const shown = renderMessage(raw('x', { properties: {} }), 1_767_607_200_123);
    expect(Object.keys(shown)).not.toContain('properties');
    expect(Object.keys(shown)).not.toContain('kept_because');
    expect(Object.keys(shown)).not.toContain('payload_encoding');
  });

  test('binary and truncated', () => {
    const shown = renderMessage(raw(Buffer.from([0xff, 0xfe, 0xfd]), { size: 5000 }), 0);
    expect(shown).toMatchObject({
      payload: '//79',
      payload_encoding: 'base64',
      payload_truncated: true,
      size_bytes: 5000,
    });
  });
});

describe('wireCost', () => {
  test('property: never less than what is written', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (value) => {
        expect(wireCost(value)).toBeGreaterThanOrEqual(onTheLine(value) - 2);
      }),
      { numRuns: 3000 },
    );
  });

  test('exact for plain text and quotes', () => {
    for (const value of ['hello', 'say "hi"', 'a\\b', 'line\n', 'ü€', '\u200b', '\u0001', { a: ['x', 1] }]) {
      expect(wireCost(value) - onTheLine(value)).toBeLessThanOrEqual(typeof value === 'string' ? 0 : 8);
    }
  });

  test('stops at its limit', () => {
    expect(wireCost('x'.repeat(1_000_000), 100)).toBeLessThan(110);
  });

  test('property: headWithin keeps to its price and to whole characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(100), (text, most) => {
        const head = headWithin(text, most);
        expect(text.startsWith(head)).toBe(true);
        expect(Buffer.from(head).toString()).toBe(head);
        if (head !== '') expect(wireCost(head)).toBeLessThanOrEqual(most);
      }),
    );
  });
});

function wire(payload: string | Buffer, more: Partial<RawMessage> = {}): WireMessage {
  const message = raw(payload, more);
  return renderMessage(message, message.at, 'sample', decodePayload(message.payload, message.size));
}

describe('fitMessages', () => {
  test('what fits is left alone', () => {
    const messages = [wire('{"a":1}'), wire('x'.repeat(100_000))];
    expect(fitMessages(messages)).toEqual({ messages, cut: 0, properties_dropped: 0, topics_cut: 0 });
  });

  test.each([
    ['quotes', '"'.repeat(1_000_000)],
    ['backslashes', '\\'.repeat(1_000_000)],
    ['zero-width', '\u200b'.repeat(300_000)],
    ['control', '\u0001'.repeat(1_000_000)],
    ['JSON', JSON.stringify(Array.from({ length: 80_000 }, (_, i) => ({ k: `"${i}"` })))],
    ['binary', Buffer.alloc(1_000_000, 0xff)],
    ['emoji', '😀'.repeat(250_000)],
  ])('500 payloads of %s end up within the budget, the small ones whole', (_, payload) => {
    const small = wire('{"small":true}');
    const large = wire(payload);
    const { messages, cut } = fitMessages([small, ...Array.from({ length: 20 }, () => large), small]);
    expect(cut).toBe(20);
    expect([messages[0], messages.at(-1)]).toEqual([small, small]);
    expect(messages[1]).toMatchObject({ payload_truncated: true, size_bytes: large.size_bytes });
    const size = onTheLine(messages);
    expect(size).toBeLessThan(MESSAGES_BUDGET_BYTES);
    expect(size).toBeGreaterThan(MESSAGES_BUDGET_BYTES / 4);
  });

  test('a cut JSON payload is the beginning of its text, a cut binary whole groups of base64', () => {
    const json = wire(JSON.stringify({ list: Array.from({ length: 5000 }, (_, i) => i) }));
    const binary = wire(Buffer.alloc(20_000, 0xff));
    const [a, b] = fitMessages([json, binary], 10_000).messages;
    expect(a).toMatchObject({ payload_type: 'text', payload_truncated: true });
    expect(String(a?.payload).startsWith('{"list":[0,1,2,')).toBe(true);
    expect(b).toMatchObject({ payload_type: 'binary', payload_encoding: 'base64', payload_truncated: true });
    expect(String(b?.payload).length % 4).toBe(0);
  });

  test('huge topics and properties give way too', () => {
    const properties = { user_properties: { k: '"'.repeat(60_000) } };
    const list = Array.from({ length: 500 }, (_, i) => wire('x', { topic: `${i}/${'y'.repeat(60_000)}`, properties }));
    const { messages, properties_dropped: dropped, topics_cut: topics } = fitMessages(list);
    expect([dropped, topics]).toEqual([500, 500]);
    expect(onTheLine(messages)).toBeLessThan(MESSAGES_BUDGET_BYTES);
    expect(messages[7]?.topic.startsWith('7/yyy')).toBe(true);
  });

  test('property: within any budget of 1,000 bytes a message', () => {
    const message = fc
      .tuple(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 3000 }), fc.json(), fc.base64String({ maxLength: 3000 })),
        fc.string({ maxLength: 200 }),
        fc.option(fc.dictionary(fc.string(), fc.string({ unit: 'binary' })), { nil: undefined }),
      )
      .map(([payload, topic, properties]) => wire(payload, { topic, ...(properties && { properties }) }));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 20 }), fc.integer({ min: 1000, max: 3000 }), (messages, each) => {
        const budget = each * Math.max(1, messages.length);
        const fitted = fitMessages(messages, budget);
        expect(onTheLine(fitted.messages)).toBeLessThanOrEqual(budget);
        expect(fitted.messages).toHaveLength(messages.length);
        const marked = fitted.messages.filter((one) => one.payload_truncated).length;
        expect(marked).toBe(fitted.cut);
      }),
      { numRuns: 500 },
    );
  });
});

describe('summarise', () => {
  const began = 1_767_607_200_000;

  test('all of them where they fit, without reasons', () => {
    const { kept, omitted, cut } = summarise([raw('1'), raw('2')], 50, began);
    expect(kept.map(({ payload }) => payload)).toEqual([1, 2]);
    expect(kept.every((message) => !('kept_because' in message))).toBe(true);
    expect([omitted.count, cut]).toEqual([0, 0]);
  });

  test('a burst within one millisecond: arrival decides what is first and last', () => {
    const burst = Array.from({ length: 200 }, (_, i) => raw(`{"n":${i}}`));
    const { kept } = summarise(burst, 10, began);
    expect([kept[0]?.payload, kept.at(-1)?.payload]).toEqual([{ n: 0 }, { n: 199 }]);
    expect([kept[0]?.kept_because, kept.at(-1)?.kept_because]).toEqual(['first', 'last']);
  });

  test('errors, shapes and changes are kept, and why is said', () => {
    const messages = Array.from({ length: 300 }, (_, i) => {
      const text = i === 77 ? '{"error":"E42"}' : i === 150 ? '{"t":20,"unit":"C"}' : `{"t":${i < 200 ? 20 : 30}}`;
      return raw(text, { at: began + i * 100 });
    });
    const { kept, omitted } = summarise(messages, 20, began);
    const because = (offset: number) => kept.find(({ offset_ms: ms }) => ms === offset)?.kept_because;
    expect([because(0), because(7700), because(15_000), because(20_000), because(29_900)]).toEqual([
      'first',
      'error',
      'shape',
      'change',
      'last',
    ]);
    expect(omitted).toEqual({ count: 280, by_topic: { 'a/b': 280 }, by_kind: { ordinary: 280 } });
  });
});
