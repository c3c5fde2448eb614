// Owns the words of this folder: a raw message, a decoded payload, the message of the wire.
// RawMessage is structural: mqtt's Message satisfies it, and nothing here knows MQTT.

export type PayloadType = 'json' | 'number' | 'boolean' | 'text' | 'empty' | 'binary';

export type Severity = 'error' | 'warning';

/** Why a message was kept when others were left out. */
export type KeptBecause = 'error' | 'first' | 'last' | 'shape' | 'change' | 'sample';

/** What a store asks before it keeps something, and tells when it lets go. */
export type Room = {
  /** Whether so many bytes more may be held. */
  fits(bytes: number): boolean;
  /** Holds them; an answer may need what does not fit. A negative number gives back. */
  take(bytes: number): void;
};

/** One received message, payload still as bytes. */
export type RawMessage = {
  topic: string;
  /** The kept bytes: all of them, or the first ones where the payload is larger. */
  payload: Buffer;
  /** Length of the payload as received, bytes. */
  size: number;
  qos: 0 | 1 | 2;
  retain: boolean;
  dup: boolean;
  /** Milliseconds since the epoch. */
  at: number;
  properties?: Readonly<Record<string, unknown>>;
  /** Where it was judged by the whole payload and is trouble. */
  severity?: Severity | undefined;
};

/** A payload as an assistant reads it. */
export type Decoded = {
  payload: unknown;
  payload_type: PayloadType;
  payload_encoding?: 'base64';
  payload_truncated?: true;
  /**
   * Where the bytes were no plain text: `cbor`, `msgpack`, `sparkplug_b`, `gzip+json`, `zlib+cbor`, a media type
   * (`image/png`), or a word for what has none (`esp_image`). payload_type tells what the payload is now.
   */
  payload_format?: string;
  /** What else is known of it, in our own words: `640x480`, `not unpacked: larger than 64 KiB`. */
  payload_detail?: string;
};

/** The bytes as received, beside what was read out of them. */
export type RawBytes = { base64: string; hex_head: string; truncated?: true };

/** "A message" of product.md. Topic, payload and properties come from the broker: untrusted. */
export type WireMessage = Decoded & {
  topic: string;
  size_bytes: number;
  qos: 0 | 1 | 2;
  retain: boolean;
  dup: boolean;
  /** ISO 8601, UTC, milliseconds. */
  timestamp: string;
  offset_ms: number;
  properties?: Readonly<Record<string, unknown>>;
  kept_because?: KeptBecause;
  raw?: RawBytes;
};

/** A JSON object. Read it with Object.entries or an own key: a key may be `__proto__`. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Array.isArray without the `any`. */
export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
