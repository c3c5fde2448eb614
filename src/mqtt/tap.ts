// Owns the stream between a socket and mqtt.js: empties the socket first and understands after, takes QoS 0 PUBLISH
// frames out on the way and hands everything else on. Must not know sessions, nor mqtt.js beyond "it reads a stream".
import { Duplex } from 'node:stream';
import { MAX_PACKET_BYTES } from './scan-header.ts';
import type { PublishView } from './scan-publish.ts';
import { Scanner } from './scanner.ts';
import { Backlog } from './tap-backlog.ts';
import { Outlet } from './tap-outlet.ts';

/** Of a larger payload only this many first bytes are kept. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
/** How long the rest of the program waits while bytes are understood, ms, and how many frames between looks at the clock. */
const SLICE_MS = 5;
const FRAMES = 64;

export type TapOptions = {
  version: 4 | 5;
  /** Gets each QoS 0 message, in wire order with what mqtt.js emits. The view is good until it returns. */
  take(publish: PublishView): void;
  /** Default 1 MiB; of a larger payload in several chunks only that much is kept, `size` still tells the whole. */
  maxPayloadBytes?: number;
  /** Bytes read and not understood yet, at most; then the socket waits. Default 16 MiB, which all taps share. */
  maxBacklogBytes?: number;
};

export type TapState = {
  /** Bytes that are read and not understood yet. */
  backlog: number;
  /** How often the backlog was full, so that the socket had to wait and the broker may have dropped messages. */
  fellBehind: number;
  /** The broker's framing is broken: everything goes to mqtt.js. */
  aside: boolean;
};

/**
 * Wraps `socket`, which must not be read or written by anybody else from here on; it may still be connecting. Destroying
 * the tap destroys the socket; the socket's end and error are the tap's, once everything that came before is delivered.
 */
export function tap(socket: Duplex, options: TapOptions): Tap {
  return new Tap(socket, options);
}

export class Tap extends Duplex {
  readonly #socket: Duplex;
  readonly #scanner: Scanner;
  readonly #outlet: Outlet;
  readonly #backlog: Backlog;
  /** How much of the first chunk is understood, and whether mqtt.js may have a view of it. */
  #offset = 0;
  #shared = false;
  /** mqtt.js has taken all that was passed on, so what follows may be taken without overtaking. */
  #wanted = false;
  /** Something was passed on and may still be being dealt with. */
  #passed = false;
  /** The slice is not over: it goes on as soon as what was passed on is dealt with. */
  #goesOn = false;
  #until = 0;
  #due = false;
  #fellBehind = 0;
  #paused = false;
  /** Nothing more comes out of the socket. */
  #over = false;
  #error: Error | undefined;

  constructor(socket: Duplex, options: TapOptions) {
    // With a mark of 1, `_read` is called when everything has been read, and not before.
    super({ readableHighWaterMark: 1, allowHalfOpen: false });
    const { version, take, maxPayloadBytes = MAX_PAYLOAD_BYTES } = options;
    this.#socket = socket;
    this.#backlog = new Backlog(options.maxBacklogBytes);
    this.#scanner = new Scanner({
      version,
      take,
      maxPayloadBytes,
      maxPassedBytes: MAX_PACKET_BYTES,
      pass: (bytes, answers) => this.#pass(bytes, answers),
    });
    this.#outlet = new Outlet(socket, (error) => this.#lose(error));
    this.on('drain', () => this.#wake());
    socket.on('data', (chunk: Buffer) => this.#keep(chunk));
    socket.on('end', () => this.#end());
    socket.on('close', () => this.#lose());
    socket.on('error', (error) => this.#lose(error));
  }

  get state(): TapState {
    return { backlog: this.#backlog.bytes, fellBehind: this.#fellBehind, aside: this.#scanner.aside };
  }

  /** Resolves once what is read by now is understood, or never will be. */
  settled(): Promise<void> {
    return this.#backlog.workedOff();
  }

  override _read(): void {
    this.#wanted = true;
    // mqtt.js works in ticks, and a microtask runs when all of them are done. Who waits for an answer may take longer.
    if (this.#goesOn) queueMicrotask(() => this.#turn());
    else this.#wake();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#outlet.write(chunk, done);
  }

  /** mqtt-packet writes a packet in several pieces: without this each would leave in a segment of its own. */
  override _writev(pieces: { chunk: Buffer; encoding: BufferEncoding }[], done: () => void): void {
    this.#outlet.write(Buffer.concat(pieces.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#outlet.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#scanner.stop();
    this.#backlog.clear();
    this.#socket.destroy();
    this.#outlet.release();
    done(error);
  }

  #keep(chunk: Buffer): void {
    if (this.destroyed || chunk.length === 0) return;
    this.#backlog.add(chunk, Date.now());
    if (this.#backlog.full && !this.#paused) {
      this.#paused = true;
      this.#fellBehind += 1;
      this.#socket.pause();
    }
    this.#wake();
  }

  #end(): void {
    this.#over = true;
    this.#wake();
  }

  #lose(error?: Error): void {
    this.#error ??= error;
    this.#outlet.release();
    this.#end();
  }

  #wake(): void {
    if (this.#due || this.destroyed || (this.#backlog.bytes === 0 && !this.#over)) return;
    this.#due = true;
    setImmediate(() => {
      this.#due = false;
      this.#until = performance.now() + SLICE_MS;
      this.#turn();
    });
  }

  #turn(): void {
    this.#passed = false;
    this.#goesOn = false;
    try {
      this.#understand();
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
    if (!this.#over || this.destroyed || this.#backlog.bytes > 0) return;
    if (this.#passed) this.#wake();
    else if (this.readableLength === 0) this.#close();
  }

  #understand(): void {
    while (this.#wanted && !this.writableNeedDrain && !this.destroyed) {
      const { first } = this.#backlog;
      if (!first) return;
      this.#offset = this.#scanner.scan(first.bytes, this.#offset, FRAMES, first.at);
      if (this.#offset === first.bytes.length) {
        this.#offset = 0;
        this.#backlog.dropFirst(!this.#shared);
        this.#shared = false;
        this.#resume();
      }
      if (performance.now() > this.#until) {
        this.#goesOn = false;
        this.#wake();
        return;
      }
    }
  }

  #resume(): void {
    if (!this.#paused || !this.#backlog.hasRoom) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** mqtt.js has had everything that came. */
  #close(): void {
    if (this.#error) this.destroy(this.#error);
    else if (!this.readableEnded) this.push(null);
  }

  #pass(bytes: Buffer, answers: boolean): void {
    this.#wanted = false;
    this.#passed = true;
    this.#shared = true;
    this.#goesOn = !answers;
    this.push(bytes);
  }
}
