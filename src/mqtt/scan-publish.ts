// Owns where things lie inside one QoS 0 PUBLISH frame: topic, properties, payload. Makes no object and no string.
// Must not know streams, nor what comes before or after the frame.

/** Larger heads (topic and properties, bytes) are left to mqtt.js: a length field alone must not reserve memory. */
export const MAX_HEAD_BYTES = 128 * 1024;

/** MQTT 5.0 table 2-4, as far as a PUBLISH may have them. */
const PAYLOAD_FORMAT = 0x01;
const MESSAGE_EXPIRY = 0x02;
const CONTENT_TYPE = 0x03;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x09;
const SUBSCRIPTION_IDENTIFIER = 0x0b;
const USER_PROPERTY = 0x26;

/**
 * One QoS 0 PUBLISH, as offsets into `bytes`. The scanner has a single one and fills it again for every message:
 * it and `bytes` are good until the callback returns, so copy what is kept.
 */
export type PublishView = {
  bytes: Buffer;
  /** UTF-8, at least one byte, not checked. */
  topicStart: number;
  topicEnd: number;
  /** Without their length; start equals end where there are none, and in MQTT 3.1.1. `readProperties` decodes them. */
  propertiesStart: number;
  propertiesEnd: number;
  /** What is there of the payload: all of it, or the first bytes of one that is too large to keep. */
  payloadStart: number;
  payloadEnd: number;
  /** Length of the payload as sent, bytes. */
  size: number;
  retain: boolean;
  /** Subscription identifiers: none, the usual one, or several. */
  ids: number | readonly number[] | undefined;
  /** When its last byte came out of the socket, ms since the epoch. */
  at: number;
};

export function createView(): PublishView {
  return {
    bytes: Buffer.alloc(0),
    topicStart: 0,
    topicEnd: 0,
    propertiesStart: 0,
    propertiesEnd: 0,
    payloadStart: 0,
    payloadEnd: 0,
    size: 0,
    retain: false,
    ids: undefined,
    at: 0,
  };
}

/**
 * Fills topic, properties and ids of `view` and where the payload starts. `body` is the offset behind the fixed header,
 * `end` that of the next frame; everything up to `headEnd` must be in `bytes`. False: not certain, so it is for mqtt.js.
 * That holds for every frame with a topic alias too, which keeps the table of aliases in one place.
 */
export function locate(view: PublishView, bytes: Buffer, body: number, end: number, v5: boolean): boolean {
  const topicStart = body + 2;
  const topicEnd = topicStart + uint16(bytes, body);
  if (topicEnd === topicStart || topicEnd > end) return false;
  view.topicStart = topicStart;
  view.topicEnd = topicEnd;
  view.ids = undefined;
  let at = topicEnd;
  if (v5) {
    let length = 0;
    let shift = 0;
    for (let byte = 0x80; byte > 0x7f; shift += 7) {
      if (shift > 21) return false;
      byte = bytes[at] ?? 0;
      at += 1;
      length |= (byte & 0x7f) << shift;
    }
    if (at + length > end || length > MAX_HEAD_BYTES) return false;
    if (length > 0 && !walk(view, bytes, at, at + length)) return false;
    view.propertiesStart = at;
    at += length;
  } else {
    view.propertiesStart = at;
  }
  view.propertiesEnd = at;
  view.payloadStart = at;
  return true;
}

/**
 * For a frame of which `bytes` has everything up to `have` so far: the offset where its head ends, if that is not
 * behind `have`, else one up to which more is needed to know.
 */
export function headEnd(bytes: Buffer, body: number, have: number, end: number, v5: boolean): number {
  if (have < body + 2) return Math.min(body + 2, end);
  let at = body + 2 + uint16(bytes, body);
  if (!v5) return Math.min(at, end);
  let length = 0;
  let shift = 0;
  for (let byte = 0x80; byte > 0x7f && shift < 28; shift += 7) {
    if (at >= have) return Math.min(at + 1, end);
    byte = bytes[at] ?? 0;
    at += 1;
    length |= (byte & 0x7f) << shift;
  }
  return Math.min(at + length, end);
}

/** Collects the subscription identifiers; false for what a PUBLISH cannot have, or not twice, and for an alias. */
function walk(view: PublishView, bytes: Buffer, start: number, end: number): boolean {
  let many: number[] | undefined;
  let seen = 0;
  let at = start;
  while (at < end) {
    const property = bytes[at] ?? 0;
    at += 1;
    if (property === SUBSCRIPTION_IDENTIFIER) {
      let id = 0;
      let shift = 0;
      for (let byte = 0x80; byte > 0x7f; shift += 7) {
        if (shift > 21) return false;
        byte = bytes[at] ?? 0;
        at += 1;
        id |= (byte & 0x7f) << shift;
      }
      if (id === 0) return false; // MQTT 5.0 section 3.3.2.3.8
      if (many) many.push(id);
      else if (typeof view.ids === 'number') view.ids = many = [view.ids, id];
      else view.ids = id;
      continue;
    }
    if (property === PAYLOAD_FORMAT) at += 1;
    else if (property === MESSAGE_EXPIRY) at += 4;
    else if (property === CONTENT_TYPE || property === RESPONSE_TOPIC || property === CORRELATION_DATA)
      at += 2 + uint16(bytes, at);
    else if (property === USER_PROPERTY) {
      at += 2 + uint16(bytes, at);
      at += 2 + uint16(bytes, at);
      continue;
    } else return false;
    if (seen & (1 << property)) return false;
    seen |= 1 << property;
  }
  return at === end;
}

export type PublishProperties = {
  payloadFormatIndicator?: boolean;
  messageExpiryInterval?: number;
  contentType?: string;
  responseTopic?: string;
  correlationData?: Buffer;
  userProperties?: Record<string, string | string[]>;
};

/** Decodes properties that `locate` has accepted, into the shape mqtt-packet gives. Nothing in it is a view. */
export function readProperties(bytes: Buffer, start: number, end: number): PublishProperties {
  const read: PublishProperties = {};
  let at = start;
  const field = () => {
    const from = at + 2;
    at = from + uint16(bytes, at);
    return bytes.subarray(from, at);
  };
  while (at < end) {
    const property = bytes[at];
    at += 1;
    if (property === PAYLOAD_FORMAT) {
      read.payloadFormatIndicator = bytes[at] !== 0;
      at += 1;
    } else if (property === MESSAGE_EXPIRY) {
      read.messageExpiryInterval = bytes.readUInt32BE(at);
      at += 4;
    } else if (property === CONTENT_TYPE) read.contentType = field().toString();
    else if (property === RESPONSE_TOPIC) read.responseTopic = field().toString();
    else if (property === CORRELATION_DATA) read.correlationData = Buffer.from(field());
    else if (property === USER_PROPERTY) {
      // Without a prototype: a broker may well name one '__proto__'.
      read.userProperties ??= Object.create(null);
      add(read.userProperties ?? {}, field().toString(), field().toString());
    } else while ((bytes[at++] ?? 0) > 0x7f);
  }
  return read;
}

function add(to: Record<string, string | string[]>, name: string, value: string): void {
  const before = to[name];
  if (before === undefined) to[name] = value;
  else if (typeof before === 'string') to[name] = [before, value];
  else before.push(value);
}

function uint16(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
