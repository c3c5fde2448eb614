// Owns the publishing of one session: what the broker accepts, how many acknowledgements are awaited at once, deadlines.
// Must not know subscriptions.
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import type { Quota } from '../quota.ts';
import { audited, recordOf } from './audited.ts';
import type { Link } from './client.ts';
import type { Ack } from './delivery.ts';
import { notReading, publishFailure } from './failures.ts';
import { Race } from './race.ts';
import { reasonText } from './reason-codes.ts';
import { troubleIn } from './text.ts';
import { checkTopicName } from './topic.ts';
import type { PublishAck, PublishProperties, PublishRequest, SessionFacts } from './types.ts';
import { Window } from './window.ts';

/** How long PUBACK and PUBCOMP may take, a turn to be sent, and at QoS 0 the writing, ms. */
const PATIENCE_MS = 20_000;
/** Acknowledged publishes under way at once; more gain nothing. */
const PUBLISH_WINDOW = 20;
/** Bytes at QoS 0 that are handed on and not yet written; stops a broker that does not read from filling memory. */
const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;
/** Bytes of messages that wait for their turn; stops callers of such a broker from doing the same. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** Bytes of a PUBLISH beside topic, payload and user properties, generously. */
const PACKET_OVERHEAD_BYTES = 64;

export class Outbox {
  readonly #facts: SessionFacts;
  readonly #link: Link;
  readonly #policy: Policy;
  readonly #quota: Quota;
  /** Throws not_connected while it is. */
  readonly #assertConnected: () => void;
  readonly #race = new Race();
  /** Messages at QoS 1 and 2. */
  readonly #unacknowledged: Window;
  /** Bytes at QoS 0. */
  readonly #unwritten = new Window(MAX_UNWRITTEN_BYTES);
  #waitingBytes = 0;
  /** Publishes under way. */
  busy = 0;

  constructor(facts: SessionFacts, link: Link, policy: Policy, assertConnected: () => void) {
    this.#facts = facts;
    this.#link = link;
    this.#policy = policy;
    this.#quota = policy.quota();
    this.#assertConnected = assertConnected;
    // It must not be 0 (MQTT 5.0 section 3.2.2.3.3): then nothing could ever be sent.
    const most = facts.limits.receive_maximum || PUBLISH_WINDOW;
    this.#unacknowledged = new Window(Math.min(most, PUBLISH_WINDOW));
  }

