// Owns the running of a command for what it prints: it and all that it started end with the call.
// Must not know what is printed, nor say any of it in an error.
import { spawn } from 'node:child_process';
import { platform } from 'node:os';

/** Ends a process and what it started; `pid` leads their group. */
export type EndGroup = (pid: number) => void;

export type Running = { cwd: string; mostBytes: number; signal: AbortSignal; endGroup: EndGroup | undefined };

/** Rejects where it fails, prints more, or the signal is aborted. Whoever asks for something finds nobody there. */
export function printedBy([file = '', ...args]: readonly string[], running: Running): Promise<string> {
  const { cwd, mostBytes, signal, endGroup } = running;
  // A shell would die alone, and what it waits for would go on. Windows has no groups.
  const group = platform() === 'win32' ? undefined : endGroup;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(file, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
      detached: group !== undefined,
    });
    const parts: Buffer[] = [];
    let length = 0;
    const fail = (why: string) => {
      signal.removeEventListener('abort', abort);
      // None where no more files may be open.
      child.stdout?.destroy();
      if (group === undefined || child.pid === undefined) child.kill('SIGKILL');
      else group(child.pid);
      reject(new Error(why));
    };
    const abort = () => fail('it took too long');
    signal.addEventListener('abort', abort, { once: true });
    child.once('error', () => fail('it could not be started'));
    child.stdout.on('data', (part: Buffer) => {
      length += part.length;
      parts.push(part);
      if (length > mostBytes) fail('it printed too much');
    });
    child.once('close', (code) => {
      signal.removeEventListener('abort', abort);
      if (code === 0) resolve(Buffer.concat(parts).toString('utf8'));
      else reject(new Error('it failed'));
    });
  });
}
