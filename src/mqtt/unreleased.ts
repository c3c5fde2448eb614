// Owns the messages at QoS 2 that came and that the broker has not released yet: until PUBREL nobody is told of them.
// Must not know streams, nor who listens. It has the shape of mqtt.js' store, as far as that is used.

/**
 * What one client holds of them; stops a broker that releases none from filling memory. A single one may be larger, as
 * packets have a limit of their own.
 */
const MAX_BYTES = 4 * 1024 * 1024;
/** What one costs beside its bytes, so that empty ones are bounded too. */
const OVERHEAD_BYTES = 512;

export class TooMuchUnreleased extends Error {}

type Key = { messageId?: number | undefined };
/** A PUBLISH as mqtt.js gives it. */
type Unreleased = Key & {
  /** Of the packet. */
  length?: number | undefined;
  payload?: string | Buffer;
  properties?: object | undefined;
};

export class UnreleasedStore<Packet extends Unreleased> {
  readonly #held = new Map<number, Packet>();
  readonly #full: (error: Error) => void;
  #bytes = 0;

  /** `full`: nothing more can be held. What came then is not acknowledged: the broker still has it. */
  constructor(full: (error: Error) => void) {
    this.#full = full;
  }

  put(packet: Packet, done: () => void): this {
    const { messageId = 0 } = packet;
    // Sent again, or another one of a broker that was killed and does not know of the first.
    const earlier = this.#held.get(messageId);
    const bytes = this.#bytes + costOf(packet) - (earlier ? costOf(earlier) : 0);
    if (this.#held.size > 0 && bytes > MAX_BYTES) {
      this.#full(new TooMuchUnreleased());
      return this;
    }
    this.#bytes = bytes;
    this.#held.set(messageId, ownCopy(packet));
    done();
    return this;
  }

  get({ messageId = 0 }: Key, found: (error?: Error, packet?: Packet) => void): this {
    const packet = this.#held.get(messageId);
    if (packet) found(undefined, packet);
    else found(new Error('not held'));
    return this;
  }

  del({ messageId = 0 }: Key, found: (error?: Error, packet?: Packet) => void): this {
    const packet = this.#held.get(messageId);
    if (!packet) {
      found(new Error('not held'));
      return this;
    }
    this.#held.delete(messageId);
    this.#bytes -= costOf(packet);
    found(undefined, packet);
    return this;
  }

  close(done: () => void): void {
    this.#held.clear();
    this.#bytes = 0;
    done();
  }
}

const costOf = ({ length = 0 }: Unreleased): number => length + OVERHEAD_BYTES;

/** What is a view would keep the whole chunk that it came in. */
function ownCopy<Packet extends Unreleased>(packet: Packet): Packet {
  const { payload, properties } = packet;
  const own: { payload?: Buffer; properties?: object } = {};
  if (Buffer.isBuffer(payload)) own.payload = copied(payload);
  if (properties && 'correlationData' in properties && Buffer.isBuffer(properties.correlationData))
    own.properties = { ...properties, correlationData: copied(properties.correlationData) };
  return { ...packet, ...own };
}

function copied(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
