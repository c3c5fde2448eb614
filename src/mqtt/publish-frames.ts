// Owns the bytes of PUBLISH and PUBREL as we send them, MQTT 3.1.1 and 5, gathered until they are taken.
// Must not know streams, nor who waits for what.
import type { PublishProperties, Qos } from './types.ts';

/** A message to be sent. Text is expected to be valid, see checkTopicName and checkPropertyText. */
export type Outgoing = {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
  properties?: PublishProperties | undefined;
};

/** Frames are gathered in chunks of this many bytes; a payload that fills a quarter of one is not copied. */
const CHUNK_BYTES = 64 * 1024;
const MAX_COPIED_BYTES = CHUNK_BYTES / 4;

const PUBLISH = 0x30;
/** Its reserved flags are 0010 [MQTT-3.6.1-1]. */
const PUBREL = 0x62;
const NO_PROPERTIES = Buffer.from([0]);
const NOTHING = Buffer.alloc(0);

export class PublishFrames {
  readonly #v5: boolean;
  #full: Buffer[] = [];
  #chunk = NOTHING;
  #from = 0;
  #to = 0;

  constructor(version: 4 | 5) {
    this.#v5 = version === 5;
  }

  get empty(): boolean {
    return this.#from === this.#to && this.#full.length === 0;
  }

  /** `id` is written at QoS 1 and 2. The payload must not be changed until the bytes are gone. */
  publish({ topic, payload, qos, retain, properties }: Outgoing, id: number): void {
    const extra = this.#v5 ? propertiesOf(properties) : NOTHING;
    const topicBytes = Buffer.byteLength(topic);
    const head = 2 + topicBytes + (qos > 0 ? 2 : 0) + extra.length;
    const copied = payload.length < MAX_COPIED_BYTES;
    this.#makeRoom(5 + head + (copied ? payload.length : 0));
    const bytes = this.#chunk;
    bytes[this.#to] = PUBLISH | (qos << 1) | (retain ? 1 : 0);
    let at = writeLength(bytes, this.#to + 1, head + payload.length);
    at = bytes.writeUInt16BE(topicBytes, at);
    at += bytes.write(topic, at);
    if (qos > 0) at = bytes.writeUInt16BE(id, at);
    for (const byte of extra) bytes[at++] = byte;
    if (copied) at += payload.copy(bytes, at);
    this.#to = at;
    if (copied) return;
    this.#seal();
    this.#full.push(payload);
  }

  pubrel(id: number): void {
    this.#makeRoom(4);
    const bytes = this.#chunk;
    bytes[this.#to] = PUBREL;
    bytes[this.#to + 1] = 2;
    this.#to = bytes.writeUInt16BE(id, this.#to + 2);
  }

  /** What was gathered since the last time, in order. */
  take(): Buffer[] {
    this.#seal();
    const all = this.#full;
    this.#full = [];
    return all;
  }

  #makeRoom(size: number): void {
    if (this.#chunk.length - this.#to >= size) return;
    this.#seal();
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, size));
    this.#from = this.#to = 0;
  }

  #seal(): void {
    if (this.#from < this.#to) this.#full.push(this.#chunk.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}

/** Length and fields, MQTT 5.0 section 3.3.2.3. */
function propertiesOf(properties: PublishProperties | undefined): Buffer {
  if (properties === undefined) return NO_PROPERTIES;
  const { content_type, response_topic, correlation_data, message_expiry_seconds, user_properties = {} } = properties;
  const fields: Buffer[] = [];
  if (message_expiry_seconds !== undefined) {
    const field = Buffer.from([0x02, 0, 0, 0, 0]);
    field.writeUInt32BE(message_expiry_seconds, 1);
    fields.push(field);
  }
  if (content_type !== undefined) fields.push(Buffer.from([0x03]), text(content_type));
  if (response_topic !== undefined) fields.push(Buffer.from([0x08]), text(response_topic));
  if (correlation_data !== undefined) fields.push(Buffer.from([0x09]), text(correlation_data));
  for (const [key, value] of Object.entries(user_properties)) fields.push(Buffer.from([0x26]), text(key), text(value));
  const size = fields.reduce((sum, { length }) => sum + length, 0);
  const length = Buffer.alloc(4);
  return Buffer.concat([length.subarray(0, writeLength(length, 0, size)), ...fields]);
}

/** UTF-8 with its length before it. */
function text(value: string): Buffer {
  const bytes = Buffer.from(`\0\0${value}`);
  bytes.writeUInt16BE(bytes.length - 2, 0);
  return bytes;
}

/** A variable byte integer (MQTT 5.0 section 1.5.5); returns where it ends. */
function writeLength(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = value;
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}
