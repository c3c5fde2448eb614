// Owns the flags and environment variables of the program. Must not touch the process.
import { parseArgs } from 'node:util';
import { type LogLevel, logLevels } from './log.ts';
import { looksLikeUrl, optionIn } from './repeated.ts';

export type Options = {
  help: boolean;
  version: boolean;
  demo: boolean;
  /** Fixes all that the demo says; undefined: its own. */
  demoSeed: number | undefined;
  /** Examine instead of serve; and what: undefined is every profile. */
  doctor: { target: { url: string } | { profile: string } | undefined } | undefined;
  configFile: string | undefined;
  /** Undefined: the config decides. */
  readOnly: boolean | undefined;
  drainSeconds: number;
  logLevel: LogLevel;
  logFile: string | undefined;
};

/** A bad flag or variable: one readable line that names it. */
export class UsageError extends Error {}

export const usage = `Usage: bitsperity-mqtt-mcp [options]
       bitsperity-mqtt-mcp doctor [--profile NAME | URL]

An MCP server that lets an AI assistant work on MQTT brokers. It speaks line-delimited
JSON-RPC 2.0 on standard input and output; logs go to standard error.
\`doctor\` looks at this machine, the config, a broker (or those of all profiles) and the
settings of hosts instead, and says what is wrong; exit code 1 if anything failed.

  --config FILE      JSON file with broker profiles and policy   MQTT_MCP_CONFIG
  --read-only        offer no tool that publishes                MQTT_MCP_READ_ONLY
  --demo             offer the profile "demo": an embedded broker with simulated devices
                     and faults to switch on (docs/DEMO.md)      MQTT_MCP_DEMO_SEED
  --drain SECONDS    time for calls in flight once the input has ended (1)   MQTT_MCP_DRAIN
  --log-level LEVEL  debug, info, warn or error (info)           MQTT_MCP_LOG_LEVEL
  --log-file FILE    append the log to a file too
  --version          print the version
  --help             print this
`;

const MAX_DRAIN_SECONDS = 86_400;

/** Flags win over variables. Throws UsageError. */
export function parseOptions(argv: string[], env: Record<string, string | undefined>): Options {
  const { values: flags, positionals } = readFlags(argv);
  const drain = flags.drain ?? env.MQTT_MCP_DRAIN;
  const config = flags.config ?? (env.MQTT_MCP_CONFIG || undefined);
  const level = flags['log-level'] ?? env.MQTT_MCP_LOG_LEVEL;
  return {
    help: flags.help ?? false,
    version: flags.version ?? false,
    demo: flags.demo ?? false,
    demoSeed: readSeed(env.MQTT_MCP_DEMO_SEED),
    doctor: readDoctor(positionals, readWord(flags.profile, '--profile', 'a name')),
    configFile: readWord(config, flags.config === undefined ? 'MQTT_MCP_CONFIG' : '--config', 'a file'),
    readOnly: flags['read-only'] ?? readBoolean(env.MQTT_MCP_READ_ONLY),
    drainSeconds: readDrain(drain, flags.drain === undefined ? 'MQTT_MCP_DRAIN' : '--drain'),
    logLevel: readLevel(level, flags['log-level'] === undefined ? 'MQTT_MCP_LOG_LEVEL' : '--log-level'),
    logFile: readWord(flags['log-file'], '--log-file', 'a file'),
  };
}

function readFlags(argv: string[]) {
  const options = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean' },
    demo: { type: 'boolean' },
    'read-only': { type: 'boolean' },
    config: { type: 'string' },
    profile: { type: 'string' },
    drain: { type: 'string' },
    'log-level': { type: 'string' },
    'log-file': { type: 'string' },
  } as const;
  try {
    return parseArgs({ args: argv, options, strict: true, allowPositionals: true });
  } catch {
    throw new UsageError(`${faultIn(argv, options)}; --help lists the options`);
  }
}

/** Our own words: those of parseArgs repeat what was typed, and a password may be in it. */
function faultIn(argv: string[], options: Record<string, { type: 'boolean' | 'string' }>): string {
  const names = [...Object.keys(options).map((name) => `--${name}`), '-h'];
  for (const [at, argument] of argv.entries()) {
    if (argument === '--') break;
    if (!argument.startsWith('-') || argument === '-') continue;
    const name = optionIn(argument);
    if (name === undefined) return `Argument ${at + 1} is no option`;
    if (!names.includes(name)) return `Unknown option '${name}'`;
    const text = options[name.slice(2)]?.type === 'string';
    if (!text && argument.includes('=')) return `Option '${name}' does not take a value`;
    if (text && argument === name && (argv[at + 1] ?? '-').startsWith('-')) return `Option '${name}' needs a value`;
  }
  return 'Bad arguments';
}

/** A positional argument may be a password on its own: its place is told, not what it says. */
function notDoctor(argument: string): UsageError {
  const meant = looksLikeUrl(argument) ? 'it looks like a URL: did you mean `doctor URL`? ' : '';
  return new UsageError(`Unexpected argument: ${meant}--help lists the options`);
}

/** A file or a name, and not a broker: later errors repeat it. */
function readWord(text: string | undefined, where: string, what: string): string | undefined {
  if (text === undefined || !looksLikeUrl(text)) return text;
  throw new UsageError(`${where}: expected ${what}; this looks like a URL: did you mean \`doctor URL\`?`);
}

function readDoctor([command, url, ...more]: string[], profile: string | undefined): Options['doctor'] {
  if (command === undefined && profile === undefined) return undefined;
  if (command === undefined) throw new UsageError('--profile: only the command doctor takes it');
  if (command !== 'doctor') throw notDoctor(command);
  // What else was written may hold a password: it is not repeated.
  if (more.length > 0) throw new UsageError('doctor: expected one URL at most');
  if (url !== undefined && profile !== undefined) throw new UsageError('doctor: expected --profile or a URL, not both');
  if (url !== undefined && !url.includes('://')) {
    throw new UsageError('doctor: expected a URL like mqtt://broker:1883; --profile NAME names a profile');
  }
  if (url !== undefined) return { target: { url } };
  return { target: profile === undefined ? undefined : { profile } };
}

function readBoolean(text: string | undefined): boolean | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new UsageError('MQTT_MCP_READ_ONLY: expected 1, true, yes, on, 0, false, no or off');
}

function readSeed(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^\d{1,10}$/.test(text) && Number(text) < 2 ** 32) return Number(text);
  throw new UsageError('MQTT_MCP_DEMO_SEED: expected a whole number from 0 to 4294967295');
}

function readDrain(text: string | undefined, where: string): number {
  if (text === undefined || text === '') return 1;
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= MAX_DRAIN_SECONDS) return value;
  throw new UsageError(`${where}: expected a number of seconds from 0 to ${MAX_DRAIN_SECONDS}`);
}

function readLevel(text: string | undefined, where: string): LogLevel {
  if (text === undefined || text === '') return 'info';
  const level = logLevels.find((known) => known === text);
  if (level) return level;
  throw new UsageError(`${where}: expected one of ${logLevels.join(', ')}`);
}
