// What an answer costs the assistant that reads it, and that nothing is out of reach for it.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bench, type Fields, LAB } from './bench.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  vi.useRealTimers();
});

/**
 * The proxy for tokens: rows of up to 10 letters, up to 3 digits, up to 2 other signs are one each. Of answers like these
 * o200k_base and cl100k_base count at least 9 % fewer.
 */
const proxy = (result: unknown) =>
  JSON.stringify(result).match(/[A-Z]?[a-z]{1,10}|[A-Z]|\d{1,3}|[^A-Za-z\d]{1,2}/g)?.length ?? 0;

const reading = (n: number, digits = 2) => ((n * 7919) % 10_000) / 10 ** digits;
const padded = (fields: Fields) => {
  const text = JSON.stringify(fields);
  return `${text.slice(0, -1)},"note":"${'ok '.repeat(60).slice(0, Math.max(0, 200 - text.length - 10))}"}`;
};

const sensor = (n: number) =>
  padded({
    device: `sensor-${n % 10}`,
    timestamp: new Date(Date.UTC(2026, 0, 2) + n * 60).toISOString(),
    temperature: reading(n),
    humidity: reading(n + 3),
    voltage: reading(n + 5),
    battery: reading(n + 7),
    status: n % 100 === 50 ? 'fault' : 'ready',
  });
const dense = (n: number) =>
  padded(Object.fromEntries(Array.from('abcdefghijkl', (key, i) => [`${key}${key}`, reading(n + i, 4)])));

const climate = (topic: number) => `plant/hall${topic % 3}/line${topic}/climate`;
const long = (topic: number) => `site/plant-berlin/hall-${topic % 7}/line-${topic % 5}/sensor-${topic}`;

/** 500 messages, then the answer; `page` brings what a cursor points at. */
async function collected(payloadOf: (n: number) => string, topics: number, args: Fields = {}, topicOf = climate) {
  const { session, call } = bench();
  const running = call('subscribe_and_collect', { session_id: LAB, topic_pattern: '#', duration_seconds: 10, ...args });
  await vi.advanceTimersByTimeAsync(0);
  for (let n = 0; n < 500; n += 1) session.speak(topicOf(n % topics), payloadOf(n));
  await vi.advanceTimersByTimeAsync(10_000);
  const result = await running;
  const all = async (cursor: unknown) => {
    const found: Fields[] = [];
    for (let next = cursor; next !== undefined; ) {
      const page = await call('subscribe_and_collect', { session_id: LAB, cursor: next, return_messages: 70 });
      found.push(...list(page));
      next = page.next_cursor;
    }
    return found;
  };
  return { result, all };
}

const list = ({ messages }: Fields): Fields[] => (Array.isArray(messages) ? messages : []);
const text = ({ payload }: Fields) => JSON.stringify(payload);

