// Owns the audit trail: a JSON line for what was decided about a write, on the disk before the write is sent, and one
// for what became of it. No payload and no credential is in it. Loaded only where the config asks for it.
import { createHash, randomUUID } from 'node:crypto';
import { fdatasync, fdatasyncSync, openSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { ConfigError, codeOf } from './config.ts';
import { ToolError } from './errors.ts';

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

/** Creates the file for its owner alone, or appends to it. Throws ConfigError. */
export function openAudit(file: string): Audit {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'a', 0o600);
  } catch (error) {
    throw new ConfigError(`config: audit_file: cannot open ${file}: ${codeOf(error)}`);
  }
  const trail = new Trail(descriptor);
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

/** The end of the file. Lines that come while the disk is busy go out together. */
class Trail {
  readonly #descriptor: number;
  #waiting: Line[] = [];
  #busy = false;
  /** Half a line may be there: what comes next begins on its own. */
  #broken = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  append(text: string): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) return Promise.reject(unwritten('it is not written fast enough'));
    const written = new Promise<void>((resolve, reject) => this.#waiting.push({ text, resolve, reject }));
    if (!this.#busy) void this.#drain();
    return written;
  }

  appendNow(text: string): void {
    try {
      const bytes = this.#bytesOf(text);
      this.#broken = writeSync(this.#descriptor, bytes) < bytes.length;
      fdatasyncSync(this.#descriptor);
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
        await this.#write(this.#bytesOf(lines.map(({ text }) => text).join('')));
        for (const { resolve } of lines) resolve();
      } catch (error) {
        for (const { reject } of lines) reject(unwritten(codeOf(error)));
      }
    }
    this.#busy = false;
  }

  async #write(bytes: Buffer): Promise<void> {
    const { bytesWritten } = await promisify(write)(this.#descriptor, bytes);
    if (bytesWritten < bytes.length) {
      this.#broken = true;
      throw Object.assign(new Error('the disk took a part'), { code: 'ENOSPC' });
    }
    await promisify(fdatasync)(this.#descriptor);
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
  return `${JSON.stringify({ time: new Date().toISOString(), ...fields })}\n`;
}

function unwritten(why: string): ToolError {
  const message = `Not sent: every write is put on record here, and the record could not be written (${why}).`;
  const hint = 'Whoever runs this server must look at its audit_file and the disk it is on.';
  return new ToolError('policy_denied', message, hint, { retryable: true });
}
