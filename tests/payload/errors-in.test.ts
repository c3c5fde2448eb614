import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodePayload, loadFormats } from '../../src/payload/decode.ts';
import { severityOf, topicHint } from '../../src/payload/errors-in.ts';
import { suspicious } from '../../src/payload/suspicious.ts';
import * as words from '../../src/payload/words.ts';
import { corpus } from './corpus.ts';

function severity(text: string, topic = 'a/b') {
  const bytes = Buffer.from(text);
  return severityOf({ topic, ...decodePayload(bytes, bytes.length) });
}

beforeAll(loadFormats);

test.each(corpus())('severity of $name -> $severity', ({ topic, bytes, severity: expected }) => {
  const decoded = decodePayload(bytes, bytes.length, topic);
  expect(severityOf({ topic, ...decoded })).toBe(expected);
  if (expected !== undefined && topicHint(topic) === undefined) expect(suspicious(bytes)).toBe(true);
});

test('the corpus holds 120 payloads and more, of every type and format, labelled as trouble or none', () => {
  const all = corpus();
  expect(all.length).toBeGreaterThanOrEqual(120);
  expect(new Set(all.map(({ type }) => type))).toEqual(
    new Set(['json', 'number', 'boolean', 'text', 'empty', 'binary']),
  );
  const formats = all.map(({ format }) => format);
  expect(formats).toEqual(expect.arrayContaining(['cbor', 'msgpack', 'sparkplug_b', 'gzip+json', 'image/png']));
  for (const severity of ['error', 'warning', undefined])
    expect(all.filter((one) => one.severity === severity).length).toBeGreaterThanOrEqual(20);
});

describe('negations and ends', () => {
  test.each([
    'System running without any errors or warnings',
    'Errors: 0, Warnings: 0, Infos: 12',
    '0 of 12 tests failed',
    'all errors cleared',
    'watchdog timeout set to 30 s',
    'reconnected after timeout',
    'Warnung aufgehoben',
    'Fehler: keine',
    'keine Fehler vorhanden',
    'error counter of the pump',
    'NO_ALARM',
    'NoError',
  ])('%s: none', (text) => {
    expect(severity(text)).toBeUndefined();
    expect(severity(JSON.stringify({ message: text }))).toBeUndefined();
    expect(severity(JSON.stringify({ error: text }))).toBeUndefined();
  });

  test.each([
    'no errors 3 warnings',
    '2 of 12 tests failed',
    'Fault: F0012',
    'watchdog timeout',
    'device is offline',
    'kernel panic - not syncing',
    'Alarm ausgelöst',
    'Stromausfall',
    'Unable to read sensor: timeout',
    'java.lang.NullPointerException',
  ])('%s: trouble', (text) => {
    expect(severity(text)).toBeDefined();
    expect(severity(JSON.stringify({ message: text }))).toBeDefined();
    expect(severity(JSON.stringify({ error: text }))).toBeDefined();
  });
});

test('the level of a log line is that of its line only', () => {
  expect(severity('10:00 INFO connection failed, retrying\n10:01 INFO no luck, failed')).toBeUndefined();
  expect(severity('10:00 INFO starting\n10:01 ERROR pump: no flow')).toBe('error');
  expect(severity('SYSTEM FAILURE SEE INFO PAGE')).toBe('error');
});

describe('keys of settings, times and measures', () => {
  test.each([
    '{"on_error":"stop"}',
    '{"ignore_errors":true}',
    '{"alarm_threshold_high":90,"alarm_threshold_low":10}',
    '{"nextAlarm":1767607200}',
    '{"alarm_high":90,"alarm_low":10}',
    '{"tracking_error":3}',
    '{"panic_button_battery":88}',
    '{"failover":true}',
    '{"config":{"alarm":true,"level":"error"}}',
  ])('%s: none', (text) => {
    expect(severity(text)).toBeUndefined();
  });
});

