// Connection strings: valid ones as the WHATWG URL parser reads them, all others refused without a word of them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ToolError } from '../../src/errors.ts';
import { parseConnectionString } from '../../src/mqtt/connection-string.ts';
import { cases, fuzz, patience } from './cases.ts';

const FILE = 'connection-strings';
const VALID = cases(4_000, 60);
const ANY = cases(4_000, 90);

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((one) => !/\p{Cc}/u.test(one));
const name = fc.oneof(
  fc.domain(),
  fc.constantFrom('localhost', 'BROKER', 'a_b', 'broker.', 'bücher.example', '例え.jp'),
  fc.ipV4(),
  fc.ipV6().map((one) => `[${one}]`),
);
const parts = fc.record({
  scheme: fc.constantFrom('mqtt', 'tcp', 'mqtts', 'ssl', 'tls', 'ws', 'wss', 'MQTT', 'Ws'),
  user: fc.option(text, { nil: undefined }),
  password: fc.option(text, { nil: undefined }),
  host: name,
  port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
  // A URL drops what looks like a step in a file system.
  tail: fc.option(
    text.filter((one) => !/^\.{1,2}$/.test(one)),
    { nil: undefined },
  ),
});

test(`${VALID} valid ones -> host, port, user, password and path as in a URL`, patience(VALID), () =>
  fuzz(FILE, VALID, parts, ({ scheme, user, password, host, port, tail }) => {
    const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
    const credentials = user === undefined ? '' : `${encodeURIComponent(user)}${secret}@`;
    const after = `${credentials}${host}${port === undefined ? '' : `:${port}`}/${encodeURIComponent(tail ?? '')}`;
    const read = parseConnectionString(`${scheme}://${after}`);
    // Only of its special schemes does a URL read the host.
    const url = new URL(`ws://${after}`);
    const standing = { mqtt: 1883, tcp: 1883, mqtts: 8883, ssl: 8883, tls: 8883, ws: 80, wss: 443, unix: 0 };
    expect(hostOf(read.host)).toBe(url.hostname);
    expect(read.port).toBe(port ?? standing[read.scheme]);
    if (port !== undefined && port !== 80) expect(read.port).toBe(Number(url.port));
    expect(read.username).toBe(user === undefined ? undefined : decodeURIComponent(url.username));
    expect(read.password).toBe(user === undefined || password === undefined ? undefined : password);
    if (read.password !== undefined) expect(decodeURIComponent(url.password)).toBe(read.password);
    if (read.path !== undefined) expect(decodeURIComponent(read.path)).toBe(decodeURIComponent(url.pathname));
    else expect(read.clientId).toBe(tail);
  }),
);

const SECRET = 'hunter2geheim';
const noise = fc.string({
  unit: fc.constantFrom(...'@:/?#%[]. x1-_\0\t\ud800ö', '%zz', '%00', '%ff', '::1', '12', 'mqtt://', 'localhost'),
  maxLength: 8,
});
const around = fc.tuple(
  fc.oneof(fc.constantFrom('mqtt://', 'ws://', 'MQTTS://', 'http://', 'mqtt:', ''), noise),
  fc.oneof(fc.constant('user:'), noise),
  fc.oneof(fc.constant(''), noise),
  fc.oneof(fc.constant('@host:1883/'), noise),
);
const strange = fc.oneof(
  { weight: 6, arbitrary: around.map(([a, b, c, d]) => `${a}${b}${SECRET}${c}${d}`) },
  { weight: 3, arbitrary: fc.string({ unit: 'binary' }).map((one) => `mqtt://${one}${SECRET}`) },
  { weight: 1, arbitrary: fc.nat(5_000).map((length) => `mqtt://u:${SECRET}${'x'.repeat(length)}`) },
);

test(`${ANY} strings of any kind -> a target, or a refusal that repeats nothing of it`, patience(ANY), () =>
  fuzz(FILE, ANY, strange, (one) => {
    try {
      const { host, port } = parseConnectionString(one);
      expect(host).not.toBe('');
      expect(port > 0 && port < 65_536).toBe(true);
    } catch (error) {
      if (!(error instanceof ToolError)) throw error;
      expect(error.data.code).toBe('invalid_arguments');
      const told = `${error.message} ${JSON.stringify(error.data)} ${error.stack}`;
      if (told.toLowerCase().includes('hunter2') || told.length > 2_000) expect(told).toBe('no secret');
    }
  }),
);

/** As a URL writes it: an address in its shortest form, in brackets. */
function hostOf(host: string): string {
  return host.includes(':') ? new URL(`ws://[${host}]`).hostname : host;
}
