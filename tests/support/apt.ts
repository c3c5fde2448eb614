// Owns installing from the distribution what a test needs: as root on Debian or Ubuntu only. Must not know what for.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export function canInstall(): boolean {
  return (
    process.platform === 'linux' &&
    process.getuid?.() === 0 &&
    /^(ID|ID_LIKE)=.*(debian|ubuntu)/m.test(readOr('/etc/os-release', ''))
  );
}

/** The lock is for test workers that ask at the same time: whoever comes second finds `program` there. */
export async function install(name: string, program: string): Promise<void> {
  const get = `apt-get install -y --no-install-recommends ${name}`;
  const script = `test -x ${program} || ${get} || { apt-get update && ${get}; }`;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }; // a package must not start its service
  const lock = join(tmpdir(), 'bitsperity-mqtt-mcp-apt.lock');
  await promisify(execFile)('flock', [lock, 'sh', '-c', script], { env, maxBuffer: 1 << 26 });
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
