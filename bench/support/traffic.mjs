// Owns the traffic: topics and payloads as sensors send them, as PUBLISH frames of one size, back to back, encoded
// beforehand. Must not know sockets.

export const TOPICS = 100;
export const PAYLOAD_BYTES = 200;
/** Everything a contest publishes lies under it. */
export const FILTER = 'bench/#';

/**
 * @typedef {object} Wire
 * @property {4 | 5} version
 * @property {number} [subscription] identifier to put on each message, 1 to 127 (MQTT 5)
 * @property {0 | 1 | 2} [qos]
 * @property {boolean} [retain]
 */

/** @typedef {{ bytes: Buffer, size: number, count: number }} Frames */

/** @param {number} index */
export function topicOf(index) {
  return `bench/line-${Math.floor((index % TOPICS) / 10)}/sensor-${String(index % TOPICS).padStart(2, '0')}`;
}

/**
 * A topic of its own for each index below a million, all of one length.
 * @param {number} index
 */
export function distinctTopicOf(index) {
  const number = String(index).padStart(6, '0');
  return `bench/site-${number.slice(0, 2)}/line-${number.slice(2, 4)}/sensor-${number}`;
}

/**
 * JSON of 200 bytes; one in a thousand reports a fault, as plants do.
 * @param {number} index
 */
export function payloadOf(index) {
  const status = index % 1000 === 500 ? 'fault' : 'ready';
  const value = (20 + 5 * Math.sin(index / 50)).toFixed(3);
  const head = `{"device":"sensor-${String(index % TOPICS).padStart(2, '0')}","sequence":${index},"value":${value},"unit":"celsius","status":"${status}","site":"`;
  return `${head}${'x'.repeat(PAYLOAD_BYTES - head.length - 2)}"}`;
}

/**
 * `count` frames from index `first` on. With QoS 1 and 2 the packet identifiers are 1 to `count`.
 * @param {number} count
 * @param {Wire} wire
 * @param {{ topic?: (index: number) => string, payload?: (index: number) => string, first?: number }} [content]
 * @returns {Frames}
 */
export function encode(count, wire, { topic = topicOf, payload = payloadOf, first = 0 } = {}) {
  const one = encodeOne(wire, topic(first), payload(first), 1);
  const bytes = Buffer.allocUnsafe(one.length * count);
  for (let i = 0; i < count; i += 1) {
    const frame = encodeOne(wire, topic(first + i), payload(first + i), i + 1);
    if (frame.length !== one.length) throw new Error('frames of different sizes');
    frame.copy(bytes, i * one.length);
  }
  return { bytes, size: one.length, count };
}

/**
 * PUBLISH (MQTT 5.0 section 3.3, MQTT 3.1.1 the same without properties).
 * @param {Wire} wire
 * @param {string} topic
 * @param {string} payload
 * @param {number} id
 */
export function encodeOne({ version, subscription, qos = 0, retain = false }, topic, payload, id) {
  const properties = version === 4 ? [] : subscription === undefined ? [0] : [2, 0x0b, subscription];
  const name = Buffer.from(topic);
  const head = Buffer.from([name.length >> 8, name.length & 0xff, ...name, ...(qos > 0 ? [id >> 8, id & 0xff] : [])]);
  const body = Buffer.concat([head, Buffer.from(properties), Buffer.from(payload)]);
  return packet(0x30 | (qos << 1) | (retain ? 1 : 0), body);
}

/**
 * @param {number} first the first byte
 * @param {Uint8Array} body
 */
export function packet(first, body) {
  const length = [];
  for (let left = body.length; left > 0 || length.length === 0; left >>>= 7) {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
  }
  return Buffer.concat([Buffer.from([first, ...length]), body]);
}

/**
 * Splits what came off a socket into packets. Returns what is left over.
 * @param {Buffer} bytes
 * @param {(first: number, body: Buffer) => void} take
 */
export function split(bytes, take) {
  let at = 0;
  while (at + 2 <= bytes.length) {
    let length = 0;
    let next = at + 1;
    let shift = 0;
    for (;;) {
      if (next >= bytes.length) return bytes.subarray(at);
      const byte = bytes[next++] ?? 0;
      length |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) break;
    }
    if (next + length > bytes.length) break;
    take(bytes[at] ?? 0, bytes.subarray(next, next + length));
    at = next + length;
  }
  return bytes.subarray(at);
}
