import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { dig } from '../support/streams.ts';
import { bench, type Fields, failing, LAB, problemsOf, toolError } from './bench.ts';

const at = { session_id: LAB, topic_pattern: 'a/#' };

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2) });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/** A call under way: `over(ms)` lets time pass and gives the result. */
async function listening(args: Fields = {}) {
  const own = bench();
  const running = own.call('get_topic_schema', { ...at, ...args });
  // A baseline with a pattern loads an engine first.
  await vi.waitFor(() => expect(own.session.listened.length).toBe(1));
  const over = async (ms = 30_000) => {
    await vi.advanceTimersByTimeAsync(ms);
    return running;
  };
  return { ...own, over };
}

type Said = Record<string, unknown>;
const list = (value: unknown): Said[] => (Array.isArray(value) ? value : []);
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('get_topic_schema', () => {
  test('two lines of sensors -> one template for each quantity, with its schema', async () => {
    const { session, over } = await listening();
    expect(session.listened).toMatchObject([
      { filter: 'a/#', options: { qos: 0, retained: 'include' }, closed: false },
    ]);
    for (const line of [1, 2]) {
      session.speak(`a/line${line}/temp`, `${20 + line}.5`, { retain: true });
      session.speak(`a/line${line}/oee`, JSON.stringify({ quality: 0.9, state: 'RUN' }));
    }
    const result = await over();
    expect(result).toMatchObject({
      status: 'success',
      summary:
        '4 messages of 4 topics, 2 templates; the schemas rest on 4 messages, the least sure has confidence 0.34.',
      sample_count: 4,
      received_count: 4,
      topic_count: 4,
      template_count: 2,
      stopped_by: 'duration',
      collection_duration_seconds: 30,
      notes: [],
    });
    expect(result.topic_schemas).toEqual([
      {
        template: 'a/line{n}/oee',
        filter: 'a/+/oee',
        topics: ['a/line1/oee', 'a/line2/oee'],
        topic_count: 2,
        message_count: 2,
        sample_count: 2,
        payload_types: { json: 2 },
        schema: {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          properties: { quality: { type: 'number', minimum: 0.9, maximum: 0.9 }, state: { type: 'string' } },
          required: ['quality', 'state'],
          'x-observed': { samples: 2, topics: 2 },
        },
        confidence: 0.34,
        examples: [{ quality: 0.9, state: 'RUN' }],
      },
      expect.objectContaining({
        template: 'a/line{n}/temp',
        payload_types: { number: 2 },
        schema: expect.objectContaining({ type: 'number', minimum: 21.5, maximum: 22.5, 'x-quantity': 'temperature' }),
        examples: [21.5, 22.5],
      }),
    ]);
    expect(Object.keys(result).slice(0, 2)).toEqual(['status', 'summary']);
    expect(session.listened[0]?.closed).toBe(true);
  });

  test('nothing came -> no_data, and what that means', async () => {
    const { over } = await listening({ duration_seconds: 1 });
    expect(await over(2_500)).toMatchObject({
      status: 'no_data',
      sample_count: 0,
      topic_schemas: [],
      absence: {
        grade: 'unknown',
        verdict: expect.stringMatching(/^No message came under the filter within 1 s, nor/),
      },
    });
  });

  test('the connection is lost for good -> what came is described', async () => {
    const { session, over } = await listening();
    session.speak('a/b', '1');
    session.lose('closed by the broker');
    expect(await over(0)).toMatchObject({
      status: 'success',
      stopped_by: 'disconnected',
      notes: ['It ended early: closed by the broker.'],
      summary: expect.stringMatching(/ The connection was lost meanwhile: this is what was heard\.$/),
    });
  });

  test('a chatty topic -> all its messages are counted, and the others are sampled as much', async () => {
    const { session, over } = await listening({ max_messages: 20 });
    for (let n = 0; n < 5_000; n += 1) {
      session.speak('a/loud', JSON.stringify({ n }));
      if (n % 500 === 0) session.speak(`a/quiet/x`, JSON.stringify({ q: n }));
    }
    const result = await over();
    expect(result).toMatchObject({ sample_count: 20, received_count: 5_010 });
    const counts = list(result.topic_schemas).map((one) => [one.template, one.message_count, one.sample_count]);
    expect(counts).toEqual([
      ['a/loud', 5_000, 10],
      ['a/quiet/x', 10, 10],
    ]);
  });

  test('a rare topic beside a fleet of thousands -> has its schema', async () => {
    const { session, over } = await listening();
    for (let n = 0; n < 20_000; n += 1) session.speak(`a/dev/${n}/temp`, '21.5');
    session.speak('a/plant/alarm', '{"code":17}');
    for (let n = 0; n < 20_000; n += 1) session.speak(`a/dev/${n}/temp`, '21.5');
    const result = await over();
    expect(result).toMatchObject({ topic_count: 20_001, template_count: 2, sample_count: 100 });
    expect(list(result.topic_schemas)).toMatchObject([
      { template: 'a/dev/{n}/temp', topic_count: 20_000, message_count: 40_000 },
      { template: 'a/plant/alarm', message_count: 1 },
    ]);
  });

  test('names that look alike and say different things -> not one schema', async () => {
    const { session, over } = await listening();
    session.speak('a/dev/1', '{"temperature":21,"humidity":40}');
    session.speak('a/dev/2', '{"contact":true,"tamper":false}');
    session.speak('a/dev/3', '{"temperature":22,"humidity":41}');
    const result = await over();
    expect(list(result.topic_schemas).map(({ template, topics }) => [template, topics])).toEqual([
      ['a/dev/{n}', ['a/dev/1', 'a/dev/3']],
      ['a/dev/{n}', ['a/dev/2']],
    ]);
  });

  test.each([
    ['not-allowed', toolError('subscribe_denied'), 'subscribe_denied'],
    ['away', toolError('not_connected'), 'not_connected'],
  ] as const)('%s -> the error of the subscription', async (_what, refusal, code) => {
    const { run, session } = bench();
    session.refusal = refusal;
    expect((await failing(run('get_topic_schema', at))).code).toBe(code);
  });

  test('cancelled -> the subscription is closed', async () => {
    const own = bench();
    const running = own.run('get_topic_schema', at);
    await vi.advanceTimersByTimeAsync(1_000);
    own.abort('no longer wanted');
    expect(await running).toMatchObject({ error: { code: 'cancelled' } });
    expect(own.session.listened[0]?.closed).toBe(true);
  });
});

