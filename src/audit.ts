// Owns the audit trail: a JSON line for what was decided about a write, on the disk before the write is sent, and one
// for what became of it. No payload and no credential is in it. Loaded only where the config asks for it.
import { createHash, randomUUID } from 'node:crypto';
import { closeSync, fdatasync, fdatasyncSync, type Stats, stat, statSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { appendable, type End, leadsTo, openEnd } from './append.ts';
import { ConfigError, codeOf, modeFor } from './config.ts';
import { ToolError } from './errors.ts';
import { repeated } from './repeated.ts';
import { toJson } from './rpc/message.ts';

/** Lines that wait for the disk; stops one that hangs from filling memory. */
const MAX_WAITING = 4_096;

/** What is to be written, and where; `session` is its id. */
export type Written = {
  session: string;
  name: string;
  broker: string;
  topic: string;
  payload: Buffer;
  qos: number;
  retain: boolean;
  /** Left with the broker, to be published where the session ends without a goodbye. */
  will?: true;
};

export type Outcome = 'acknowledged' | 'sent' | 'failed' | 'refused';

export type Audit = {
  /** Resolves once its line is on the disk, with what tells the outcome. Rejects with policy_denied: it must not be sent. */
  allow(written: Written, decision: 'allowed' | 'confirmed'): Promise<Tell>;
  /** On the disk when it returns. Throws policy_denied. */
  deny(written: Written): void;
};

/** Resolves once the line is on the disk; `error` is a code of ours. */
export type Tell = (outcome: Outcome, error?: string) => Promise<void>;

type Line = { text: string; resolve: () => void; reject: (error: Error) => void };

/** Permissions by which others could change what is on record. */
const OTHERS_WRITE = 0o022;

/**
 * Touches nothing: the file is opened, and created for its owner alone, by the first write. Throws ConfigError where it
 * can be told now that this will fail.
 */
export function openAudit(file: string, exposed: (key: string, mode: string) => void = () => {}): Audit {
  const { trouble, mode } = appendable(file);
  if (trouble !== undefined) throw new ConfigError(`config: audit_file: cannot open ${repeated(file)}: ${trouble}`);
  const shown = modeFor(OTHERS_WRITE, mode);
  if (shown !== undefined) exposed('audit_file', shown);
  const trail = new Trail(file);
  return {
    allow: async (written, decision) => {
      const fields = { write: randomUUID(), ...fieldsOf(written), decision };
      await trail.append(lineOf(fields));
      return (outcome, error) => trail.append(lineOf({ ...fields, outcome, ...(error && { error }) }));
    },
    deny: (written) => {
      trail.appendNow(lineOf({ write: randomUUID(), ...fieldsOf(written), decision: 'denied', outcome: 'refused' }));
    },
  };
}

/** The end of the file, wherever its path leads by then. Lines that come while the disk is busy go out together. */
class Trail {
  readonly #file: string;
  #end: End | undefined;
  /** Ends of files that were moved away: closed once nothing is being written there. */
  #left: number[] = [];
  #waiting: Line[] = [];
  #busy = false;
  /** Half a line may be there: what comes next begins on its own. */
  #broken = false;

  constructor(file: string) {
    this.#file = file;
  }

  append(text: string): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(unwritten('it is not written fast enough'));
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ text, resolve, reject }));
    if (!this.#busy) void this.#drain();
    return written;
  }

  appendNow(text: string): void {
    try {
      const descriptor = this.#endAt(statSync(this.#file, { throwIfNoEntry: false }));
      const bytes = this.#bytesOf(text);
      this.#broken = writeSync(descriptor, bytes) < bytes.length;
      fdatasyncSync(descriptor);
    } catch (error) {
      throw unwritten(codeOf(error));
    }
    if (this.#broken) throw unwritten('ENOSPC');
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(lines.map(({ text }) => text).join(''));
        for (const { resolve } of lines) resolve();
      } catch (error) {
        for (const { reject } of lines) reject(unwritten(codeOf(error)));
      }
      for (const descriptor of this.#left.splice(0)) closeSync(descriptor);
    }
    this.#busy = false;
  }

  async #write(text: string): Promise<void> {
    // Costs little beside the sync that follows.
    const descriptor = this.#endAt(await promisify(stat)(this.#file).catch(() => undefined));
    const bytes = this.#bytesOf(text);
    const { bytesWritten } = await promisify(write)(descriptor, bytes);
    if (bytesWritten < bytes.length) {
      this.#broken = true;
      throw Object.assign(new Error('the disk took a part'), { code: 'ENOSPC' });
    }
    await promisify(fdatasync)(descriptor);
  }

  /** Where the path leads now: the file it led to before, or another one, or one that is created. */
  #endAt(stats: Stats | undefined): number {
    if (this.#end !== undefined && leadsTo(this.#end, stats)) return this.#end.descriptor;
    const end = openEnd(this.#file);
    if (this.#end !== undefined) this.#left.push(this.#end.descriptor);
    if (this.#end !== undefined && !this.#busy) for (const descriptor of this.#left.splice(0)) closeSync(descriptor);
    this.#end = end;
    this.#broken = false;
    return end.descriptor;
  }

  #bytesOf(text: string): Buffer {
    const bytes = Buffer.from(this.#broken ? `\n${text}` : text);
    this.#broken = false;
    return bytes;
  }
}

function fieldsOf({ payload, ...rest }: Written) {
  return { ...rest, size_bytes: payload.length, sha256: createHash('sha256').update(payload).digest('hex') };
}

function lineOf(fields: object): string {
  return `${toJson({ time: new Date().toISOString(), ...fields })}\n`;
}

function unwritten(why: string): ToolError {
  const message = `Not sent: every write is put on record here, and the record could not be written (${why}).`;
  const hint = 'Whoever runs this server must look at its audit_file and the disk it is on.';
  return new ToolError('policy_denied', message, hint, { retryable: true });
}
