// The window's inbox against the slow definition: every message decoded and judged.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Message } from '../../src/mqtt/types.ts';
import { decodePayload } from '../../src/payload/decode.ts';
import { severityOf } from '../../src/payload/errors-in.ts';
import { shapeOf } from '../../src/payload/shape.ts';
import { summarise } from '../../src/payload/summary.ts';
import { column } from '../../src/tools/topic-totals.ts';
import { WindowInbox } from '../../src/tools/window-inbox.ts';
import { corpus } from '../payload/corpus.ts';
import { room } from '../support/room.ts';

/** As the session hands them over: a view that is overwritten as soon as the call returns. */
const slot = Buffer.alloc(1024 * 1024);

function speak(inbox: WindowInbox, topic: string, text: string | Buffer, at: number): Message {
  const size = typeof text === 'string' ? slot.write(text) : text.copy(slot);
  const message: Message = {
    topic,
    payload: slot.subarray(0, size),
    size,
    qos: 0,
    retain: false,
    dup: false,
    at,
  };
  inbox.take(message);
  const copy = { ...message, payload: Buffer.from(message.payload) };
  slot.fill(0x23, 0, size);
  return copy;
}

const isTrouble = ({ topic, payload, size }: Message) => severityOf({ topic, ...decodePayload(payload, size) });
const key = ({ topic, payload, at }: Message) => `${at} ${topic} ${payload.toString('latin1')}`;

