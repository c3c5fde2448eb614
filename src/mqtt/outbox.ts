// Owns the publishing of one session: what the broker accepts, how many acknowledgements are awaited at once, deadlines.
// Must not know subscriptions.
import { ToolError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import type { Link } from './client.ts';
import { notReading, publishFailure } from './failures.ts';
import { within } from './race.ts';
import { reasonText } from './reason-codes.ts';
import { checkTopicName } from './topic.ts';
import type { PublishAck, PublishRequest, SessionFacts } from './types.ts';
import { Window } from './window.ts';

/** How long PUBACK and PUBCOMP may take, ms. */
const ACK_TIMEOUT_MS = 20_000;
/** Acknowledged publishes under way at once; mqtt.js is fastest about here. */
const PUBLISH_WINDOW = 20;
/** Bytes of payloads handed on and not yet acknowledged, or written at QoS 0; stops a broker that does not read. */
const MAX_UNSENT_BYTES = 24 * 1024 * 1024;
/** Bytes of a PUBLISH beside topic, payload and user properties, generously. */
const PACKET_OVERHEAD_BYTES = 64;

export class Outbox {
  readonly #facts: SessionFacts;
  readonly #link: Link;
  readonly #policy: Policy;
  /** Throws not_connected while it is. */
  readonly #assertConnected: () => void;
  readonly #window: Window;
  /** Publishes under way. */
  busy = 0;
  #bytes = 0;

  constructor(facts: SessionFacts, link: Link, policy: Policy, assertConnected: () => void) {
    this.#facts = facts;
    this.#link = link;
    this.#policy = policy;
    this.#assertConnected = assertConnected;
    this.#window = new Window(Math.min(facts.limits.receive_maximum ?? PUBLISH_WINDOW, PUBLISH_WINDOW));
  }

  check(request: PublishRequest): void {
    checkTopicName(request.topic);
    if (request.properties?.response_topic !== undefined) checkTopicName(request.properties.response_topic);
    this.#policy.mayPublish();
    checkLimits(request, this.#facts);
    request.signal.throwIfAborted();
    this.#assertConnected();
  }

  async publish(request: PublishRequest): Promise<PublishAck> {
    const { qos } = request;
    this.check(request);
    this.busy += 1;
    try {
      const reasonCode = await (qos === 0 ? this.#send(request) : this.#sendInWindow(request));
      const version = this.#facts.protocolVersion;
      const reason = qos === 0 ? 'not acknowledged at QoS 0' : reasonText(reasonCode, 'puback', version);
      return { acknowledged: qos > 0, reasonCode, reason };
    } finally {
      this.busy -= 1;
    }
  }

  #sendInWindow(request: PublishRequest): Promise<number> {
    const { signal } = request;
    let sent: Promise<number> | undefined;
    let quit = () => {};
    const admitted = new Promise<void>((resolve) => {
      quit = this.#window.enter(() => {
        sent = this.#send(request, () => this.#window.leave());
        resolve();
      });
    });
    if (sent) return sent;
    // Out of the queue at once: what was cancelled must not be sent in the same moment.
    signal.addEventListener('abort', quit, { once: true });
    return within(admitted, ACK_TIMEOUT_MS, signal, () => publishFailure('unsent', this.#facts, ACK_TIMEOUT_MS))
      .then(() => sent ?? Promise.reject(new Error('admitted, but not sent')))
      .finally(() => {
        quit();
        signal.removeEventListener('abort', quit);
      });
  }

  /** `over` is called when the broker has answered or is gone, whoever still waits: until then it counts as in flight. */
  async #send(request: PublishRequest, over = () => {}): Promise<number> {
    try {
      this.#assertConnected();
    } catch (error) {
      over();
      throw error;
    }
    const size = request.payload.length;
    if (this.#bytes > 0 && this.#bytes + size > MAX_UNSENT_BYTES) {
      over();
      throw notReading(this.#facts, false);
    }
    this.#bytes += size;
    const answer = this.#link.publish(request);
    const settled = () => {
      this.#bytes -= size;
      over();
    };
    answer.then(settled, settled);
    try {
      const late = () =>
        request.qos === 0 ? notReading(this.#facts, true) : publishFailure('timeout', this.#facts, ACK_TIMEOUT_MS);
      return (await within(answer, ACK_TIMEOUT_MS, request.signal, late)).reasonCode;
    } catch (error) {
      if (error instanceof ToolError || request.signal.aborted) throw error;
      throw publishFailure(error, this.#facts, ACK_TIMEOUT_MS);
    }
  }
}

function checkLimits({ topic, payload, qos, retain, properties }: PublishRequest, facts: SessionFacts): void {
  const { maximum_qos = 2, retain_available = true, maximum_packet_size } = facts.limits;
  if (properties !== undefined && facts.protocolVersion === 4) {
    const hint = 'Leave properties out, or connect with protocol_version 5.';
    throw new ToolError('invalid_arguments', 'This session speaks MQTT 3.1.1, which has no properties.', hint);
  }
  if (qos > maximum_qos) {
    const message = `The broker accepts QoS ${maximum_qos} at most [MQTT-3.2.2-11].`;
    throw new ToolError('publish_denied', message, `Publish with qos ${maximum_qos}.`);
  }
  if (retain && !retain_available) {
    const message = 'The broker has no retained messages [MQTT-3.2.2-14].';
    throw new ToolError('publish_denied', message, 'Publish with retain false.');
  }
  const size =
    payload.length + Buffer.byteLength(topic) + PACKET_OVERHEAD_BYTES + JSON.stringify(properties ?? '').length;
  if (maximum_packet_size !== undefined && size > maximum_packet_size) {
    const message = `The broker accepts packets of ${maximum_packet_size} bytes at most; this one has about ${size}.`;
    throw new ToolError('payload_too_large', message, 'Send a smaller payload, or raise the limit on the broker.');
  }
}
