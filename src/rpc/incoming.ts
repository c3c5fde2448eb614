// Owns lines -> messages in turn: what was read and waits, and the batches among it.
// Must not know how a message is dealt with, nor when.
import { RpcError, rpcCode } from '../errors.ts';
import { type Line, MAX_LINE_BYTES } from './lines.ts';
import { decode, type Invalid, type Single } from './message.ts';
import { Queue } from './queue.ts';

/** Messages of one batch: its answers are held until the last is there. */
export const MAX_BATCH = 1000;

export type Answer = (line: string) => void;
/** A message that waits for its turn, where its answer goes, and what to call when it is dealt with. */
export type Item = { message: Single; answer: Answer; done: () => void };

export class Incoming {
  readonly #answer: Answer;
  readonly #acceptsBatch: () => boolean;
  readonly #lines = new Queue<Line>();
  /** Of the line in turn: one message, or those of a batch. */
  #single: Item | undefined;
  readonly #items = new Queue<Item>();

  /** `answer` takes whole lines; `acceptsBatch` is asked when an array's turn has come. */
  constructor(answer: Answer, acceptsBatch: () => boolean) {
    this.#answer = answer;
    this.#acceptsBatch = acceptsBatch;
  }

  /** What waits: 0 where nothing does; lines whose turn has not come count as one each. */
  get size(): number {
    return this.#lines.size + this.#items.size + (this.#single ? 1 : 0);
  }

  push(lines: Line[]): void {
    this.#lines.push(lines);
  }

  /** The message in turn, decoded if it was not yet; it stays in its queue. */
  peek(): Item | undefined {
    while (!this.#single && this.#items.size === 0) {
      const line = this.#lines.shift();
      if (!line) return undefined;
      this.#read(line);
    }
    return this.#single ?? this.#items.first;
  }

  /** Takes out what `peek` has shown. */
  shift(): Item | undefined {
    const single = this.#single;
    this.#single = undefined;
    return single ?? this.#items.shift();
  }

  clear(): void {
    this.#lines.clear();
    this.#single = undefined;
    this.#items.clear();
  }

  #read(line: Line): void {
    const message = 'text' in line ? decode(line.text) : unreadable(line.problem);
    if (message.kind !== 'batch') this.#single = { message, answer: this.#answer, done: nothing };
    else if (!this.#acceptsBatch()) this.#single = this.#refused('batches exist only in MCP 2025-03-26');
    else if (message.items.length <= MAX_BATCH) this.#items.push(this.#batch(message.items));
    else this.#single = this.#refused(`a batch of more than ${MAX_BATCH} messages`);
  }

  #refused(why: string): Item {
    const error = new RpcError(rpcCode.invalidRequest, `Invalid request: ${why}`);
    return { message: { kind: 'invalid', id: undefined, error }, answer: this.#answer, done: nothing };
  }

  /** JSON-RPC 2.0 section 6: one array of answers, nothing where all were notifications. */
  #batch(messages: Single[]): Item[] {
    const answers: string[] = [];
    let open = messages.length;
    const answer = (line: string) => void answers.push(line);
    const done = () => {
      open -= 1;
      if (open === 0 && answers.length > 0) this.#answer(`[${answers.join(',')}]`);
    };
    return messages.map((message) => ({ message: inBatch(message), answer, done }));
  }
}

function nothing(): void {}

function unreadable(problem: 'too_long' | 'not_utf8'): Invalid {
  const why =
    problem === 'too_long'
      ? `the line is longer than ${MAX_LINE_BYTES} bytes and was skipped; send smaller messages`
      : 'the line is not valid UTF-8';
  return { kind: 'invalid', id: undefined, error: new RpcError(rpcCode.parseError, `Parse error: ${why}`) };
}

/** MCP 2025-03-26, basic/lifecycle: initialize must not be part of a batch. */
function inBatch(message: Single): Single {
  if (message.kind !== 'request' || message.method !== 'initialize') return message;
  const error = new RpcError(rpcCode.invalidRequest, 'Invalid request: initialize must not be part of a batch');
  return { kind: 'invalid', id: message.id, error };
}
