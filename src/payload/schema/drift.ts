// Owns the comparison of messages with a baseline: which violate it, which fields drifted, since when. Bounded in
// memory and time, whatever comes. Must not know who listens.
import { decodePayload } from '../decode.ts';
import type { RawMessage } from '../types.ts';
import { headWithin } from '../wire-cost.ts';
import type { Baseline, Judge } from './baseline.ts';
import { type Problem, typeOf } from './keywords.ts';

/** Fields told apart; messages shown; problems shown of one message. */
const MAX_FIELDS = 50;
const MAX_SHOWN = 10;
const MAX_PROBLEMS = 5;
/** Wire bytes of an example, and of what was expected. */
const EXAMPLE_BYTES = 160;
/** Time all comparing of one collection may take, ms; what comes after is counted as not looked at. */
const MAX_TOTAL_MS = 5_000;
/** Larger payloads are not looked into, bytes. */
const MAX_BYTES = 256 * 1024;

export type DriftedField = {
  template?: string;
  path: string;
  keyword: string;
  expected: unknown;
  got: unknown;
  count: number;
  first_seen: string;
  topic: string;
};
export type Violation = {
  topic: string;
  timestamp: string;
  problems: { path: string; expected: unknown; got: unknown }[];
};
export type Drift = {
  checked_count: number;
  violation_count: number;
  unmatched_count: number;
  unchecked_count: number;
  drift: DriftedField[];
  violations: Violation[];
};

export class DriftLog {
  readonly #baseline: Baseline;
  readonly #fields = new Map<string, DriftedField>();
  readonly #violations: Violation[] = [];
  #checked = 0;
  #violating = 0;
  #unmatched = 0;
  #unchecked = 0;
  #spentMs = 0;
  #moreFields = 0;
  #unlisted = 0;

  constructor(baseline: Baseline) {
    this.#baseline = baseline;
  }

  take(message: RawMessage): void {
    if (this.#spentMs > MAX_TOTAL_MS || message.size > MAX_BYTES || message.payload.length < message.size) {
      this.#unchecked += 1;
      return;
    }
    const began = performance.now();
    this.#compare(message);
    this.#spentMs += performance.now() - began;
  }

  /** The fields that drifted most come first; as many as go into `bytes`, the messages in half of that. */
  result(bytes: number): Drift {
    const fields = [...this.#fields.values()].sort((a, b) => b.count - a.count || (a.path < b.path ? -1 : 1));
    const drift = within(fields, bytes);
    this.#unlisted = fields.length - drift.length;
    return {
      checked_count: this.#checked,
      violation_count: this.#violating,
      unmatched_count: this.#unmatched,
      unchecked_count: this.#unchecked,
      drift,
      violations: within(this.#violations, bytes / 2),
    };
  }

  notes(): string[] {
    const notes: string[] = [];
    if (this.#unchecked > 0)
      notes.push(`${this.#unchecked} messages were not compared: too large, or comparing took too long.`);
    if (this.#unlisted > 0) notes.push(`${this.#unlisted} more fields drifted: full: true lists them.`);
    if (this.#moreFields > 0) notes.push(`${this.#moreFields} problems are of fields beyond the ${MAX_FIELDS} listed.`);
    return notes;
  }

  #compare(message: RawMessage): void {
    const judge = this.#baseline.judgeOf(message.topic);
    if (!judge) {
      this.#unmatched += 1;
      return;
    }
    const { payload } = decodePayload(message.payload, message.size, message.topic, 'nearest');
    const problems = judge.validator.problems(payload);
    if (problems === 'unknown') {
      this.#unchecked += 1;
      return;
    }
    this.#checked += 1;
    const wrong = problems.filter((problem) => !isNews(problem, judge));
    for (const problem of problems.slice(0, 4 * MAX_FIELDS)) this.#note(problem, judge, message);
    if (wrong.length === 0) return;
    this.#violating += 1;
    if (this.#violations.length >= MAX_SHOWN) return;
    const shown = wrong.slice(0, MAX_PROBLEMS).map(({ path, expected, keyword, value }) => {
      return { path: brief(path), expected: short(expected), got: gotOf(keyword, value) };
    });
    this.#violations.push({
      topic: brief(message.topic),
      timestamp: new Date(message.at).toISOString(),
      problems: shown,
    });
  }

  #note(problem: Problem, judge: Judge, { topic, at }: RawMessage): void {
    const path = brief(problem.path.replace(/\/\d+(?=\/|$)/g, '/*'));
    const keyword = keywordOf(problem, judge);
    const key = JSON.stringify([judge.template, path, keyword]);
    const known = this.#fields.get(key);
    if (known) known.count += 1;
    else if (this.#fields.size >= MAX_FIELDS) this.#moreFields += 1;
    else {
      this.#fields.set(key, {
        ...(judge.template === undefined ? {} : { template: brief(judge.template) }),
        path,
        keyword,
        expected: short(problem.expected),
        got: gotOf(problem.keyword, problem.value),
        count: 1,
        first_seen: new Date(at).toISOString(),
        topic: brief(topic),
      });
    }
  }
}

function isNews({ keyword }: Problem, { news }: Judge): boolean {
  return news.includes(keyword);
}

function keywordOf(problem: Problem, judge: Judge): string {
  if (!isNews(problem, judge)) return problem.keyword;
  return problem.keyword === 'enum' ? 'new_value' : 'new_field';
}

/** What came instead; where nothing came, null. */
function gotOf(keyword: string, value: unknown): unknown {
  if (value === undefined) return null;
  return keyword === 'type' && typeof value === 'object' ? typeOf(value) : short(value);
}

/** The value where it is small, else the beginning of its JSON. */
function short(value: unknown): unknown {
  const json = JSON.stringify(value) ?? 'null';
  if (json.length <= EXAMPLE_BYTES) return value;
  return `${headWithin(json.slice(0, EXAMPLE_BYTES), EXAMPLE_BYTES)}…`;
}

/** As many from the front as are so long together, at least one. */
function within<T>(list: readonly T[], bytes: number): T[] {
  let left = bytes;
  return list.filter((one, i) => {
    left -= Buffer.byteLength(JSON.stringify(one)) + 1;
    return left >= 0 || i === 0;
  });
}

function brief(text: string): string {
  return text.length <= EXAMPLE_BYTES ? text : `${headWithin(text.slice(0, EXAMPLE_BYTES), 2 * EXAMPLE_BYTES)}…`;
}
