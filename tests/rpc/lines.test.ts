import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Line, LineSplitter, MAX_LINE_BYTES } from '../../src/rpc/lines.ts';

/** Everything that comes of these chunks and the end of the stream. */
function split(chunks: Buffer[], limit?: number): Line[] {
  const splitter = new LineSplitter(limit);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

function splitText(text: string, limit?: number): Line[] {
  return split([Buffer.from(text)], limit);
}

const texts = (...lines: string[]): Line[] => lines.map((text) => ({ text }));
const tooLong: Line = { problem: 'too_long' };
const notUtf8: Line = { problem: 'not_utf8' };

describe('lines', () => {
  test.each([
    ['one line', '{"a":1}\n', ['{"a":1}']],
    ['a last line without newline', '{"a":1}\n{"b":2}', ['{"a":1}', '{"b":2}']],
    ['\\r\\n', '{"a":1}\r\n{"b":2}\r\n', ['{"a":1}', '{"b":2}']],
    ['a last line with \\r only', '{"a":1}\r', ['{"a":1}']],
    ['blank lines', '\n\r\n  \n\t\r\n{"a":1}\n\n', ['{"a":1}']],
    ['spaces around are kept', '  {"a":1} \n', ['  {"a":1} ']],
    ['a \\r inside is kept', '{"a"\r:1}\n', ['{"a"\r:1}']],
    ['U+2028 and NEL end no line', '"a\u2028b\u0085c"\n', ['"a\u2028b\u0085c"']],
    ['nothing', '', []],
    ['only a newline', '\n', []],
  ])('%s', (_name, input, expected) => {
    expect(splitText(input)).toEqual(texts(...expected));
  });

  test('split at every byte, with characters of 1 to 4 bytes -> the same lines', () => {
    const lines = ['{"a":"ä€😀"}', '"\u00e9\u0800\uffff\u{10ffff}"'];
    const bytes = Buffer.from(`${lines.join('\r\n')}\n`);
    for (let at = 0; at <= bytes.length; at += 1) {
      expect(split([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(texts(...lines));
    }
    expect(split(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(texts(...lines));
  });

  test('any text in any chunks -> what splitting the whole text gives', () => {
    const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replace(/[\r\n]/g, ''));
    fc.assert(
      fc.property(
        fc.array(line),
        fc.constantFrom('\n', '\r\n'),
        fc.array(fc.nat(), { maxLength: 20 }),
        (all, end, cuts) => {
          const bytes = Buffer.from(all.join(end));
          const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
          const chunks = at.slice(1).map((to, i) => bytes.subarray(at[i], to));
          expect(split(chunks)).toEqual(texts(...all.filter((text) => text.trim() !== '')));
        },
      ),
    );
  });

  test.each([
    ['a lone continuation byte', [0x22, 0x80, 0x22]],
    ['a truncated character', [0x22, 0xe2, 0x82, 0x22]],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a byte that UTF-8 never has', [0xff]],
  ])('invalid UTF-8, %s -> not_utf8, the next line is whole', (_name, bytes) => {
    expect(split([Buffer.from([...bytes, 10]), Buffer.from('{"b":2}\n')])).toEqual([notUtf8, { text: '{"b":2}' }]);
  });

  test('a truncated character at the end of the stream -> not_utf8', () => {
    expect(split([Buffer.from([0x22, 0xf0, 0x9f])])).toEqual([notUtf8]);
  });
});

describe('the limit of a line', () => {
  test('exactly the limit -> a line, also before \\r\\n and at the end of the stream', () => {
    for (const end of ['\n', '\r\n', '', '\r'])
      expect(splitText(`${'x'.repeat(8)}${end}`, 8)).toEqual(texts('x'.repeat(8)));
  });

  test('one byte more -> one too_long, whatever ends it and however it is cut', () => {
    for (const end of ['\n', '\r\n', '']) {
      const bytes = Buffer.from(`{"a":1}\n${'x'.repeat(9)}${end}`);
      for (let at = 0; at <= bytes.length; at += 1) {
        expect(split([bytes.subarray(0, at), bytes.subarray(at)], 8)).toEqual([{ text: '{"a":1}' }, tooLong]);
      }
    }
  });

  test('far more, in many chunks -> too_long at once and once, then the next line', () => {
    const splitter = new LineSplitter(8);
    expect(splitter.push(Buffer.from('x'.repeat(10)))).toEqual([tooLong]);
    for (let i = 0; i < 100; i += 1) expect(splitter.push(Buffer.from('x'.repeat(10)))).toEqual([]);
    expect(splitter.push(Buffer.from('x\n{"a":1}\n'))).toEqual(texts('{"a":1}'));
    expect(splitter.end()).toEqual([]);
  });

  test('bytes count, not characters', () => {
    expect(splitText('ääää\n', 8)).toEqual(texts('ääää'));
    expect(splitText('ääääa\n', 8)).toEqual([tooLong]);
  });

  test('4 MiB by default; 10 MiB in pipe-sized chunks is one too_long and keeps no memory', () => {
    expect(MAX_LINE_BYTES).toBe(4 * 1024 * 1024);
    const splitter = new LineSplitter();
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const lines = Array.from({ length: 160 }, () => splitter.push(chunk)).flat();
    expect([...lines, ...splitter.push(Buffer.from('\n{"a":1}\n'))]).toEqual([tooLong, { text: '{"a":1}' }]);
  });

  test('too long and not UTF-8 -> too_long only', () => {
    expect(split([Buffer.alloc(20, 0xff), Buffer.from('\n')], 8)).toEqual([tooLong]);
  });
});
