// Owns what this side starts: its notifications, its requests and the answers they wait for.
// Must not know the calls in flight, nor the loop.
import { RpcError, rpcCode } from '../errors.ts';
import { encodeNotification, encodeRequest, type Id, type Params, type Response } from './message.ts';
import type { Writer } from './writer.ts';

type Pending = { resolve(value: unknown): void; reject(error: unknown): void };

export class OtherSide {
  readonly #writer: Writer;
  readonly #deaf: () => boolean;
  readonly #asked = new Map<Id, Pending>();
  #nextId = 1;

  /** `deaf`: whether nothing that the other side says can be heard any more. */
  constructor(writer: Writer, deaf: () => boolean) {
    this.#writer = writer;
    this.#deaf = deaf;
  }

  /** Dropped while the reader is too far behind. */
  notify(method: string, params?: Params): void {
    if (this.#writer.tooFarBehind) return;
    this.#writer.write(encodeNotification(method, params));
  }

  /** Rejects with the other side's error, with the signal's reason, or when the stream ends. */
  ask(method: string, params: Params, signal: AbortSignal): Promise<unknown> {
    if (this.#deaf()) return Promise.reject(streamEnded());
    const id = `s${this.#nextId}`;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      const stop = () => {
        if (!this.#asked.delete(id)) return;
        this.#writer.write(encodeNotification('notifications/cancelled', { requestId: id }));
        reject(signal.reason);
      };
      const settled = () => signal.removeEventListener('abort', stop);
      this.#asked.set(id, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      signal.addEventListener('abort', stop, { once: true });
      this.#writer.write(encodeRequest(id, method, params));
    });
  }

  /** Never answered, whatever is wrong with it: two peers that answer errors would go on for ever. */
  answered({ id, result, error }: Response): void {
    const pending = id === undefined ? undefined : this.#asked.get(id);
    if (!pending || id === undefined) return;
    this.#asked.delete(id);
    if (error) pending.reject(error);
    else pending.resolve(result);
  }

  /** No answer can come any more: what waits for one is rejected. */
  forget(): void {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const pending of asked) pending.reject(streamEnded());
  }
}

function streamEnded(): RpcError {
  return new RpcError(rpcCode.internalError, 'The stream has ended');
}
