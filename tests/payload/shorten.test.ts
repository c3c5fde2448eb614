import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shortenPayloads } from '../../src/payload/shorten.ts';
import { tokens } from '../../src/payload/tokens.ts';
import { isList, isRecord, type WireMessage } from '../../src/payload/types.ts';

function message(payload: unknown, more: Partial<WireMessage> = {}): WireMessage {
  return {
    topic: 'plant/line',
    payload,
    payload_type: typeof payload === 'string' ? 'text' : 'json',
    size_bytes: 1,
    qos: 0,
    retain: false,
    dup: false,
    timestamp: '2026-01-02T03:04:05.678Z',
    offset_ms: 12_345,
    kept_because: 'sample',
    ...more,
  };
}

const costOf = (payload: unknown) => tokens(JSON.stringify(payload));

/** Whether nothing is in the part that is not in the whole, in its place and order. */
function isPart(part: unknown, whole: unknown): boolean {
  if (typeof part === 'string' && typeof whole === 'string') return whole.startsWith(part);
  if (isList(part) && isList(whole)) return part.every((one, i) => isPart(one, whole[i]));
  if (!isRecord(part) || !isRecord(whole)) return Object.is(part, whole);
  const order = Object.keys(whole).filter((key) => Object.hasOwn(part, key));
  return Object.keys(part).every((key, i) => order[i] === key && isPart(part[key], whole[key]));
}

describe('tokens', () => {
  // Counted with o200k_base and cl100k_base, the larger of the two.
  test.each([
    ['{"temperature":21.57,"humidity":43.25,"status":"ready"}', 17],
    ['{"battery":87,"linkquality":112,"occupancy":true,"illuminance_lux":412}', 23],
    ['"timestamp":"2026-11-22T21:43:58.123Z"', 19],
    ['"8f14e45f-ceea-467f-a9ac-0f0b7e0c2c53"', 28],
    ['Übertemperatur an der Förderbandanlage', 12],
  ])('%s -> what a tokeniser counts, a tenth less to a half more', (text, real) => {
    expect(tokens(text)).toBeGreaterThanOrEqual(0.9 * real);
    expect(tokens(text)).toBeLessThanOrEqual(1.5 * real);
  });
});

describe('shortenPayloads', () => {
  const many = (payload: unknown, more: Partial<WireMessage> = {}) =>
    Array.from({ length: 50 }, () => message(payload, more));

  test('room for all -> as they are', () => {
    const messages = many({ a: 1 });
    expect(shortenPayloads(messages, 6_000)).toEqual({ messages, shortened: [] });
  });

  test('readings stay, long texts and times go first; the order of the fields is kept', () => {
    const payload = {
      id: '8f14e45f-ceea-467f-a9ac-0f0b7e0c2c53',
      temp: 21.5,
      at: '2026-01-02T03:04:05Z',
      hum: 40,
      state: 'on',
      text: 'long '.repeat(30),
    };
    const { messages, shortened } = shortenPayloads(many(payload), 4_800);
    expect(shortened).toHaveLength(50);
    expect(messages[0]).toMatchObject({ payload_truncated: true, payload_type: 'json' });
    expect(JSON.stringify(messages[0]?.payload)).toBe('{"temp":21.5,"hum":40,"state":"on"}');
  });

  test('trouble is shortened last', () => {
    const alarm = { alarm: 'overheated', detail: 'the pump of line 7 is too hot '.repeat(4) };
    const messages = [...many({ text: 'all is well '.repeat(30) }), message(alarm, { kept_because: 'error' })];
    const { messages: short, shortened } = shortenPayloads(messages, 5_000);
    expect(short[50]).toEqual(messages[50]);
    expect(shortened).toHaveLength(50);
  });

  test('text -> its beginning, whole characters; base64 -> whole groups', () => {
    const { messages } = shortenPayloads(many('🔥'.repeat(400)), 3_600);
    expect(messages[0]?.payload).toMatch(/^(?:🔥)+$/u);
    const bytes = Buffer.alloc(600, 7).toString('base64');
    const { messages: binary } = shortenPayloads(
      many(bytes, { payload_type: 'binary', payload_encoding: 'base64' }),
      4_000,
    );
    const head = String(binary[0]?.payload);
    expect(Buffer.from(head, 'base64').toString('base64')).toBe(head);
    expect(head.length).toBeGreaterThan(0);
  });

  test('property: what is shown is a part of what came, marked, within the budget unless there is next to no room', () => {
    const payloads = fc.oneof(
      fc.object({ maxDepth: 3, key: fc.constantFrom('temp', 'state', '__proto__', 'a long name of a field', 'ä') }),
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.jsonValue({ maxDepth: 3 }),
    );
    const list = fc.array(
      payloads.map((payload) => message(JSON.parse(JSON.stringify(payload)))),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(list, fc.integer({ min: 0, max: 4_000 }), (messages, budget) => {
        const before = structuredClone(messages);
        const { messages: short, shortened } = shortenPayloads(messages, budget);
        expect(messages).toEqual(before);
        expect(short).toHaveLength(messages.length);
        const payloadsCost = short.reduce((sum, { payload }) => sum + costOf(payload), 0);
        const room = budget - messages.length * (58 + tokens('plant/line') + 6);
        if (shortened.length > 0) expect(payloadsCost).toBeLessThanOrEqual(Math.max(room, messages.length * 17));
        short.forEach((one, i) => {
          const cut = shortened.includes(i);
          expect(one.payload_truncated).toBe(cut ? true : undefined);
          if (cut) expect(isPart(one.payload, messages[i]?.payload)).toBe(true);
          else expect(one).toEqual(messages[i]);
        });
      }),
      { numRuns: 500 },
    );
  });
});