describe('window inbox', () => {
  const examples = corpus();
  const numbers = fc.constantFrom(undefined, '0', '1', '42', '3.5');
  /** Out of a few, so that a topic says the same again and again, and many, so that the sample does not have them all. */
  const stream = fc.array(fc.nat(examples.length - 1), { minLength: 1, maxLength: 12 }).chain((few) =>
    fc.array(fc.tuple(fc.constantFrom(...few), numbers, fc.boolean()), {
      minLength: 1,
      maxLength: 1_500,
      size: 'max',
    }),
  );

  test('whatever comes -> every error up to 400 is kept, with the first and the last, in order, counted and sized', () => {
    fc.assert(
      fc.property(stream, (list) => {
        const inbox = new WindowInbox(undefined, room());
        const sent = list.map(([index, number, own], i) => {
          const example = examples[index];
          const bytes = example?.bytes ?? Buffer.alloc(0);
          const changed =
            number === undefined ? bytes.toString('latin1') : bytes.toString('latin1').replace(/\d+/g, number);
          return speak(inbox, own ? (example?.topic ?? '') : 'plain/topic', Buffer.from(changed, 'latin1'), i);
        });
        const kept = inbox.messages();
        const keys = kept.map(key);
        const errors = sent.filter(isTrouble);
        if (errors.length <= 400) expect(keys).toEqual(expect.arrayContaining(errors.map(key)));
        expect(keys[0]).toBe(key(sent[0] ?? fail()));
        expect(keys.at(-1)).toBe(key(sent.at(-1) ?? fail()));
        const all = sent.map(key);
        const places = keys.map((one) => all.indexOf(one));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(new Set(places).size).toBe(kept.length);
        expect(places).not.toContain(-1);
        const counts = new Map<string, number>();
        for (const { topic } of sent) counts.set(topic, (counts.get(topic) ?? 0) + 1);
        expect(new Map(Object.entries(column(inbox.totals(), 'count')))).toEqual(counts);
      }),
      { numRuns: 40 },
    );
  });

  test('a flood, one of ten thousand an error -> those errors are kept, and 500 at most', () => {
    const inbox = new WindowInbox(undefined, room());
    const errors: string[] = [];
    for (let i = 0; i < 300_000; i += 1) {
      const fault = i % 10_000 === 7_777;
      const text = `{"sequence":${i},"value":${(20 + Math.sin(i)).toFixed(2)},"status":"${fault ? 'fault' : 'ready'}"}`;
      const message = speak(inbox, `line/${i % 50}`, text, Math.floor(i / 1_000));
      if (fault) errors.push(key(message));
    }
    const kept = inbox.messages();
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept.map(key)).toEqual(expect.arrayContaining(errors));
    expect(new Set(kept.map(({ topic }) => topic)).size).toBe(50);
    expect(Object.values(column(inbox.totals(), 'count')).reduce((sum, count) => sum + count, 0)).toBe(300_000);
    expect(inbox.notes()).toEqual([expect.stringMatching(/^\d+ messages came too fast .* level may be missing\.$/)]);
  });

  test('more that looks like trouble than can be decoded -> a note, and errors among what was not decoded are found', () => {
    const inbox = new WindowInbox(undefined, room());
    for (let i = 0; i < 100_000; i += 1) speak(inbox, 'line', `{"errors":${i >= 50_000 ? 3 : 0},"n":${i}}`, 0);
    expect(inbox.notes()).toContainEqual(
      expect.stringMatching(/^(29|30)\d{3} messages that look like trouble .* some errors may be missing\.$/),
    );
    expect(inbox.messages().filter(isTrouble).length).toBeGreaterThan(10);
  });

  test.each(['followed', 'beyond those that are followed'])(
    'harmless telemetry that looks like trouble, 40,000 a second, on topics %s -> the errors among it are kept',
    (kind) => {
      const inbox = new WindowInbox(undefined, room());
      if (kind !== 'followed') for (let i = 0; i < 3_000; i += 1) speak(inbox, `other/${i}`, 'x', 0);
      const errors: string[] = [];
      for (let i = 1; i <= 400_000; i += 1) {
        const fault = i % 100_000 === 99_999 || i === 400_000;
        const text = `{"errors":${fault ? 3 : 0},"error":null,"t":${20 + (i % 100) / 10}}`;
        const message = speak(inbox, `line/${i % 20}`, text, Math.floor(i / 40));
        if (fault) errors.push(key(message));
      }
      expect(inbox.messages().map(key)).toEqual(expect.arrayContaining(errors));
      expect(inbox.notes().join(' ')).not.toContain('look like trouble');
    },
  );

  test('a step of a quiet series, a shape that turns up late -> kept', () => {
    const inbox = new WindowInbox(undefined, room());
    for (let i = 0; i < 20_000; i += 1) {
      const level = i < 12_345 ? 21 + (i % 3) / 10 : 35 + (i % 3) / 10;
      speak(inbox, 'a', i === 15_000 ? '{"level":35.1,"mode":"eco"}' : `{"level":${level}}`, i);
    }
    const kept = inbox.messages();
    expect(kept.map(({ at }) => at)).toEqual(expect.arrayContaining([0, 12_345, 15_000, 19_999]));
    const shapes = new Set(kept.map(({ payload, size }) => shapeOf(decodePayload(payload, size).payload, 'json')));
    expect(shapes.size).toBe(2);
  });

  test('nothing telling -> the sample has all the room; what tells later takes its part of it', () => {
    const inbox = new WindowInbox(undefined, room());
    for (let i = 0; i < 4_000; i += 1) speak(inbox, 'a', `{"n":${20 + (i % 3) / 10}}`, i);
    expect(inbox.messages().length).toBeGreaterThanOrEqual(475);
    expect(inbox.messages().length).toBeLessThanOrEqual(500);
    const errors = Array.from({ length: 100 }, (_, i) => key(speak(inbox, 'a', `{"error":"E${i}"}`, 4_000 + i)));
    const kept = inbox.messages();
    expect(kept.length).toBeGreaterThan(450);
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept.map(key)).toEqual(expect.arrayContaining(errors));
  });

  test('every message an error of 256 KiB -> 500 at most, 64 MiB at most', () => {
    const inbox = new WindowInbox(undefined, room());
    const bytes = Buffer.alloc(256 * 1024, 'error ');
    for (let i = 0; i < 600; i += 1) speak(inbox, `t/${i % 3}`, bytes, i);
    const kept = inbox.messages();
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept.reduce((sum, { payload }) => sum + payload.length, 0)).toBeLessThanOrEqual(64 * 1024 * 1024);
    expect(kept[0]?.size).toBe(256 * 1024);
  });

  test.each([300, 490])('%i errors among 12,000 messages of many topics -> every one is held, 500 at most', (count) => {
    const inbox = new WindowInbox(undefined, room());
    const errors: string[] = [];
    for (let i = 0; i < 12_000; i += 1) {
      const fault = Math.floor((i * count) / 12_000) !== Math.floor(((i - 1) * count) / 12_000);
      const message = speak(inbox, `line/${i % 300}`, `{"n":${i},"status":"${fault ? 'fault' : 'ready'}"}`, i);
      if (fault) errors.push(key(message));
    }
    const kept = inbox.messages();
    expect(errors.length).toBe(count);
    expect(kept.map(key)).toEqual(expect.arrayContaining(errors));
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(inbox.notes().join()).not.toContain('errors');
  });

  test('more errors than can be held -> spread over the window, the newest among them, and a note with the numbers', () => {
    const inbox = new WindowInbox(undefined, room());
    for (let i = 0; i < 3_000; i += 1) speak(inbox, 'line', `{"status":"fault","n":${i}}`, i);
    const kept = inbox.messages();
    expect(kept.length).toBeLessThanOrEqual(500);
    expect(kept.at(-1)?.at).toBe(2_999);
    expect(inbox.notes()).toContainEqual(
      expect.stringMatching(
        /^3000 messages are errors or warnings; \d{3} of them, spread over the window, are held\.$/,
      ),
    );
  });

  test('many topics, more messages than places -> few places stay empty', () => {
    const inbox = new WindowInbox(undefined, room());
    for (let i = 0; i < 12_000; i += 1) speak(inbox, `line/${i % 170}`, `{"v":${i}}`, i);
    expect(inbox.messages().length).toBeGreaterThanOrEqual(475);
  });

  test('an error behind the bytes that are kept -> an error all the same; a note that payloads are cut', () => {
    const inbox = new WindowInbox(undefined, room());
    speak(inbox, 'bulk', JSON.stringify({ rows: 'x'.repeat(200_000), tail: { error: 'pump seized' } }), 0);
    for (let i = 1; i < 2_000; i += 1) speak(inbox, 'bulk', `{"rows":[${i}]}`, i);
    const { kept } = summarise(inbox.messages(), 50, 0);
    expect(kept[0]).toMatchObject({ kept_because: 'error', size_bytes: expect.any(Number) });
    expect(inbox.notes()).toContainEqual(expect.stringMatching(/^1 payloads were cut: at most 128 KiB/));
  });
});

function fail(): never {
  throw new Error('there must be one');
}
