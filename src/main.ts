// Owns the process: argv, environment, standard streams, signals, exit code. Nothing imports it.
import { createWriteStream, type WriteStream } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { appendable, openEnd, PIPE } from './append.ts';
import type { Audit } from './audit.ts';
import { ConfigError, codeOf, exposedMode, holdsSecret, readConfig } from './config.ts';
import { keepHeapSmall } from './heap.ts';
import { createLog, frames, type Log } from './log.ts';
import { type Options, parseOptions, UsageError, usage } from './options.ts';
import { createServer, noProfiles } from './server.ts';
import { name, version } from './version.ts';
import { watchLoop } from './watchdog.ts';

/** Said to a person who starts it by hand. */
const hint = `${name} ${version} speaks MCP on standard input and output; a host starts it, for example with
  {"mcpServers": {"mqtt": {"command": "npx", "args": ["-y", "${name}"]}}}
Type JSON-RPC lines, or end with Ctrl-D. --help tells more; the command doctor looks for what is wrong.
`;

/** Leaving takes this long at most once the sessions are closed, ms. */
const EXIT_GRACE_MS = 500;

async function main(): Promise<void> {
  // A reader that has gone (`--help | head`) is no failure; the loop notices by itself.
  process.stdout.on('error', () => {});
  try {
    const options = parseOptions(process.argv.slice(2), process.env);
    if (options.help) process.stdout.write(usage);
    else if (options.version) process.stdout.write(`${version}\n`);
    else if (options.doctor) await examine(options, options.doctor);
    else await serve(options);
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof ConfigError)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 2;
  }
}

async function serve(options: Options): Promise<void> {
  keepHeapSmall();
  const config = options.configFile === undefined ? {} : await readConfig(options.configFile);
  const log = openLog(options);
  const exposed = (file: string, mode: string) =>
    log.warn('a file that holds secrets is open to others than its owner: chmod 600', { file, mode });
  const secret = Object.values(config.profiles ?? {}).some(holdsSecret);
  const mode = options.configFile === undefined || !secret ? undefined : exposedMode(options.configFile);
  if (mode !== undefined) exposed('config', mode);
  const profiles =
    options.configFile === undefined
      ? noProfiles
      : (await import('./profiles.ts')).profilesOf(config, options.configFile, process.env, exposed, endGroup);
  const demo = options.demo ? (await import('./demo/profile.ts')).withDemo(profiles, options.demoSeed) : undefined;
  if (process.stdin.isTTY) process.stderr.write(hint);
  const server = createServer({
    input: process.stdin,
    output: process.stdout,
    log,
    profiles: demo ?? profiles,
    readOnly: options.readOnly ?? config.policy?.read_only ?? false,
    rules: config.policy ?? {},
    audit: await auditOf(config.audit_file, options.configFile, log),
    danger: config.policy?.danger ?? 'ask',
    drainMs: options.drainSeconds * 1000,
    meter: process,
  });
  let signals = 0;
  const stop = () => {
    signals += 1;
    if (signals > 1) process.exit(0);
    server.shutdown();
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  process.on('uncaughtException', (error) => log.error('uncaught exception', { at: frames(error) }));
  process.on('unhandledRejection', (reason) => log.error('unhandled rejection', { at: frames(reason) }));
  // Node's own warnings would be the only lines here that are no JSON.
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn('warning', { name: warning.name }));
  const watching = watchLoop((late) => log.warn('event loop stalled', { late_ms: late }));
  log.debug('ready', { version, pid: process.pid });
  await server.closed;
  watching.stop();
  await demo?.close();
  // Nothing should be left; what is, must not keep the host waiting.
  setTimeout(() => process.exit(0), EXIT_GRACE_MS).unref();
  process.stdin.destroy();
  process.exitCode = 0;
}

async function examine(options: Options, { target }: NonNullable<Options['doctor']>): Promise<void> {
  const [doctor, { homedir }] = await Promise.all([import('./doctor/index.ts'), import('node:os')]);
  const { stdout, env } = process;
  const screen = doctor.createScreen({
    write: (text) => stdout.write(text),
    ...doctor.looksOf({ terminal: stdout.isTTY === true, columns: stdout.columns, env }),
  });
  screen.line(`${name} ${version}`);
  const machine = {
    nodeVersion: process.versions.node,
    platform: process.platform,
    env,
    home: homedir(),
    cwd: process.cwd(),
    program: process.argv[1] ?? '',
    endGroup,
  };
  const { configFile, demo } = options;
  const well = await doctor.examine({ configFile, target, demo, machine }, screen);
  screen.close();
  process.exitCode = well ? 0 : 1;
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
}

/** What a command started, where that did not end with it. */
function endGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/** Its path is relative to the config. */
async function auditOf(file: string | undefined, configFile = '.', log: Log): Promise<Audit | undefined> {
  if (file === undefined) return undefined;
  const { openAudit } = await import('./audit.ts');
  const exposed = (key: string, mode: string) =>
    log.warn('others than its owner may change what is on record: chmod 600', { file: key, mode });
  return openAudit(resolve(dirname(resolve(configFile)), file), exposed);
}

function openLog({ logLevel, logFile }: Options): Log {
  // A log that nobody reads any more, or a full disk, must not end the service.
  process.stderr.on('error', () => {});
  const failed = (why: string) => process.stderr.write(`${name}: --log-file: ${why}\n`);
  const { trouble } = logFile === undefined ? {} : appendable(logFile);
  if (trouble === PIPE) throw new UsageError(`--log-file: ${PIPE}`);
  if (trouble !== undefined) failed(trouble);
  let file: WriteStream | undefined;
  let wanted = trouble === undefined ? logFile : undefined;
  return createLog(logLevel, (line) => {
    process.stderr.write(line);
    if (wanted !== undefined) file = openLogFile(wanted, failed);
    wanted = undefined;
    file?.write(line);
  });
}

/** By the first line: a start touches nothing. A pipe that stands there by then must not hold up the end of the program. */
function openLogFile(path: string, failed: (why: string) => void): WriteStream | undefined {
  try {
    const file = createWriteStream(path, { fd: openEnd(path).descriptor });
    return file.on('error', (error) => failed(codeOf(error)));
  } catch (error) {
    failed(codeOf(error));
    return undefined;
  }
}

void main();