describe('short answers', () => {
  /** 300 kinds of devices, each with 30 fields. */
  async function crowd(args: Fields) {
    const { session, over } = await listening({ max_messages: 500, ...args });
    for (let n = 0; n < 300; n += 1) {
      const word = n.toString(26).replace(/\d/g, (d) => 'qrstuvwxyz'[Number(d)] ?? '');
      const fields = Array.from({ length: 30 }, (_, i) => [`${word}_${'abcdefghijklmnopqrstuvwxyzABCD'[i]}`, i]);
      session.speak(`a/kind ${word}`, JSON.stringify(Object.fromEntries(fields)));
    }
    return over();
  }

  test('by default -> under 3,000 tokens; what is left out is said', async () => {
    const result = await crowd({});
    // As JSON of numbers and short names has them: 3.5 bytes a token.
    expect(bytesOf(result) / 3.5).toBeLessThan(3_000);
    expect(result).toMatchObject({ template_count: 300, sample_count: 300 });
    expect(list(result.topic_schemas).length).toBeGreaterThan(3);
    expect(list(result.more_templates).length).toBeGreaterThan(10);
    expect(result.notes).toEqual([
      expect.stringMatching(/^\d+ templates are not described, for room: full: true gives all/),
      expect.stringContaining('shortened'),
    ]);
  });

  test('full -> all of them, whole', async () => {
    const result = await crowd({ full: true });
    expect(list(result.topic_schemas).length).toBe(300);
    expect(dig(result.topic_schemas, 0, 'schema', 'required')).toHaveLength(30);
    expect(result.notes).toEqual([]);
  });

  test('one giant object of random keys -> a short schema', async () => {
    const { session, over } = await listening();
    const entries = Array.from({ length: 5_000 }, (_, i) => [
      `key ${i} ${'x'.repeat(i % 50)}`,
      { v: i, s: 'y'.repeat(300) },
    ]);
    session.speak('a/giant', JSON.stringify(Object.fromEntries(entries)));
    expect(bytesOf(await over()) / 3.5).toBeLessThan(3_000);
  });

  test('full, of giants -> under 4 MiB', async () => {
    const { session, over } = await listening({ full: true, max_messages: 500 });
    for (let n = 0; n < 20; n += 1) {
      const entries = Array.from({ length: 4_000 }, (_, i) => [`k${n} ${i} \u200b\u200b\u200b`, ['\u200b'.repeat(40)]]);
      session.speak(
        `a/${'\u202e'.repeat(10_000)}/kind ${'abcdefghijklmnopqrst'[n]}`,
        JSON.stringify(Object.fromEntries(entries)),
      );
    }
    expect(2 * bytesOf(await over())).toBeLessThan(4 * 1024 * 1024);
  });

  test('large payloads -> counted, not looked at beyond the room', async () => {
    const { session, over } = await listening();
    const large = JSON.stringify({ text: 'x'.repeat(900_000) });
    for (let n = 0; n < 60; n += 1) session.speak(`a/dev/${n}`, large);
    const result = await over();
    expect(result).toMatchObject({ received_count: 60, template_count: 1 });
    expect(result.notes).toEqual([expect.stringMatching(/^\d+ messages were counted but not looked at/)]);
    expect(bytesOf(result)).toBeLessThan(10_000);
  });
});

