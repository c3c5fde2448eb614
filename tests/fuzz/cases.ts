// Owns how many inputs a fuzz test draws, and the telling of it: few in the suite, a share of FUZZ_CASES in `make fuzz`.
import { appendFileSync } from 'node:fs';
import fc from 'fast-check';

/** All of `make fuzz`; 0 in the suite. */
const ALL = Number(process.env.FUZZ_CASES ?? 0);
/** Of every test, whatever its share: `make fuzz EACH=1000000 ARGS=decode-fuzz` gives each decoder a million. */
const EACH = Number(process.env.FUZZ_EACH ?? 0);
/** Runs in a row. In between others get their turn: zlib lets go of its memory only then. */
const BATCH = 10_000;

/** `short` in the suite, `share` per mille of all in `make fuzz`. */
export function cases(short: number, share: number): number {
  if (EACH > 0) return EACH;
  return ALL === 0 ? short : Math.ceil((ALL * share) / 1000);
}

/** For a test of so many inputs, at least ten times what they take on an idle machine. */
export function patience(count: number, msEach = 2): { timeout: number } {
  return { timeout: 60_000 + count * msEach };
}

/** `count` inputs, drawn anew for each batch. */
export async function fuzz<T>(file: string, count: number, inputs: fc.Arbitrary<T>, holds: (input: T) => void) {
  await inBatches(file, count, (parameters) => {
    fc.assert(fc.property(inputs, holds), parameters);
  });
}

export async function fuzzAsync<T>(
  file: string,
  count: number,
  inputs: fc.Arbitrary<T>,
  holds: (input: T) => Promise<void>,
  /** What one input counts as: a conversation of ten lines is ten cases. */
  worth = 1,
) {
  await inBatches(file, count, (parameters) => fc.assert(fc.asyncProperty(inputs, holds), parameters), worth);
}

/** What was drawn, for the sum that `make fuzz` ends with. */
export function tally(file: string, count: number): void {
  const report = process.env.FUZZ_REPORT;
  if (report !== undefined) appendFileSync(report, `${file}\t${count}\n`);
}

type Run = (parameters: { numRuns: number; seed: number }) => void | Promise<void>;

async function inBatches(file: string, count: number, run: Run, worth = 1): Promise<void> {
  const { seed = 0 } = fc.readConfigureGlobal();
  const runs = Math.ceil(count / worth);
  for (let done = 0; done < runs; done += BATCH) {
    const numRuns = Math.min(BATCH, runs - done);
    await run({ numRuns, seed: seed + done });
    tally(file, numRuns * worth);
    await new Promise(setImmediate);
  }
}
