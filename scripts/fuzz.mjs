// Runs every fuzz test with a share of FUZZ_CASES, then says how many inputs each file drew. Bounded: it ends after
// FUZZ_MINUTES, and fails where it drew fewer than it was told to.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const wanted = Number(process.env.FUZZ_CASES ?? 1_000_000);
const minutes = Number(process.env.FUZZ_MINUTES ?? 30);
const dir = mkdtempSync(join(tmpdir(), 'fuzz-'));
const report = join(dir, 'report');
const began = performance.now();
const args = ['run', '--project', 'suite', 'fuzz', ...process.argv.slice(2)];
const run = spawn('node_modules/.bin/vitest', args, {
  stdio: 'inherit',
  env: { ...process.env, FUZZ_CASES: String(wanted), FUZZ_REPORT: report },
});
// vitest ends its workers, and the broker, where it is told to end.
const late = setTimeout(() => run.kill('SIGTERM'), minutes * 60_000);
const code = await new Promise((resolve) => run.once('close', (exit) => resolve(exit ?? 1)));
clearTimeout(late);

const counts = new Map();
for (const line of existsSync(report) ? readFileSync(report, 'utf8').trim().split('\n') : []) {
  const [file, count] = line.split('\t');
  counts.set(file, (counts.get(file) ?? 0) + Number(count));
}
rmSync(dir, { recursive: true, force: true });
const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
for (const [file, count] of [...counts].sort()) console.log(`${file.padEnd(20)} ${String(count).padStart(9)}`);
console.log(
  `${'all'.padEnd(20)} ${String(all).padStart(9)} cases in ${Math.round((performance.now() - began) / 1000)} s`,
);
const few = process.argv.length === 2 && all < wanted;
if (few) console.error(`fewer than the ${wanted} that were asked for`);
process.exitCode = code || few ? 1 : 0;
