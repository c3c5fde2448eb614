// Owns the words for MQTT reason and return codes.
// Must not know what a code means for a tool.

export type AckPacket =
  | 'connack'
  | 'puback'
  | 'pubrec'
  | 'pubrel'
  | 'pubcomp'
  | 'suback'
  | 'unsuback'
  | 'disconnect'
  | 'auth';

/**
 * A reason code in plain words, lower case, without a full stop; an unknown one is 'unknown reason code 0x7b'.
 * A code of the other protocol version gets that version's words: a 3.1.1 broker answers a CONNECT of version 5
 * with return code 1. Source: MQTT 5.0 table 2-6; MQTT 3.1.1 tables 3.1 and 3.9.
 */
export function reasonText(code: number, packet: AckPacket, protocolVersion: 4 | 5): string {
  const [own, other] = protocolVersion === 5 ? [version5, version4] : [version4, version5];
  return own(code, packet) ?? other(code, packet) ?? `unknown reason code 0x${hex(code)}`;
}

function version5(code: number, packet: AckPacket): string | undefined {
  return special5[packet]?.get(code) ?? reasons5.get(code);
}

function version4(code: number, packet: AckPacket): string | undefined {
  if (packet === 'connack') return returns4.get(code);
  if (packet === 'suback') return suback4.get(code);
  return code === 0 ? 'success' : undefined; // the other acknowledgements of 3.1.1 carry no code
}

function hex(code: number): string {
  return Math.trunc(code).toString(16).padStart(2, '0');
}

const granted = new Map([
  [0x00, 'granted QoS 0'],
  [0x01, 'granted QoS 1'],
  [0x02, 'granted QoS 2'],
]);

/** MQTT 3.1.1, table 3.9 */
const suback4 = new Map([...granted, [0x80, 'the broker refused the subscription']]);

/** MQTT 3.1.1, table 3.1 */
const returns4 = new Map([
  [0, 'connection accepted'],
  [1, 'unacceptable protocol version'],
  [2, 'client id rejected'],
  [3, 'broker unavailable'],
  [4, 'bad user name or password'],
  [5, 'not authorized'],
]);

/** Where a code says something else, or more, in one packet. */
const special5: { [packet in AckPacket]?: Map<number, string> } = {
  suback: granted,
  connack: new Map([
    [0x87, 'not authorized to connect'],
    [0x97, 'quota exceeded: a limit of the broker or the account was reached'],
  ]),
  disconnect: new Map([[0x00, 'normal disconnection']]),
  puback: new Map([[0x87, 'not authorized to publish to this topic']]),
  pubrec: new Map([[0x87, 'not authorized to publish to this topic']]),
};

/** MQTT 5.0, table 2-6 */
const reasons5 = new Map([
  [0x00, 'success'],
  [0x04, 'disconnect with will message'],
  [0x10, 'accepted, but nobody is subscribed to the topic'],
  [0x11, 'no subscription existed'],
  [0x18, 'continue authentication'],
  [0x19, 're-authenticate'],
  [0x80, 'unspecified error'],
  [0x81, 'malformed packet'],
  [0x82, 'protocol error'],
  [0x83, 'implementation specific error'],
  [0x84, 'unsupported protocol version'],
  [0x85, 'client id not valid'],
  [0x86, 'bad user name or password'],
  [0x87, 'not authorized'],
  [0x88, 'broker unavailable'],
  [0x89, 'broker busy'],
  [0x8a, 'banned by the administrator'],
  [0x8b, 'broker shutting down'],
  [0x8c, 'bad authentication method'],
  [0x8d, 'keep alive timeout'],
  [0x8e, 'session taken over: another client connected with the same client id'],
  [0x8f, 'topic filter invalid or not accepted'],
  [0x90, 'topic name invalid or not accepted'],
  [0x91, 'packet identifier in use'],
  [0x92, 'packet identifier not found'],
  [0x93, 'receive maximum exceeded'],
  [0x94, 'topic alias invalid'],
  [0x95, 'packet too large'],
  [0x96, 'message rate too high'],
  [0x97, 'quota exceeded'],
  [0x98, 'administrative action'],
  [0x99, 'payload format invalid'],
  [0x9a, 'retain not supported'],
  [0x9b, 'QoS not supported'],
  [0x9c, 'use another server'],
  [0x9d, 'server moved'],
  [0x9e, 'shared subscriptions not supported'],
  [0x9f, 'connection rate exceeded'],
  [0xa0, 'maximum connect time'],
  [0xa1, 'subscription identifiers not supported'],
  [0xa2, 'wildcard subscriptions not supported'],
]);