describe('500 JSON messages of 200 bytes, by default', () => {
  test.each([
    ['sensor readings', sensor, 10],
    ['dense numbers', dense, 30],
    ['sensor readings of 100 topics', sensor, 100],
  ] as const)('%s -> 50 of them in under 6,000 tokens, totals exact', async (_, payloadOf, topics) => {
    const { result } = await collected(payloadOf, topics);
    expect(proxy(result)).toBeLessThan(6_600);
    expect(result).toMatchObject({ message_count: 50, original_message_count: 500, pruning: { omitted: 450 } });
    const counts: unknown[] = Object.values(Object(result.topics));
    expect(counts.reduce((sum: number, count) => sum + Number(count), 0)).toBe(500);
    for (const { payload } of list(result)) expect(Object.keys(Object(payload)).length).toBeGreaterThan(0);
  });

  test.each([
    [50, false],
    [100, false],
    [500, false],
    [300, true],
  ])(
    '%i topics of long names, whole_window %j -> under 6,000 tokens (7,000), a note on those not named',
    async (topics, whole_window) => {
      const { result } = await collected(sensor, topics, { whole_window }, long);
      expect(proxy(result)).toBeLessThan(whole_window ? 7_700 : 6_600);
      const named = Object.keys(Object(result.topics));
      expect(named.length).toBeGreaterThan(8);
      expect(named.length).toBeLessThan(80);
      expect(result.notes).toContainEqual(
        `topics names the ${named.length - 1} loudest topics; ${topics - named.length + 1} more are added up in (other topics): a narrower topic_pattern tells them apart.`,
      );
      const sum = Object.values(Object(result.topics)).reduce((all: number, count) => all + Number(count), 0);
      expect([sum, result.message_count]).toEqual([500, 50]);
    },
  );

  test('few topics -> each is named', async () => {
    const { result } = await collected(sensor, 10);
    expect(Object.keys(Object(result.topics)).length).toBe(10);
  });

  test('errors are whole; the others say that they are not, and keep their readings', async () => {
    const { result } = await collected(sensor, 10);
    const errors = list(result).filter(({ kept_because }) => kept_because === 'error');
    expect(errors.map(text)).toEqual([50, 150, 250, 350, 450].map((n) => JSON.stringify(JSON.parse(sensor(n)))));
    for (const one of list(result)) {
      if (errors.includes(one)) expect(one).not.toHaveProperty('payload_truncated');
      else expect(one).toMatchObject({ payload_truncated: true, payload: { humidity: expect.any(Number) } });
    }
    expect(result.notes).toContainEqual(expect.stringMatching(/^45 payloads are shown in part.*whole_cursor/));
  });

  test('next_cursor brings the 450 others, whole_cursor those shown in part, each once and whole', async () => {
    const { result, all } = await collected(sensor, 10);
    const others = (await all(result.next_cursor)).map(text);
    const whole = (await all(result.whole_cursor)).map(text);
    const errors = list(result).filter(({ payload_truncated }) => payload_truncated === undefined);
    expect([others.length, whole.length, errors.length]).toEqual([450, 45, 5]);
    const sent = Array.from({ length: 500 }, (_, n) => JSON.stringify(JSON.parse(sensor(n))));
    expect([...others, ...whole, ...errors.map(text)].toSorted()).toEqual(sent.toSorted());
  });
});

describe('nothing left out, by default', () => {
  async function one(payload: string, args: Fields = {}) {
    const { session, call } = bench();
    const running = call('subscribe_and_collect', {
      session_id: LAB,
      topic_pattern: '#',
      duration_seconds: 10,
      ...args,
    });
    await vi.advanceTimersByTimeAsync(0);
    session.speak('one/large', payload);
    await vi.advanceTimersByTimeAsync(10_000);
    const result = await running;
    return { result, call };
  }

  test.each([
    ['a text of 300 KB', 'z'.repeat(300_000), 'text'],
    ['JSON of 900 KB', JSON.stringify({ t: 21.5, log: 'it is so '.repeat(100_000) }), 'json'],
  ])('%s -> shown in part in under 6,000 tokens; whole_cursor brings it whole', async (_, payload, type) => {
    const { result, call } = await one(payload);
    expect(proxy(result)).toBeLessThan(6_600);
    expect(JSON.stringify(result).length / 4).toBeLessThan(6_600);
    expect(result).toMatchObject({ pruning_applied: false, message_count: 1 });
    expect(list(result)).toMatchObject([{ payload_truncated: true, payload_type: type, size_bytes: payload.length }]);
    expect(result.notes).toContainEqual(expect.stringMatching(/^1 payload is shown in part.*whole_cursor/));
    const page = await call('subscribe_and_collect', { session_id: LAB, cursor: result.whole_cursor });
    expect(list(page).map(({ payload: whole }) => (typeof whole === 'string' ? whole : JSON.stringify(whole)))).toEqual(
      [payload],
    );
  });

  test('with raw -> whole', async () => {
    const { result } = await one('z'.repeat(300_000), { raw: true });
    expect(list(result)).toMatchObject([{ payload: 'z'.repeat(300_000) }]);
  });
});

test('more than usual asked for and nothing left out -> payloads are whole, however long', async () => {
  const { result } = await collected((n) => JSON.stringify({ n, text: 'x'.repeat(2_000) }), 10, {
    return_messages: 500,
  });
  expect(result).toMatchObject({ pruning_applied: false, message_count: 500 });
  expect(list(result).every((one) => !('payload_truncated' in one))).toBe(true);
  expect(result).not.toHaveProperty('whole_cursor');
});

test('more messages asked for -> room for each of them', async () => {
  const { result } = await collected(sensor, 10, { return_messages: 400 });
  expect(result).toMatchObject({ message_count: 400, pruning: { omitted: 100 } });
  expect(result).not.toHaveProperty('whole_cursor');
});