describe('baseline', () => {
  const said = {
    type: 'object',
    required: ['temp'],
    properties: { temp: { type: 'number', maximum: 80 }, unit: { enum: ['C'] } },
  };

  test('a schema -> messages that violate it, and which field drifted', async () => {
    const { session, over } = await listening({ baseline: said });
    session.speak('a/1', '{"temp":21,"unit":"C"}');
    const later = { at: Date.UTC(2026, 0, 2, 0, 0, 1) };
    session.speak('a/1', '{"temp":"21","unit":"F"}', later);
    session.speak('a/2', '{"temp":99,"unit":"F"}', later);
    session.speak('a/2', '{"t":21}', later);
    const result = await over();
    expect(result.summary).toMatch(
      / 3 of 4 compared violated the baseline: "\/unit" \(enum, 2 times\), "\/temp" \(type, 1 times\), "\/temp" \(maximum, 1 times\) and 1 more\.$/,
    );
    expect(result.baseline).toEqual({
      checked_count: 4,
      violation_count: 3,
      unmatched_count: 0,
      unchecked_count: 0,
      drift: [
        {
          path: '/unit',
          keyword: 'enum',
          expected: ['C'],
          got: 'F',
          count: 2,
          first_seen: '2026-01-02T00:00:01.000Z',
          topic: 'a/1',
        },
        {
          path: '/temp',
          keyword: 'type',
          expected: 'number',
          got: '21',
          count: 1,
          first_seen: '2026-01-02T00:00:01.000Z',
          topic: 'a/1',
        },
        {
          path: '/temp',
          keyword: 'maximum',
          expected: 80,
          got: 99,
          count: 1,
          first_seen: '2026-01-02T00:00:01.000Z',
          topic: 'a/2',
        },
        {
          path: '/temp',
          keyword: 'required',
          expected: 'to be there',
          got: null,
          count: 1,
          first_seen: '2026-01-02T00:00:01.000Z',
          topic: 'a/2',
        },
      ],
      violations: [
        {
          topic: 'a/1',
          timestamp: '2026-01-02T00:00:01.000Z',
          problems: [
            { path: '/temp', expected: 'number', got: '21' },
            { path: '/unit', expected: ['C'], got: 'F' },
          ],
        },
        expect.objectContaining({ topic: 'a/2' }),
        expect.objectContaining({ topic: 'a/2' }),
      ],
    });
  });

  test('nothing is compared -> that is said, not that nothing violated it', async () => {
    const { session, over } = await listening({ baseline: { 'b/{n}': { type: 'number' } } });
    session.speak('a/1', '21');
    session.speak('a/2', '22');
    expect((await over()).summary).toMatch(
      / Nothing was compared with the baseline: for 2 messages the baseline has no schema\.$/,
    );
  });

  test('a field name that hides its signs -> escaped and cut in the summary', async () => {
    const name = `\u202epower${'x'.repeat(500)}`;
    const { session, over } = await listening({ baseline: { type: 'object', required: [name] } });
    session.speak('a/1', '{}');
    const { summary } = await over();
    expect(summary).toContain('violated the baseline: "/\\u202epowerxxx');
    expect(String(summary).length).toBeLessThan(400);
  });

  test('integers beyond 2^53 -> integers to a baseline and to the schema; examples keep every digit', async () => {
    const schema = { type: 'object', properties: { id: { type: 'integer' }, pi: { type: 'number' } } };
    const { session, over } = await listening({ baseline: schema });
    const said = ['9007199254740993', '-9223372036854775808', '18446744073709551615'];
    for (const id of said) session.speak('a/1', `{"id":${id},"pi":3.14159265358979323846}`);
    session.speak('a/1', '{"id":"9007199254740993"}');
    const result = await over();
    expect(result.baseline).toMatchObject({ violation_count: 1, drift: [{ path: '/id', got: '9007199254740993' }] });
    const again = await listening({ baseline: { topic_schemas: result.topic_schemas } });
    for (const id of said) again.session.speak('a/1', `{"id":${id},"pi":3.14159265358979323846}`);
    const second = await again.over();
    expect(second.baseline).toMatchObject({ checked_count: 3, violation_count: 0 });
    expect(dig(second, 'topic_schemas', 0, 'schema', 'properties', 'id', 'type')).toBe('integer');
    expect(dig(second, 'topic_schemas', 0, 'examples', 0, 'id')).toBe('9007199254740993');
    const bare = await listening();
    for (const id of said) bare.session.speak('a/1', id);
    const third = await bare.over();
    expect(third.topic_schemas).toMatchObject([{ payload_types: { number: 3 }, schema: { type: 'integer' } }]);
  });

  test('one schema for each template -> each topic by its own; others are counted', async () => {
    const baseline = { 'a/line{n}/temp': { type: 'number' }, 'a/+/state': { enum: ['ON', 'OFF'] } };
    const { session, over } = await listening({ baseline });
    for (const [topic, payload] of [
      ['a/line1/temp', '21'],
      ['a/line22/temp', 'broken'],
      ['a/pump/state', 'ON'],
      ['a/pump/state', 'STUCK'],
      ['a/line/temp', 'no number in its name'],
    ] as const)
      session.speak(topic, payload);
    expect((await over()).baseline).toMatchObject({
      checked_count: 4,
      violation_count: 2,
      unmatched_count: 1,
      drift: [
        { template: 'a/line{n}/temp', path: '' },
        { template: 'a/+/state', path: '', got: 'STUCK' },
      ],
    });
  });

  test('an earlier result -> what changed since, with a margin around what was observed', async () => {
    const first = await listening();
    for (let n = 0; n < 30; n += 1) {
      first.session.speak('a/dev/1', JSON.stringify({ temp_c: 20 + (n % 5) / 2, state: n % 2 ? 'ON' : 'OFF', n }));
      first.session.speak('a/dev/2', JSON.stringify({ temp_c: 22, state: 'ON', n }));
    }
    const earlier = await first.over();
    const { session, over } = await listening({ baseline: earlier });
    session.speak('a/dev/1', JSON.stringify({ temp_c: 23.4, state: 'ON', n: 99 }));
    session.speak('a/dev/3', JSON.stringify({ temp_c: 70.5, state: 'ON', n: 99 }));
    session.speak('a/dev/3', JSON.stringify({ temp_c: 21, state: 'ERROR', n: 99 }));
    session.speak('a/dev/3', JSON.stringify({ temp_c: 21, state: 'ON', n: 99, extra: true }));
    const { baseline } = await over();
    expect(baseline).toMatchObject({ checked_count: 4, violation_count: 2, unmatched_count: 0 });
    expect(list(dig(baseline, 'drift')).map(({ path, keyword, got }) => [path, keyword, got])).toEqual([
      ['/extra', 'new_field', true],
      ['/state', 'enum', 'ERROR'],
      ['/temp_c', 'maximum', 70.5],
    ]);
  });

  test('an earlier result of few messages -> another string is news, no violation', async () => {
    const first = await listening();
    for (let n = 0; n < 6; n += 1) first.session.speak('a/log', JSON.stringify({ level: 'info' }));
    const { session, over } = await listening({ baseline: await first.over() });
    session.speak('a/log', JSON.stringify({ level: 'warning' }));
    expect((await over()).baseline).toMatchObject({
      violation_count: 0,
      drift: [{ path: '/level', keyword: 'new_value', expected: ['info'], got: 'warning' }],
    });
  });

  test.each([
    ['{}', {}, '/baseline'],
    ['no schema', { 'a/b': 7 }, '/baseline/a/b'],
    ['a type that is none', { type: 'nummer' }, '/baseline/type'],
    [
      'a multiple of nothing',
      { type: 'object', properties: { a: { multipleOf: 0 } } },
      '/baseline/properties/a/multipleOf',
    ],
    ['a multiple of less', { anyOf: [{}, { multipleOf: -3 }] }, '/baseline/anyOf/1/multipleOf'],
    ['a length below 0', { type: 'string', minLength: -1 }, '/baseline/minLength'],
    ['a remote $ref', { $ref: 'https://example.com/schema.json' }, '/baseline/$ref'],
    ['a $ref to nothing', { type: 'object', properties: { a: { $ref: '#/$defs/b' } } }, '/baseline/properties/a/$ref'],
    ['a pattern that RE2 does not know', { type: 'string', pattern: '(?=a)' }, '/baseline/pattern'],
    [
      'a keyword that is not supported',
      { type: 'object', unevaluatedProperties: false },
      '/baseline/unevaluatedProperties',
    ],
    ['a tower', { not: Array.from({ length: 200_000 }).reduce<unknown>((inner) => [inner], 1) }, '/baseline'],
    ['a giant', { type: 'string', enum: Array.from({ length: 70_000 }, (_, i) => i) }, '/baseline'],
  ])('%s -> invalid_arguments, before anything is subscribed', async (_what, baseline, path) => {
    const { run, session } = bench();
    const [problem] = await problemsOf(run('get_topic_schema', { ...at, baseline }));
    expect(problem?.path).toBe(path);
    expect(session.listened).toEqual([]);
  });

  test('a pattern that would hang a backtracking engine -> answers', async () => {
    const { session, over } = await listening({ baseline: { type: 'string', pattern: '^(a+)+$' } });
    session.speak('a/b', `${'a'.repeat(50_000)}!`);
    expect((await over()).baseline).toMatchObject({ violation_count: 1 });
  });

  test('a schema that refers to itself twice over -> the message is counted as not compared', async () => {
    const baseline = { type: 'object', allOf: [{ $ref: '#' }, { $ref: '#' }] };
    const { session, over } = await listening({ baseline });
    session.speak('a/b', '{}');
    const result = await over();
    expect(result.baseline).toMatchObject({ checked_count: 0, unchecked_count: 1 });
    expect(result.notes).toEqual([expect.stringContaining('1 messages were not compared')]);
  });

  test('thousands of violations -> a short answer', async () => {
    const { session, over } = await listening({ baseline: { type: 'object', additionalProperties: false } });
    for (let n = 0; n < 2_000; n += 1) session.speak(`a/${n}`, JSON.stringify({ [`k${n}x`]: 'v'.repeat(500), y: 1 }));
    const result = await over();
    expect(result.baseline).toMatchObject({ violation_count: 2_000 });
    expect(bytesOf(result) / 3.5).toBeLessThan(3_000);
  });
});
