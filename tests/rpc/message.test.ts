import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RpcError } from '../../src/errors.ts';
import {
  type Decoded,
  decode,
  encodeError,
  encodeNotification,
  encodeRequest,
  encodeResult,
  isId,
  Json,
  toJson,
} from '../../src/rpc/message.ts';

/** What decoding says, with the error reduced to its code. */
function outcome(message: unknown) {
  const decoded = decode(typeof message === 'string' ? message : JSON.stringify(message));
  return decoded.kind === 'batch' ? decoded : short(decoded);
}

function short(message: Exclude<Decoded, { kind: 'batch' }>) {
  return message.kind === 'invalid' ? { kind: 'invalid', id: message.id, code: message.error.code } : message;
}

const request = { jsonrpc: '2.0', id: 1, method: 'm' };

describe('decode', () => {
  test.each([
    ['0', 0],
    ['a negative', -1],
    ['the largest safe integer', Number.MAX_SAFE_INTEGER],
    ['a string', 'a'],
    ['an empty string', ''],
    ['a string of digits', '1'],
  ])('id: %s -> a request with that very id', (_name, id) => {
    expect(outcome({ ...request, id })).toEqual({ kind: 'request', id, method: 'm', params: undefined });
  });

  test('a byte order mark before the message is ignored', () => {
    expect(outcome(`\ufeff${JSON.stringify(request)}`)).toMatchObject({ kind: 'request', id: 1 });
  });

  test('id 1.0 is the integer 1', () => {
    expect(outcome('{"jsonrpc":"2.0","id":1.0,"method":"m"}')).toMatchObject({ kind: 'request', id: 1 });
  });

  test.each([
    ['null', 'null'],
    ['a fraction', '1.5'],
    ['beyond the safe integers', '9007199254740993'],
    ['infinite', '1e999'],
    ['a boolean', 'true'],
    ['an object', '{"a":1}'],
    ['an array', '[1]'],
  ])('id: %s -> -32600 without an id', (_name, id) => {
    const text = `{"jsonrpc":"2.0","id":${id},"method":"m"}`;
    expect(outcome(text)).toEqual({ kind: 'invalid', id: undefined, code: -32600 });
  });

  test('no id -> a notification; params come along', () => {
    expect(outcome({ jsonrpc: '2.0', method: 'm' })).toEqual({ kind: 'notification', method: 'm', params: undefined });
    const params = { a: [1, { b: null }] };
    expect(outcome({ jsonrpc: '2.0', method: 'm', params })).toEqual({ kind: 'notification', method: 'm', params });
    expect(outcome({ ...request, params })).toEqual({ kind: 'request', id: 1, method: 'm', params });
  });

  test.each([null, [], [1], 'x', 3, true].map((params) => [JSON.stringify(params), params]))(
    'params %s -> -32602 for a request; a notification is never answered',
    (_name, params) => {
      expect(outcome({ ...request, params })).toEqual({ kind: 'invalid', id: 1, code: -32602 });
      expect(outcome({ jsonrpc: '2.0', method: 'm', params })).toMatchObject({
        kind: 'notification',
        params: undefined,
      });
    },
  );

  test.each([
    ['an empty object', '{}', undefined],
    ['a number', '7', undefined],
    ['a string', '"x"', undefined],
    ['null', 'null', undefined],
    ['no jsonrpc', '{"id":1,"method":"m"}', 1],
    ['jsonrpc 1.0', '{"jsonrpc":"1.0","id":"a","method":"m"}', 'a'],
    ['jsonrpc as a number', '{"jsonrpc":2.0,"id":1,"method":"m"}', 1],
    ['no method', '{"jsonrpc":"2.0","id":1}', 1],
    ['method is no string', '{"jsonrpc":"2.0","id":1,"method":7}', 1],
    ['an empty batch', '[]', undefined],
  ])('%s -> -32600, with the id where it could be read', (_name, text, id) => {
    expect(outcome(text)).toEqual({ kind: 'invalid', id, code: -32600 });
  });

  test.each([
    ['a word', 'hello'],
    ['a truncated message', '{"jsonrpc":"2.0","id":1,"meth'],
    ['two messages on a line', '{"jsonrpc":"2.0","method":"a"}{"jsonrpc":"2.0","method":"b"}'],
    ['a trailing comma', '{"jsonrpc":"2.0","id":1,"method":"m",}'],
    ['NUL', '\0'],
    ['brackets that never close, 100,000 deep', '['.repeat(100_000)],
  ])('%s -> -32700, quoting nothing of it', (_name, text) => {
    const decoded = decode(text);
    expect(short(decoded.kind === 'batch' ? { kind: 'notification', method: '', params: {} } : decoded)).toEqual({
      kind: 'invalid',
      id: undefined,
      code: -32700,
    });
    expect(JSON.stringify(decoded)).not.toContain(text.slice(0, 20));
  });

  test('arrays 100,000 deep -> an invalid item, not a crash', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    expect(decode(deep)).toMatchObject({ kind: 'batch', items: [{ kind: 'invalid', id: undefined }] });
  });

  test('a batch -> each item decoded by itself, in its order', () => {
    const batch = [request, { jsonrpc: '2.0', method: 'n' }, 1, [request], {}, { jsonrpc: '2.0', id: 'x', result: 1 }];
    const decoded = decode(JSON.stringify(batch));
    expect(decoded).toMatchObject({
      kind: 'batch',
      items: [
        { kind: 'request', id: 1 },
        { kind: 'notification' },
        { kind: 'invalid' },
        { kind: 'invalid' },
        { kind: 'invalid' },
        { kind: 'response', id: 'x' },
      ],
    });
  });

  test('a response: result or error', () => {
    const result = { a: 1 };
    expect(outcome({ jsonrpc: '2.0', id: 's1', result })).toEqual({
      kind: 'response',
      id: 's1',
      result,
      error: undefined,
    });
    const error = { code: -1, message: 'no', data: [1] };
    expect(outcome({ jsonrpc: '2.0', id: 's1', error })).toEqual({
      kind: 'response',
      id: 's1',
      result: undefined,
      error: new RpcError(-1, 'no', [1]),
    });
  });

  test.each([
    ['an error without id', '{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}'],
    ['an error with id null', '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}'],
    ['a result without id', '{"jsonrpc":"2.0","result":{}}'],
    ['a result without jsonrpc', '{"id":"s1","result":{}}'],
    ['an error that is none', '{"jsonrpc":"2.0","id":"s1","error":7}'],
  ])('a bad response, %s -> still a response: it must not be answered', (_name, text) => {
    expect(outcome(text)).toMatchObject({ kind: 'response' });
  });

  test('names like __proto__ in params are plain data', () => {
    const decoded = decode('{"jsonrpc":"2.0","id":1,"method":"m","params":{"__proto__":{"polluted":1}}}');
    expect(decoded.kind).toBe('request');
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  test('any text -> never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => typeof decode(text).kind === 'string'));
  });
});

