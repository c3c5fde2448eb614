// Owns Node in other versions than the one that runs the tests: npm's `node-<platform>-<arch>` packages, fetched once into
// .cache. Fails, and never skips, where the npm registry cannot be reached.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The versions that the package promises to run on. */
export const majors = [20, 22, 24];

/** The folder in which `node` is a Node of that version. */
export function nodeFolder(major: number): string {
  if (process.versions.node.startsWith(`${major}.`)) return dirname(process.execPath);
  const cache = join(import.meta.dirname, '../../.cache/nodes');
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const folder = join(cache, `node_modules/v${major}/bin`);
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const wanted = majors.map((one) => `v${one}@npm:${name}@${one}`);
  execFileSync('npm', ['install', '--prefix', cache, '--no-audit', '--no-fund', '--loglevel=error', ...wanted], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 240_000,
  });
  return folder;
}
