// The description of whatever comes: no throw, and short.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodePayload } from '../../src/payload/decode.ts';
import { describe as describeTopics } from '../../src/payload/schema/describe.ts';

const names = fc.oneof(
  fc.constantFrom('a/1', 'a/2', 'a/b', 'plant/line1/temp', 'plant/line2/temp', '__proto__', 'constructor/x'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 400 }),
);
const payloads = fc.oneof(
  fc.json({ maxDepth: 6, noUnicodeString: false }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes)),
  fc
    .dictionary(fc.string({ maxLength: 120 }), fc.string({ maxLength: 300 }), { maxKeys: 200 })
    .map((one) => Buffer.from(JSON.stringify(one))),
);

test('any messages -> described, by default in under 3,000 tokens', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(names, payloads), { maxLength: 30 }),
      fc.integer({ min: 1, max: 20 }),
      (given, maxSamples) => {
        const counts = new Map<string, number>();
        const held = given.map(([topic, bytes], at) => {
          counts.set(topic, (counts.get(topic) ?? 0) + 1);
          return { topic, at, ...decodePayload(bytes, bytes.length) };
        });
        const found = describeTopics(counts, held, { maxSamples, full: false, briefBytes: 8_000 });
        expect(Buffer.byteLength(JSON.stringify(found))).toBeLessThan(10_000);
        expect(found.sample_count).toBe(Math.min(given.length, maxSamples));
        expect(found.topic_schemas.length > 0).toBe(given.length > 0);
        const whole = describeTopics(counts, held, { maxSamples: 500, full: true, briefBytes: 0 });
        expect(whole.topic_schemas.length).toBe(whole.template_count);
        expect(whole.topic_schemas.reduce((sum, { message_count }) => sum + message_count, 0)).toBe(given.length);
      },
    ),
    { numRuns: 200 },
  );
});