describe('encode', () => {
  test('the id keeps its type', () => {
    expect(encodeResult(0, {})).toBe('{"jsonrpc":"2.0","id":0,"result":{}}');
    expect(encodeResult('0', {})).toBe('{"jsonrpc":"2.0","id":"0","result":{}}');
    expect(encodeResult('"\n', {})).toBe('{"jsonrpc":"2.0","id":"\\"\\n","result":{}}');
  });

  test('an error without id has no id; data only where there is some', () => {
    expect(encodeError(undefined, new RpcError(-32700, 'no'))).toBe(
      '{"jsonrpc":"2.0","error":{"code":-32700,"message":"no"}}',
    );
    expect(JSON.parse(encodeError(3, new RpcError(1, 'no', { a: 1 })))).toEqual({
      jsonrpc: '2.0',
      id: 3,
      error: { code: 1, message: 'no', data: { a: 1 } },
    });
  });

  test('requests and notifications', () => {
    expect(JSON.parse(encodeRequest('s1', 'm', { a: 1 }))).toEqual({
      jsonrpc: '2.0',
      id: 's1',
      method: 'm',
      params: { a: 1 },
    });
    expect(JSON.parse(encodeNotification('m', { a: 1 }))).toEqual({ jsonrpc: '2.0', method: 'm', params: { a: 1 } });
    expect(JSON.parse(encodeNotification('m', undefined))).toEqual({ jsonrpc: '2.0', method: 'm' });
  });

  test('characters that nobody sees, or that reorder what is seen, leave as escapes', () => {
    const hidden = [
      '\u007f',
      '\u0085',
      '\u00ad',
      '\u061c',
      '\u200b',
      '\u200f',
      '\u2028',
      '\u202e',
      '\u2060',
      '\u2066',
      '\ufeff',
      '\u{e0041}',
    ];
    for (const one of hidden) {
      const json = toJson({ [`k${one}`]: `v${one}` });
      expect(json).toMatch(/^[\x20-\x7e]+$/);
      expect(JSON.parse(json)).toEqual({ [`k${one}`]: `v${one}` });
    }
    expect(toJson('aä€😀')).toBe('"aä€😀"');
  });

  test('text that is JSON already -> sent as it is where it is a field, read again where it lies deeper', () => {
    const json = new Json(toJson({ text: 'a\u202eb' }));
    const expected = '{"text":"a\\u202eb"}';
    expect(encodeResult(1, { a: json, b: undefined, c: 2 })).toBe(
      `{"jsonrpc":"2.0","id":1,"result":{"a":${expected},"c":2}}`,
    );
    expect(encodeResult(1, { deep: { json } })).toBe(`{"jsonrpc":"2.0","id":1,"result":{"deep":{"json":${expected}}}}`);
    expect(encodeResult(1, [json])).toBe(`{"jsonrpc":"2.0","id":1,"result":[${expected}]}`);
  });

  test('any value -> one line of valid UTF-8 that reads back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const line = encodeResult(text, { value, text });
        expect(line).not.toContain('\n');
        const back: unknown = JSON.parse(Buffer.from(line, 'utf8').toString('utf8'));
        expect(back).toEqual({ jsonrpc: '2.0', id: text, result: JSON.parse(JSON.stringify({ value, text })) });
      }),
    );
  });

  test('isId: strings and safe integers', () => {
    expect(['', 'a', 0, -1, Number.MAX_SAFE_INTEGER].every(isId)).toBe(true);
    expect([null, undefined, 1.5, Number.NaN, 2 ** 53, true, {}, []].some(isId)).toBe(false);
  });
});