describe('the pre-filter overlooks nothing', () => {
  test.each(words.TROUBLE_WORDS)('%s', (word) => {
    for (const form of [word, word.toUpperCase(), `last_${word}`, `x"${word}"`, `\\n${word}`]) {
      expect(suspicious(Buffer.from(form)), form).toBe(true);
    }
    const umlauts = word.replace('oe', 'ö').replace('ue', 'ü').replace('ae', 'ä');
    expect(suspicious(Buffer.from(umlauts)), umlauts).toBe(true);
    expect(suspicious(Buffer.from(umlauts.toUpperCase())), umlauts).toBe(true);
  });

  test('property: what is trouble is suspicious', () => {
    const phrase = fc.constantFrom(...words.PAIRS, ...words.PHRASES).map(([a, b]) => `${a} ${b}`);
    const good = fc
      .constantFrom(...words.GOOD_STATES)
      .chain((word) => fc.constantFrom(`not ${word}`, `isn't ${word}`, `isn’t ${word}`, `nicht ${word}`));
    const key = fc.constantFrom('ok', 'isOk', 'success', 'online', 'connected', 'error', 'battery_low', 'status', 'x');
    const value = fc.constantFrom('false', 'true', '0', '1', '"false"', '"lost"', '503', '"major"', 'null');
    const json = fc
      .tuple(key, value, fc.constantFrom('', ' ', '\n', '\t'))
      .map(([name, content, space]) => `{"${name}"${space}:${content}}`);
    const word = fc.constantFrom(...words.TROUBLE_WORDS, 'level', 'pump', 'no', '0', 'of', 'default', 'mirror');
    const part = fc.oneof(phrase, good, json, word, fc.string({ maxLength: 5 }));
    const text = fc
      .tuple(fc.array(part, { maxLength: 5 }), fc.constantFrom(' ', '', '-', '_', ': ', '\n', '"', ','))
      .map(([parts, by]) => parts.join(by));
    fc.assert(
      fc.property(text, (content) => {
        if (severity(content) !== undefined) expect(suspicious(Buffer.from(content))).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });

  test('ordinary telemetry is not suspicious', () => {
    for (const text of [
      '{"battery":87,"humidity":45.2,"linkquality":120,"last_seen":"2026-01-05T10:00:00.000Z","state":"ON"}',
      '{"Time":"2026-01-05T10:00:00","Uptime":"3T04:10:11","POWER":"OFF","Wifi":{"RSSI":88,"Signal":-56}}',
      '{"flow":12.25,"status":"ok","mode":"auto","default":true,"availability":"online","note":"mirror","notes":7}',
      '21.5',
    ]) {
      expect(suspicious(Buffer.from(text)), text).toBe(false);
    }
  });
});

describe('bounds', () => {
  const MIB = 1024 * 1024;
  test.each([
    ['error words', 'no errors '.repeat(MIB / 10)],
    ['negations', 'no '.repeat(MIB / 3)],
    ['dots', 'a.'.repeat(MIB / 2)],
    ['path parts', 'a/'.repeat(MIB / 2)],
    ['tags', '</'.repeat(MIB / 2)],
    ['camel case', 'aB'.repeat(MIB / 2)],
    ['one word', 'error'.repeat(MIB / 5)],
    ['an array of texts', `["${'no errors","'.repeat(MIB / 12)}"]`],
    ['many keys', `{${Array.from({ length: 60_000 }, (_, i) => `"error_threshold${i}":${i}`).join()}}`],
  ])('%s: judged without delay', (_, text) => {
    const began = performance.now();
    severity(text);
    expect(performance.now() - began).toBeLessThan(1000);
  });

  test('property: any JSON and any text is judged without throwing', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.json(), fc.string({ unit: 'binary' })),
        fc.string(),
        (text, topic) => void severity(text, topic),
      ),
    );
  });
});

test('a topic hint may be kept and given again', () => {
  const hint = topicHint('plant/alarm');
  expect(severityOf({ topic: 'plant/alarm', payload: true, payload_type: 'boolean' }, hint)).toBe('error');
});
