import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Clearance, Clearances } from '../../src/payload/clearances.ts';
import { decodePayload } from '../../src/payload/decode.ts';
import { severityOf } from '../../src/payload/errors-in.ts';
import { corpus } from './corpus.ts';

function judged(topic: string, payload: Buffer) {
  return severityOf({ topic, ...decodePayload(payload, payload.length, topic) });
}

/** What is remembered after `first`, asked about each of the others. */
function cleared(first: string, others: string[], topic = 'line/1'): boolean[] {
  const clearances = new Clearances();
  const known: Clearance[] = [];
  clearances.add(known, { topic, payload: Buffer.from(first) });
  return others.map((other) => clearances.has(known, Buffer.from(other)));
}

describe('what was found to be no trouble', () => {
  test.each([
    ['{"errors":0,"t":21.5}', '{"errors":0,"t":7}', '{"errors":3,"t":21.5}'],
    ['{"status_code":200,"ms":12}', '{"status_code":200,"ms":404}', '{"status_code":503,"ms":12}'],
    ['0 errors in 12 s', '0 errors in 99 s', '3 errors in 12 s'],
    [
      '{"errors":{"motor":0,"fan":0},"n":1}',
      '{"errors":{"motor":0,"fan":0},"n":2}',
      '{"errors":{"motor":0,"fan":7},"n":1}',
    ],
    ['{"alarm":{"active":0,"code":17}}', '{"alarm":{"active":0,"code":9}}', '{"alarm":{"active":1,"code":17}}'],
    ['<6>warning lamp test 1', '<6>warning lamp test 2', '<3>warning lamp test 1'],
  ])('%s -> %s is none either, %s is not known', (first, alike, other) => {
    expect(cleared(first, [first, alike, other])).toEqual([true, true, false]);
  });

  test('the topic says that a number is a count of errors -> it must be the same', () => {
    expect(cleared('0', ['0', '1', '17'], 'pump/errors')).toEqual([true, false, false]);
  });

  test('values of a number that matters, all harmless -> all are remembered', () => {
    const clearances = new Clearances();
    const known: Clearance[] = [];
    const text = (code: number, n: number) => Buffer.from(`{"http_status":${code},"n":${n}}`);
    for (const code of [200, 204, 304]) clearances.add(known, { topic: 'a', payload: text(code, 1) });
    for (const code of [304, 200, 204, 200]) expect(clearances.has(known, text(code, 9))).toBe(true);
    expect(clearances.has(known, text(500, 1))).toBe(false);
  });

  test('an escape, more numbers than are tried, a long text -> not remembered', () => {
    const many = `{"errors":0,"v":[${'1,'.repeat(60)}1]}`;
    for (const text of ['{"errors":0,"m":"\\u0031"}', many, `{"errors":0,"m":"${'x'.repeat(5_000)}"}`]) {
      expect(cleared(text, [text])).toEqual([false]);
    }
  });

  test('the corpus, with any other numbers -> what is taken for harmless never is trouble', () => {
    const texts = corpus().filter(({ bytes, topic }) => {
      const { payload_type } = decodePayload(bytes, bytes.length, topic);
      return payload_type !== 'binary' && /\d/.test(bytes.toString()) && judged(topic, bytes) === undefined;
    });
    expect(texts.length).toBeGreaterThan(20);
    const number = fc.constantFrom(
      '0',
      '1',
      '2',
      '3',
      '5',
      '17',
      '255',
      '0.5',
      '1.0',
      '200',
      '400',
      '418',
      '599',
      '1e3',
      '00',
    );
    const numbers = fc.array(number, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.array(numbers, { minLength: 1, maxLength: 8 }),
        ({ bytes, topic }, all) => {
          const clearances = new Clearances();
          const known: Clearance[] = [];
          clearances.add(known, { topic, payload: bytes });
          for (const some of all) {
            let next = 0;
            const changed = Buffer.from(
              bytes.toString('latin1').replace(/[\d.]+/g, () => some[next++ % some.length] ?? ''),
              'latin1',
            );
            if (clearances.has(known, changed)) expect(judged(topic, changed), changed.toString()).toBeUndefined();
          }
        },
      ),
      { numRuns: 3_000 },
    );
  });
});
