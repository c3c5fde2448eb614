// What is said of a bad command line: never what was typed where it may be a password.
import { describe, expect, test } from 'vitest';
import { parseOptions, UsageError } from '../src/options.ts';
import { repeated } from '../src/repeated.ts';

const URL_WITH = 'mqtt://u:marker@h';

function fault(argv: string[], env: Record<string, string> = {}): string {
  try {
    parseOptions(argv, env);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'none';
}

describe('a password on the command line or in a variable -> an error that does not repeat it', () => {
  test.each<[string[], RegExp]>([
    [[URL_WITH], /did you mean `doctor URL`/],
    [['marker'], /Unexpected argument/],
    [[`--config=${URL_WITH}`], /--config: .*did you mean `doctor URL`/],
    [['--config', URL_WITH], /--config: /],
    [['--log-file', URL_WITH], /--log-file: /],
    [['doctor', '--profile', URL_WITH], /--profile: /],
    [[`--foo=${URL_WITH}`], /Unknown option '--foo'/],
    [[`--${URL_WITH}`], /Argument 1 is no option/],
    [['--demo', '-pmarker'], /Argument 2 is no option/],
    [['--password=marker'], /Unknown option '--password'/],
    [['--read-only=marker'], /'--read-only' does not take a value/],
    [['--config', '--demo'], /'--config' needs a value/],
    [['--drain', 'marker'], /--drain: expected/],
    [['--log-level', 'marker'], /--log-level: expected/],
    [['doctor', 'u:marker@h'], /doctor: expected a URL/],
    [['doctor', 'mqtt://h', URL_WITH], /doctor: expected one URL/],
  ])('%s', (argv, message) => {
    expect(fault(argv)).toMatch(message);
    expect(fault(argv)).not.toMatch(/marker|\n/);
  });

  test.each(['CONFIG', 'READ_ONLY', 'DRAIN', 'LOG_LEVEL', 'DEMO_SEED'])('MQTT_MCP_%s', (name) => {
    expect(fault([], { [`MQTT_MCP_${name}`]: URL_WITH })).toMatch(new RegExp(`^MQTT_MCP_${name}: expected [^\n]+$`));
    expect(fault([], { [`MQTT_MCP_${name}`]: URL_WITH })).not.toContain('marker');
  });
});

test.each(['mqtt://u:p@h', 'u:p@h', 'ws://h/p?token=p', 'p?token=x', 'u:/p @h'])('%s -> not repeated', (text) => {
  expect(repeated(text)).toBe('(not repeated: it looks like a URL)');
});

test.each([
  'mqtt%3A%2F%2Fu%3Ap%40h',
  'token@h',
  'password=p',
  '{"profiles":{"p":{"url":"h","password":"p"}}}',
  'broker\npassword',
])('%s -> not repeated either', (text) => {
  expect(repeated(text)).toBe('(not repeated: it may hold a secret)');
});

test.each(['config.json', '/etc/a b.json', 'C:\\Users\\me@corp\\c.json', './me@home/c', '/srv/passwords/keys.json'])(
  'the file %s -> as it is',
  (text) => {
    expect(repeated(text)).toBe(text);
  },
);