  check(request: PublishRequest): void {
    const { topic, properties } = request;
    checkTopicName(topic);
    if (properties !== undefined) checkProperties(properties, this.#facts);
    this.#checkPolicy(request);
    checkLimits(request, this.#facts);
    if (isAborted(request)) throw request.signal.reason;
    this.#assertConnected();
  }

  async publish(request: PublishRequest): Promise<PublishAck> {
    this.check(request);
    this.#quota.take(request.retain);
    this.busy += 1;
    const { audit } = this.#policy;
    try {
      return await (audit ? audited(audit, this.#facts, request, () => this.#acked(request)) : this.#acked(request));
    } finally {
      this.busy -= 1;
    }
  }

  denied(request: PublishRequest): void {
    this.#policy.audit?.deny(recordOf(this.#facts, request));
  }

  /** Nothing is published any more. */
  end(): void {
    this.#quota.release();
  }

  #checkPolicy(request: PublishRequest): void {
    try {
      this.#policy.mayPublish(request.topic);
      const answer = request.properties?.response_topic;
      if (answer !== undefined) this.#policy.mayBeAnswered(answer);
      this.#quota.check(request.retain);
    } catch (error) {
      this.denied(request);
      throw error;
    }
  }

  async #acked(request: PublishRequest): Promise<PublishAck> {
    const { qos } = request;
    try {
      const { reasonCode, weaker } = await this.#send(request);
      if (qos === 0) return UNACKNOWLEDGED;
      if (weaker) return AS_QOS_1;
      return { acknowledged: true, reasonCode, reason: reasonText(reasonCode, 'puback', this.#facts.protocolVersion) };
    } catch (error) {
      if (error instanceof ToolError || isAborted(request)) throw error;
      throw publishFailure(error, this.#facts, PATIENCE_MS);
    }
  }

  /** At once where there is room, else in its turn. */
  #send(request: PublishRequest): Promise<Ack> {
    const { window, cost } = this.#roomFor(request);
    const late = () =>
      request.qos === 0 ? notReading(this.#facts, true) : publishFailure('timeout', this.#facts, PATIENCE_MS);
    if (!window.admit(cost)) return this.#sendInTurn(request, { window, cost }, late);
    // Until the broker has answered or is gone it counts, whoever still waits.
    const answer = this.#hand(request, () => window.leave(cost));
    return this.#race.within(answer, PATIENCE_MS, request, late);
  }

  #sendInTurn(request: PublishRequest, { window, cost }: Room, late: () => Error): Promise<Ack> {
    const { payload, qos } = request;
    if (this.#waitingBytes + payload.length > MAX_WAITING_BYTES) throw notReading(this.#facts, false);
    this.#waitingBytes += payload.length;
    let waits = true;
    const over = () => {
      if (waits) this.#waitingBytes -= payload.length;
      waits = false;
    };
    let quit = () => {};
    const answer = new Promise<Ack>((resolve) => {
      const start = () => {
        over();
        resolve(this.#hand(request, () => window.leave(cost)));
      };
      quit = window.enter(start, cost);
    });
    const tooLate = () => {
      if (!waits) return late();
      return qos === 0 ? notReading(this.#facts, false) : publishFailure('unsent', this.#facts, PATIENCE_MS);
    };
    return this.#race.within(answer, PATIENCE_MS, request, tooLate).finally(() => {
      if (waits) quit();
      over();
    });
  }

  #roomFor({ qos, payload }: PublishRequest): Room {
    if (qos > 0) return { window: this.#unacknowledged, cost: 1 };
    return { window: this.#unwritten, cost: payload.length + PACKET_OVERHEAD_BYTES };
  }

  #hand(request: PublishRequest, leave: () => void): Promise<Ack> {
    try {
      // What was cancelled meanwhile must not be sent.
      if (isAborted(request)) throw request.signal.reason;
      this.#assertConnected();
      const answer = this.#link.publish(request);
      answer.then(leave, leave);
      return answer;
    } catch (error) {
      leave();
      return Promise.reject(error);
    }
  }
}

function isAborted(request: PublishRequest): boolean {
  return request.aborted ?? request.signal.aborted;
}

/** Where a message counts as under way, and for how much. */
type Room = { window: Window; cost: number };

const AS_QOS_1: PublishAck = {
  acknowledged: true,
  reasonCode: 0,
  reason: 'acknowledged as QoS 1: this broker has no QoS 2, so it may be delivered more than once',
};

const UNACKNOWLEDGED: PublishAck = { acknowledged: false, reasonCode: 0, reason: 'not acknowledged at QoS 0' };

function checkLimits({ topic, payload, qos, retain, properties }: PublishRequest, facts: SessionFacts): void {
  const { maximum_qos = 2, retain_available = true, maximum_packet_size } = facts.limits;
  if (qos > maximum_qos) {
    const message = `The broker accepts QoS ${maximum_qos} at most [MQTT-3.2.2-11].`;
    throw new ToolError('publish_denied', message, `Publish with qos ${maximum_qos}.`);
  }
  if (retain && !retain_available) {
    const message = 'The broker has no retained messages [MQTT-3.2.2-14].';
    throw new ToolError('publish_denied', message, 'Publish with retain false.');
  }
  if (maximum_packet_size === undefined) return;
  const size =
    payload.length + Buffer.byteLength(topic) + PACKET_OVERHEAD_BYTES + JSON.stringify(properties ?? '').length;
  if (size > maximum_packet_size) {
    const message = `The broker accepts packets of ${maximum_packet_size} bytes at most; this one has about ${size}.`;
    throw new ToolError('payload_too_large', message, 'Send a smaller payload, or raise the limit on the broker.');
  }
}

function checkProperties(properties: PublishProperties, { protocolVersion }: SessionFacts): void {
  if (protocolVersion === 4) {
    const hint = 'Leave properties out, or connect with protocol_version 5.';
    throw new ToolError('invalid_arguments', 'This session speaks MQTT 3.1.1, which has no properties.', hint);
  }
  const { content_type, response_topic, correlation_data, user_properties = {} } = properties;
  if (response_topic !== undefined) checkTopicName(response_topic);
  if (content_type !== undefined) checkPropertyText('content_type', content_type);
  // Bytes on the wire: any will do, but half a character would arrive as another.
  if (correlation_data !== undefined && /\p{Cs}/u.test(correlation_data)) {
    throw badProperty('correlation_data', 'well-formed Unicode', 'Complete the broken character.');
  }
  for (const text of Object.entries(user_properties).flat()) checkPropertyText('user_properties', text);
}

function checkPropertyText(name: string, text: string): void {
  const trouble = troubleIn(text);
  if (trouble) throw badProperty(name, `text that can be sent: ${trouble.rule}`, trouble.hint);
}

function badProperty(name: string, expected: string, hint: string): ToolError {
  const problems = [{ path: `/properties/${name}`, expected }];
  return new ToolError('invalid_arguments', `The property ${name} does not fit: expected ${expected}.`, hint, {
    problems,
  });
}
