import { describe, expect, test } from 'vitest';
import { type AckPacket, reasonText } from '../../src/mqtt/reason-codes.ts';

describe('reasonText', () => {
  test.each([
    [0, 'connack', 4, 'connection accepted'],
    [0, 'connack', 5, 'success'],
    [1, 'connack', 4, 'unacceptable protocol version'],
    [1, 'connack', 5, 'unacceptable protocol version'],
    [2, 'connack', 4, 'client id rejected'],
    [3, 'connack', 4, 'broker unavailable'],
    [4, 'connack', 4, 'bad user name or password'],
    [5, 'connack', 4, 'not authorized'],
    [0x84, 'connack', 5, 'unsupported protocol version'],
    [0x86, 'connack', 5, 'bad user name or password'],
    [0x87, 'connack', 5, 'not authorized to connect'],
    [0, 'suback', 5, 'granted QoS 0'],
    [1, 'suback', 4, 'granted QoS 1'],
    [2, 'suback', 5, 'granted QoS 2'],
    [0x80, 'suback', 4, 'the broker refused the subscription'],
    [0x80, 'suback', 5, 'unspecified error'],
    [0x87, 'suback', 5, 'not authorized'],
    [0, 'puback', 4, 'success'],
    [0x10, 'puback', 5, 'accepted, but nobody is subscribed to the topic'],
    [0x87, 'puback', 5, 'not authorized to publish to this topic'],
    [0x91, 'pubrec', 5, 'packet identifier in use'],
    [0x92, 'pubcomp', 5, 'packet identifier not found'],
    [0x11, 'unsuback', 5, 'no subscription existed'],
    [0, 'disconnect', 5, 'normal disconnection'],
    [0x8d, 'disconnect', 5, 'keep alive timeout'],
    [0x18, 'auth', 5, 'continue authentication'],
    [0x7b, 'connack', 5, 'unknown reason code 0x7b'],
    [3, 'suback', 5, 'unknown reason code 0x03'],
    [0x10, 'puback', 4, 'accepted, but nobody is subscribed to the topic'],
  ] as const)('%i in %s of version %i: %s', (code, packet, version, words) => {
    expect(reasonText(code, packet, version)).toBe(words);
  });

  test('every code of MQTT 5.0 table 2-6 has words', () => {
    const packets: AckPacket[] = ['connack', 'puback', 'pubrec', 'suback', 'unsuback', 'disconnect'];
    for (let code = 0x80; code <= 0xa2; code++) {
      for (const packet of packets) expect(reasonText(code, packet, 5)).not.toContain('unknown');
    }
    for (const code of [0x00, 0x04, 0x10, 0x11, 0x18, 0x19]) {
      expect(reasonText(code, 'disconnect', 5)).not.toContain('unknown');
    }
  });
});
