import { afterEach, describe, expect, test, vi } from 'vitest';
import { createSealer } from '../../src/mcp/seal.ts';

const MINUTE = 60_000;

afterEach(() => {
  vi.useRealTimers();
});

describe('sealed tokens', () => {
  test('open for their purpose, with the value that was sealed', () => {
    const { seal, open } = createSealer(MINUTE);
    for (const value of [{ a: [1, null, 'é\u202e'] }, 'text', 0, null, [], 'x'.repeat(100_000)]) {
      expect(open(seal(value, 'purpose'), 'purpose')).toEqual({ value });
    }
    expect(open(seal(undefined, 'purpose'), 'purpose')).toEqual({ value: undefined });
  });

  test('tell nothing of the value, and are never the same twice', () => {
    const { seal } = createSealer(MINUTE);
    const token = seal({ secret: 'hunter2hunter2' }, 'purpose');
    expect(token).toMatch(/^[\w-]+$/);
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('hunter2');
    expect(seal({ secret: 'hunter2hunter2' }, 'purpose')).not.toBe(token);
  });

  test('do not open for another purpose, nor with another key', () => {
    const one = createSealer(MINUTE);
    const token = one.seal('value', 'purpose');
    expect(one.open(token, 'purpose2')).toBeUndefined();
    expect(one.open(token, '')).toBeUndefined();
    expect(createSealer(MINUTE).open(token, 'purpose')).toBeUndefined();
  });

  test('do not open with any one bit changed, cut, or made longer', () => {
    const { seal, open } = createSealer(MINUTE);
    const bytes = Buffer.from(seal('value', 'purpose'), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(open(changed.toString('base64url'), 'purpose')).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length += 1) {
      expect(open(bytes.subarray(0, length).toString('base64url'), 'purpose')).toBeUndefined();
    }
    expect(open(Buffer.concat([bytes, Buffer.of(0)]).toString('base64url'), 'purpose')).toBeUndefined();
  });

  test('do not open with any one character changed or added, not even one that decodes to the same', () => {
    const { seal, open } = createSealer(MINUTE);
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    for (const value of ['', 'x', 'xy']) {
      const token = seal(value, 'purpose');
      for (const letter of letters) {
        if (!token.endsWith(letter)) expect(open(token.slice(0, -1) + letter, 'purpose')).toBeUndefined();
      }
      for (const extra of ['=', ' ', '\n', '!']) {
        expect(open(token + extra, 'purpose')).toBeUndefined();
        expect(open(extra + token, 'purpose')).toBeUndefined();
      }
      expect(open(token, 'purpose')).toEqual({ value });
    }
  });

  test('hold for their time, and not a moment longer', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { seal, open } = createSealer(MINUTE);
    const token = seal('value', 'purpose');
    vi.setSystemTime(Date.now() + MINUTE - 1);
    expect(open(token, 'purpose')).toEqual({ value: 'value' });
    vi.setSystemTime(Date.now() + 1);
    expect(open(token, 'purpose')).toBeUndefined();
  });

  test('nonsense -> does not open, and does not throw', () => {
    const { open } = createSealer(MINUTE);
    for (const token of ['', 'x', '....', 'é'.repeat(50), 'A'.repeat(2_000_000), '\u0000'])
      expect(open(token, 'purpose')).toBeUndefined();
  });
});
