// Owns what the first byte of a frame says. Must not know the rest of it.

/** The first byte of a PUBLISH with QoS 0, plain or retained; its DUP is not set [MQTT-3.3.1-2]. */
const PUBLISH = 0x30;
export const PUBLISH_RETAINED = 0x31;
/** Bits 3-0 of the first byte by packet type, undefined where no such packet exists: MQTT 5.0 table 2-2 [MQTT-2.2.2-1]. */
const FLAGS = [undefined, 0, 0, undefined, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0];

/**
 * Of a packet that is kept until it is whole: all but PUBLISH at QoS 0. MQTT 5 brokers are told so in CONNECT. Stops one
 * that announces 256 MB and sends them from filling memory.
 */
export const MAX_PACKET_BYTES = 16 * 1024 * 1024;

export class PacketTooLarge extends Error {}

export function isPlainPublish(first: number): boolean {
  return first === PUBLISH || first === PUBLISH_RETAINED;
}

/** Whether a frame may begin with this byte. */
export function isPossible(first: number): boolean {
  const type = first >> 4;
  return type === 3 ? (first & 0x06) !== 0x06 : FLAGS[type] === (first & 0x0f);
}

/** Neither a PUBLISH nor PUBACK, PUBREC, PUBREL, PUBCOMP. */
export function isAnswer(first: number): boolean {
  const type = first >> 4;
  return type < 3 || type > 7;
}
