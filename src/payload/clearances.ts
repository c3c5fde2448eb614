// Owns what was examined and found to be no trouble though it looks like it (`{"errors":0,"t":21.5}`), so that the next
// one alike costs a comparison of bytes. Alike: the same wording, and the same of each number that could make it trouble.
import { decodePayload } from './decode.ts';
import { severityOf } from './errors-in.ts';
import { isNumeric, type Wording, Wordings } from './wordings.ts';

/** Numbers of a payload, at most: each is tried. One with more is not remembered. */
const MAX_NUMBERS = 48;
/** Every number that severityOf takes for trouble somewhere is like one of these: codes, flags, HTTP, syslog, no success. */
const TRIED = ['0', '1', '2', '3', '4', '404', '503'];

type Source = { topic: string; payload: Buffer };
type Run = readonly [start: number, end: number];

/** A wording that is no trouble; of each of its numbers what another must be like: the same, a number of JSON, or any. */
export type Clearance = Wording & { readonly numbers: readonly string[] };

/** Digits with a zero before them make a payload no JSON any more, so a text that is read otherwise. */
const JSON_NUMBER = /^(?:0|[1-9]\d*)(?:\.\d+)?$/;

export class Clearances {
  readonly #wordings = new Wordings();

  has(known: Clearance[], payload: Buffer): boolean {
    if (known.length === 0) return false;
    let runs: Run[] | undefined;
    const isSame = ({ numbers }: Clearance) => {
      runs ??= numbersOf(payload);
      return numbers.every((expected, index) => isLike(textAt(payload, runs?.[index]), expected));
    };
    return this.#wordings.find(known, payload, isSame) !== undefined;
  }

  /** Remembers a payload of text that is no trouble on this topic; other topics may be asked only where none is a hint. */
  add(known: Clearance[], { topic, payload }: Source): void {
    const runs = numbersOf(payload);
    if (runs.length > MAX_NUMBERS) return;
    const wording = this.#wordings.copy(known, payload);
    if (!wording) return;
    const numbers = runs.map((run) => {
      const text = textAt(payload, run);
      return decides(payload, run, topic) ? text : JSON_NUMBER.test(text) ? 'json' : 'any';
    });
    known.unshift({ ...wording, numbers });
  }
}

function isLike(text: string, expected: string): boolean {
  return expected === 'any' || (expected === 'json' ? JSON_NUMBER.test(text) : text === expected);
}

/** Whether it would be trouble with another number in that place. */
function decides(payload: Buffer, [start, end]: Run, topic: string): boolean {
  return TRIED.some((number) => {
    const changed = Buffer.concat([payload.subarray(0, start), Buffer.from(number), payload.subarray(end)]);
    const { payload: value, payload_type } = decodePayload(changed, changed.length, topic);
    return severityOf({ topic, payload: value, payload_type }) !== undefined;
  });
}

/** Where the numbers are, one more than may be at most. */
function numbersOf(payload: Buffer): Run[] {
  const runs: Run[] = [];
  for (let at = 0; at < payload.length && runs.length <= MAX_NUMBERS; at += 1) {
    if (!isNumeric(payload[at] ?? 0)) continue;
    const start = at;
    while (at < payload.length && isNumeric(payload[at] ?? 0)) at += 1;
    runs.push([start, at]);
  }
  return runs;
}

function textAt(payload: Buffer, run: Run | undefined): string {
  return run === undefined ? '' : payload.toString('latin1', run[0], run[1]);
}
