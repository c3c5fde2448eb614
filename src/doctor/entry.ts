// Owns the judgement of one entry of a host's settings: whether what it starts is there and takes its arguments.
// Must not know hosts nor their files; repeats nothing of an entry but its name, paths and flags.
import { existsSync } from 'node:fs';
import { isAbsolute, posix, win32 } from 'node:path';
import { parseOptions, UsageError } from '../options.ts';
import { repeated } from '../repeated.ts';
import { name as ownName } from '../version.ts';
import type { Finding, Machine } from './types.ts';

export type Entry = {
  name: string;
  /** The command and its arguments. */
  words: string[];
  config: string | undefined;
  disabled: boolean;
  /** What it puts in place of the host's PATH. */
  path: string | undefined;
};

type Verdict = Pick<Finding, 'status' | 'detail'> & { next?: string };

/** What runs its arguments elsewhere: paths in them are none of this machine. */
const elsewhere: [RegExp, string][] = [
  [/(?:^|[\\/\s])(?:docker|docker-compose|podman|nerdctl|kubectl)(?:\.exe)?(?:\s|$)/i, 'in a container'],
  [/(?:^|[\\/\s])(?:ssh|wsl)(?:\.exe)?(?:\s|$)/i, 'on another machine'],
];

/** Our name where it stands for the program: a package, with a version, or an image, with a tag. */
const PROGRAM = new RegExp(`(?:^|[\\\\/])${ownName}(?:@[\\w.^~-]+)?(?::[\\w.-]+)?$`);
const SCRIPT = /\.[cm]?js$/;

export function isOurs(word: string, { program }: Machine): boolean {
  return word.includes(ownName) || word === program;
}

/** `entry`: how it is called in what is said. */
export function judge({ name, words, config, disabled, path }: Entry, file: string, machine: Machine): Verdict {
  const entry = `entry ${JSON.stringify(repeated(name))} in ${file}`;
  const at = words.findLastIndex((word) => SCRIPT.test(word) || PROGRAM.test(word));
  const place = elsewhere.find(([runner]) => words.slice(0, at < 0 ? undefined : at).some((word) => runner.test(word)));
  if (disabled) {
    const next = 'Switch it on in the host.';
    return { status: 'warning', detail: `${entry} is switched off.`, next };
  }
  const wrong = commandWrong(words[0], path, machine) ?? argumentsWrong(at < 0 ? [] : words.slice(at + 1));
  if (wrong) return { ...wrong, detail: `${entry} ${wrong.detail}` };
  if (place) return { status: 'ok', detail: `${entry}; it runs ${place[1]}: what is there was not looked at` };
  const script = words.find((word) => SCRIPT.test(word));
  const missing = [script, config].map(pathWrong).find((one) => one !== undefined);
  return missing ? { ...missing, detail: `${entry} ${missing.detail}` } : { status: 'ok', detail: entry };
}

/** A bare name is looked for where this shell would look: the host's own PATH may be another. */
function commandWrong(command: string | undefined, path: string | undefined, machine: Machine): Verdict | undefined {
  if (command === undefined || command === '' || command.includes('${')) return undefined;
  const windows = machine.platform === 'win32';
  const suffixes = windows ? ['', ...(machine.env.PATHEXT ?? '.EXE;.CMD;.BAT;.COM').split(';')] : [''];
  const isThere = (file: string) => suffixes.some((suffix) => existsSync(`${file}${suffix}`));
  const named = JSON.stringify(repeated(command));
  if (isAbsolute(command)) {
    const next = 'Correct the path, then start the host anew.';
    return isThere(command) ? undefined : { status: 'failed', detail: `starts ${named}, which is not there.`, next };
  }
  const searched = path ?? machine.env.PATH;
  if (/[\\/]/.test(command) || searched === undefined || searched.includes('${')) return undefined;
  const { join, delimiter } = windows ? win32 : posix;
  const folders = searched.split(delimiter).filter(Boolean);
  if (folders.some((folder) => isThere(join(folder, command)))) return undefined;
  const next = 'Install it, or give its whole path as the command.';
  return { status: 'warning', detail: `starts ${named}, which is not on the PATH.`, next };
}

/** As the program itself would take them. Words without a dash are not repeated: they may hold a password. */
function argumentsWrong(args: string[]): Verdict | undefined {
  if (args.some((arg) => arg.includes('${'))) return undefined;
  const next = '--help lists the options.';
  try {
    const { doctor, help, version } = parseOptions(args, {});
    if (!doctor && !help && !version) return undefined;
    return { status: 'failed', detail: 'starts no server: it asks for help, the version or the doctor.', next };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const why = error.message.startsWith('Unexpected') ? 'an argument that is no flag' : error.message.split(';')[0];
    return { status: 'failed', detail: `has arguments that this server refuses: ${why}.`, next };
  }
}

function pathWrong(path: string | undefined): Verdict | undefined {
  if (path === undefined || path === '' || path.includes('${')) return undefined;
  if (!isAbsolute(path)) {
    const next = 'Hosts start servers in a folder of their own: give the whole path.';
    return { status: 'warning', detail: `names ${repeated(path)}, which is no whole path.`, next };
  }
  const next = 'Correct the path, then start the host anew.';
  return existsSync(path)
    ? undefined
    : { status: 'failed', detail: `names ${repeated(path)}, which is not there.`, next };
}
