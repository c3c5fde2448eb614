import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import { parseConnectionString, type Target } from '../../src/mqtt/connection-string.ts';

function refusal(text: string): ToolError {
  try {
    parseConnectionString(text);
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  }
  throw new Error(`was accepted: ${text}`);
}

const broker: Target = { scheme: 'mqtt', transport: 'tcp', host: 'broker', port: 1883 };

describe('parseConnectionString', () => {
  test.each([
    ['mqtt', 'tcp', 1883],
    ['tcp', 'tcp', 1883],
    ['mqtts', 'tls', 8883],
    ['ssl', 'tls', 8883],
    ['tls', 'tls', 8883],
    ['ws', 'ws', 80],
    ['wss', 'wss', 443],
    ['MQTTS', 'tls', 8883],
  ])('%s:// is %s on %i', (scheme, transport, port) => {
    const target = parseConnectionString(`${scheme}://broker`);
    expect(target).toMatchObject({ scheme: scheme.toLowerCase(), transport, port, host: 'broker' });
    expect(parseConnectionString(`${scheme}://broker:9001`).port).toBe(9001);
  });

  test.each<[string, Target]>([
    ['mqtt://broker', broker],
    [' mqtt://broker:1883/\n', broker],
    ['mqtt://broker/me', { ...broker, clientId: 'me' }],
    ['mqtt://broker/me%40home%2F1', { ...broker, clientId: 'me@home/1' }],
    ['mqtt://broker/a/b', { ...broker, clientId: 'a/b' }],
    ['mqtt://user@broker', { ...broker, username: 'user' }],
    ['mqtt://user:@broker', { ...broker, username: 'user', password: '' }],
    ['mqtt://:token@broker', { ...broker, username: '', password: 'token' }],
    ['mqtt://user:pw@broker:1/id', { ...broker, port: 1, username: 'user', password: 'pw', clientId: 'id' }],
    ['mqtt://user:a:b:c@broker', { ...broker, username: 'user', password: 'a:b:c' }],
    ['mqtt://user:p@ss@broker', { ...broker, username: 'user', password: 'p@ss' }],
    ['mqtt://us%3Aer:%2F%3F%23%25%40%00%C3%BC@broker', { ...broker, username: 'us:er', password: '/?#%@\0ü' }],
    ['mqtt://us er:p [w]+@broker', { ...broker, username: 'us er', password: 'p [w]+' }],
    ['mqtt://ü:😀@broker', { ...broker, username: 'ü', password: '😀' }],
    ['mqtt://BROKER.Plant_1.lan.', { ...broker, host: 'broker.plant_1.lan.' }],
    ['mqtt://brok%65r', broker],
    ['mqtt://bücher.example', { ...broker, host: 'xn--bcher-kva.example' }],
    ['mqtt://127.0.0.1:65535', { ...broker, host: '127.0.0.1', port: 65_535 }],
    ['mqtt://[::1]', { ...broker, host: '::1' }],
    [
      'mqtt://u:p@[FE80::1%25eth0]:1884/x',
      { ...broker, host: 'fe80::1%eth0', port: 1884, username: 'u', password: 'p', clientId: 'x' },
    ],
    ['mqtt://[fe80::1%eth0]', { ...broker, host: 'fe80::1%eth0' }],
    ['mqtt://[::ffff:10.0.0.1]:2', { ...broker, host: '::ffff:10.0.0.1', port: 2 }],
    ['ws://broker', { scheme: 'ws', transport: 'ws', host: 'broker', port: 80, path: '/' }],
    ['ws://broker/mqtt', { scheme: 'ws', transport: 'ws', host: 'broker', port: 80, path: '/mqtt' }],
    [
      'wss://u:p@broker:8084/a%2Fb?x=1&y=%20',
      {
        scheme: 'wss',
        transport: 'wss',
        host: 'broker',
        port: 8084,
        path: '/a%2Fb?x=1&y=%20',
        username: 'u',
        password: 'p',
      },
    ],
    ['wss://broker?x=1', { scheme: 'wss', transport: 'wss', host: 'broker', port: 443, path: '/?x=1' }],
  ])('%j', (text, expected) => expect(parseConnectionString(text)).toEqual(expected));

  const S = 'S3CR3T';
  test.each([
    ['', 'host'],
    [`user:${S}@broker`, 'scheme'],
    [`${S}:1883`, 'scheme'],
    [`mqtt:user:${S}@broker`, 'scheme'],
    [`${S}://broker`, 'scheme'],
    [`http://user:${S}@broker`, 'scheme'],
    [`constructor://${S}`, 'scheme'],
    ['mqtt://@broker', 'user'],
    [`mqtt://us%zzer:${S}@broker`, 'user'],
    [`mqtt://us%00er:${S}@broker`, 'user'],
    [`mqtt://us\ner:${S}@broker`, 'user'],
    [`mqtt://us\ud800er:${S}@broker`, 'user'],
    [`mqtt://user:${S}%@broker`, 'password'],
    [`mqtt://user:${S}%ff@broker`, 'password'],
    [`mqtt://user:${S}%2@broker`, 'password'],
    [`mqtt://user:${S}\x07@broker`, 'password'],
    [`mqtt://user:${S}/x@broker`, 'password'],
    [`mqtt://user:${S}#x@broker`, 'password'],
    [`mqtt://user:${S}?x@broker`, 'password'],
    [`mqtt://user:12/${S}@broker`, 'path'],
    [`ws://user:12/${S}@broker`, 'path'],
    [`mqtt://user:p@ss/${S}@broker`, 'path'],
    [`mqtt://user:${S}`, 'port'],
    [`mqtt://user:${S}@`, 'host'],
    [`mqtt://user:${S}@:1883`, 'host'],
    [`mqtt://user:${S}@bro ker`, 'host'],
    [`mqtt://user:${S}@bro..ker`, 'host'],
    [`mqtt://user:${S}@bro%2Fker`, 'host'],
    [`mqtt://user:${S}@${'a.'.repeat(140)}b`, 'host'],
    [`mqtt://user:${S}@${'a'.repeat(64)}`, 'host'],
    ['mqtt://127.1', 'host'],
    ['mqtt://2130706433', 'host'],
    ['mqtt://0x7f000001', 'host'],
    ['mqtt://127.0.0.1.', 'host'],
    ['mqtt://256.1.1.1', 'host'],
    ['mqtt://::1', 'host'],
    ['mqtt://::1:1883', 'host'],
    ['mqtt://[::1', 'host'],
    ['mqtt://[::g]', 'host'],
    ['mqtt://[fe80::1%]', 'host'],
    ['mqtt://[fe80::1%25]', 'host'],
    ['mqtt://[127.0.0.1]', 'host'],
    ['mqtt://[::1]1883', 'port'],
    ['mqtt://broker:', 'port'],
    ['mqtt://broker:0', 'port'],
    ['mqtt://broker:65536', 'port'],
    ['mqtt://broker:+1', 'port'],
    ['mqtt://broker:1e3', 'port'],
    [`mqtt://broker/${S}%`, 'path'],
    [`mqtt://broker/${S}%00`, 'path'],
    [`ws://broker/${S}%zz`, 'path'],
    [`ws://broker/${S}\r\nHost: evil`, 'path'],
    [`ws://broker/?${S}%zz`, 'query'],
    [`mqtt://broker/?${S}`, 'query'],
    [`mqtt://broker?${S}`, 'query'],
    [`mqtt://broker/x#${S}`, 'fragment'],
    [`ws://broker/x#${S}`, 'fragment'],
  ])('%j -> invalid_arguments, naming the %s', (text, part) => {
    const { data, message } = refusal(text);
    expect(data.code).toBe('invalid_arguments');
    expect(data.retryable).toBe(false);
    expect(message).toMatch(new RegExp(`^The ${part} `));
    expect(data.problems).toEqual([{ path: '/connection_string', expected: expect.stringContaining(part) }]);
    expect(data.hint).not.toBe('');
    expect(JSON.stringify(data)).not.toContain(S);
  });

  test('more than 4096 characters -> invalid_arguments', () => {
    expect(refusal(`mqtt://u:${'p'.repeat(4096)}@broker`).message).toContain('4096');
    expect(parseConnectionString(`mqtt://u:${'p'.repeat(4080)}@broker`).password).toHaveLength(4080);
  });

  test('encoded credentials come back whole', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((one) => !one.includes('\0'));
    fc.assert(
      fc.property(text, text, text, (username, password, clientId) => {
        const [u, p, c] = [username, password, clientId].map(encodeURIComponent);
        expect(parseConnectionString(`mqtt://${u}:${p}@broker:1/${c}`)).toEqual({
          ...broker,
          port: 1,
          username,
          password,
          clientId,
        });
      }),
    );
  });

  test('any text -> a target or a ToolError', () => {
    const piece = fc.constantFrom(
      'mqtt',
      'ws',
      '://',
      ':',
      '@',
      '/',
      '?',
      '#',
      '[',
      ']',
      '%',
      '%41',
      '%00',
      '::1',
      '1883',
      'host',
      '.',
      '\n',
      '\ud800',
      'ü',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: piece }),
      fc.string({ unit: piece }).map((s) => `mqtt://${s}`),
    );
    fc.assert(
      fc.property(text, (one) => {
        try {
          const target = parseConnectionString(one);
          expect(target.port).toBeGreaterThan(0);
          expect(target.host).toMatch(/^[a-z0-9._-]+$|^[0-9a-f:.]+(%[A-Za-z0-9._~-]+)?$/);
        } catch (error) {
          if (!(error instanceof ToolError)) throw error;
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('a password is in no error, wherever the string breaks', () => {
    const noise = fc.string({
      unit: fc.constantFrom('%', '%zz', '@', ':', '/', '?', '#', '\0', ' ', '[', '12', 'x', '\ud800'),
      maxLength: 6,
    });
    const scheme = fc.constantFrom('mqtt://', 'ws://', 'foo://', 'mqtt:', '');
    fc.assert(
      fc.property(scheme, noise, noise, noise, noise, (start, a, b, c, d) => {
        try {
          parseConnectionString(`${start}u${a}:${b}S3CR3T${c}@broker${d}`);
        } catch (error) {
          if (!(error instanceof ToolError)) throw error;
          expect(`${error.message}${JSON.stringify(error.data)}${error.stack}`).not.toContain('S3CR3T');
        }
      }),
      { numRuns: 5000 },
    );
  });

  test('a password shows in no other field, however it is broken', () => {
    const noise = fc.string({ unit: fc.constantFrom('@', ':', '/', '?', '#', '12', '.', '-'), maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom('mqtt', 'ws'), noise, noise, (scheme, a, b) => {
        try {
          const { password, username, ...shown } = parseConnectionString(`${scheme}://u:${a}S3CR3T${b}@broker`);
          expect(JSON.stringify(shown)).not.toContain('S3CR3T');
        } catch (error) {
          if (!(error instanceof ToolError)) throw error;
        }
      }),
      { numRuns: 5000 },
    );
  });
});
