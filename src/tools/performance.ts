// Owns how measured traffic is told: sections of a result, its sentence, its notes. Must not know how it was measured.
import type { MonitorPerformanceResult } from '../generated/types.ts';
import type { Subscription } from '../mqtt/types.ts';
import type { BrokerMetrics } from '../payload/broker-metrics.ts';
import { ERROR_PERCENT } from '../payload/histogram.ts';
import { type Rate, round } from '../payload/rates.ts';
import type { Traffic } from '../payload/traffic.ts';
import type { Latency } from './latency.ts';
import { FELL_BEHIND, LOST } from './notes.ts';
import { seconds } from './times.ts';

/** Characters of a topic that are told: a row of long ones must not become the answer. */
const MAX_TOPIC_CHARS = 300;

export function throughputMetrics(
  traffic: Traffic,
  tookMs: number,
  grantedQos: number,
): MonitorPerformanceResult['throughput_metrics'] {
  const { live, bytes, retained, retainedBytes, rates } = traffic;
  const last10 = rates.last(10, tookMs);
  const peak = rates.peak(tookMs);
  return {
    messages: live,
    bytes,
    topics: traffic.topicCount,
    window: rateOf(live, bytes, tookMs),
    last_1s: rates.last(1, tookMs) ?? rateOf(live, bytes, tookMs),
    ...(last10 === undefined ? {} : { last_10s: last10 }),
    peak_second: { messages: peak.messages, bytes: peak.bytes },
    silent_seconds: rates.silentSeconds(tookMs),
    retained_messages: retained,
    retained_bytes: retainedBytes,
    retained_share_percent: percent(retained, live + retained),
    // [MQTT-3.3.1-2]: a QoS 0 message never has it.
    ...(grantedQos > 0 ? { dup_flagged: traffic.dups } : {}),
    repeated_payloads: traffic.repeated,
    copies_within_100ms: traffic.copies,
  };
}

function rateOf(messages: number, bytes: number, ms: number): Rate {
  const per = Math.max(1, ms) / 1000;
  return { messages_per_second: round(messages / per), bytes_per_second: Math.round(bytes / per) };
}

export function gapMetrics({ gaps, gapTimes }: Traffic): MonitorPerformanceResult['inter_arrival_metrics'] {
  if (gaps.count === 0) return { gaps: 0 };
  const { mean = 0, jitter } = gaps;
  return {
    gaps: gaps.count,
    mean_ms: round(mean),
    p50_ms: gapTimes.percentile(50),
    p95_ms: gapTimes.percentile(95),
    p99_ms: gapTimes.percentile(99),
    max_ms: gaps.max,
    ...(jitter === undefined ? {} : { jitter_ms: round(jitter) }),
  };
}

export function sizeMetrics({ sizes }: Traffic): MonitorPerformanceResult['size_metrics'] {
  if (sizes.count === 0) return { messages: 0 };
  return {
    messages: sizes.count,
    min_bytes: sizes.min,
    mean_bytes: round(sizes.mean),
    p50_bytes: sizes.percentile(50),
    p90_bytes: sizes.percentile(90),
    p95_bytes: sizes.percentile(95),
    p99_bytes: sizes.percentile(99),
    max_bytes: sizes.max,
    percentile_error_percent: ERROR_PERCENT,
  };
}

export function topTopics(traffic: Traffic, count: number, tookMs: number): MonitorPerformanceResult['top_topics'] {
  return traffic.top(count).map(({ topic, count: message_count, bytes, repeated, gaps }) => {
    const { mean, jitter } = gaps;
    return {
      // Not in the middle of a character.
      topic: topic.slice(0, MAX_TOPIC_CHARS).replace(/[\ud800-\udbff]$/, ''),
      message_count,
      bytes,
      messages_per_second: rateOf(message_count, bytes, tookMs).messages_per_second,
      share_percent: percent(message_count, traffic.live),
      ...(mean === undefined ? {} : { mean_gap_ms: round(mean), max_gap_ms: gaps.max }),
      ...(jitter === undefined ? {} : { jitter_ms: round(jitter) }),
      ...(repeated === 0 ? {} : { repeated_payloads: repeated }),
    };
  });
}

export function brokerMetrics(broker: BrokerMetrics, refused: boolean): MonitorPerformanceResult['broker_metrics'] {
  const metrics = broker.values();
  const known = Object.keys(metrics).length;
  if (known > 0) {
    const in_window = broker.growth();
    const told = `Told by the broker on ${broker.topicCount} $SYS topics`;
    if (in_window !== undefined) return { offered: true, detail: `${told}.`, metrics, in_window };
    return {
      offered: true,
      detail: `${told}; nothing new in this window, so measure longer to see what grows.`,
      metrics,
    };
  }
  const detail = refused
    ? 'Not offered: the broker refuses $SYS/# to this user.'
    : broker.topicCount > 0
      ? `Not offered: the broker speaks on ${broker.topicCount} $SYS topics, none of which is known here.`
      : 'Not offered: nothing came on $SYS/#. The broker has no $SYS topics (only some do, such as mosquitto and EMQX), has them turned off (sys_interval 0), or withholds them from this user by its access rules.';
  return { offered: false, detail };
}

/** No topic name is in it: it may be anything. */
export function summaryOf(
  traffic: Traffic,
  broker: BrokerMetrics,
  tookMs: number,
  latency: Latency | undefined,
  interrupted: boolean,
): string {
  const away = interrupted ? LOST : '';
  const { live, bytes, retained, rates, topicCount } = traffic;
  const lost = latency?.by_qos.reduce((sum, one) => sum + one.lost, 0) ?? 0;
  const probes = latency === undefined ? '' : ` ${probeSentence(latency, lost)}`;
  if (live === 0) {
    const stored = retained > 0 ? ` What is stored came: ${retained} messages.` : '';
    return `No message came live within ${seconds(tookMs)} s.${stored}${away}${probes}`;
  }
  const { messages_per_second: rate, bytes_per_second: speed } = rateOf(live, bytes, tookMs);
  const [first] = traffic.top(1);
  const share =
    first === undefined || topicCount < 2 ? '' : `; the busiest topic sends ${percent(first.count, live)} %`;
  const dropped = broker.growth()?.publishes_dropped ?? 0;
  const drops = dropped > 0 ? ` The broker dropped ${dropped} messages meanwhile.` : '';
  return `${rate} messages/s (${speed} bytes/s) on ${topicCount} topics over ${seconds(tookMs)} s, ${rates.peak(tookMs).messages} in the busiest second${share}.${drops}${away}${probes}`;
}

function probeSentence({ by_qos }: Latency, lost: number): string {
  const times = by_qos.flatMap(({ qos, p50_ms }) => (p50_ms === undefined ? [] : [`QoS ${qos} ${p50_ms} ms`]));
  const losses = lost === 0 ? 'none lost' : `${lost} lost`;
  return times.length === 0 ? 'No probe came back.' : `Probe round trips, median: ${times.join(', ')}; ${losses}.`;
}

export function notesOnTraffic(
  traffic: Traffic,
  broker: BrokerMetrics,
  { fellBehind, gaps }: Subscription,
  latency: Latency | undefined,
): string[] {
  const notes: string[] = [];
  if (fellBehind) notes.push(FELL_BEHIND);
  if (latency && delaysAcks(latency)) notes.push(DELAYED_ACK);
  const dropped = broker.growth()?.publishes_dropped ?? 0;
  if (dropped > 0) {
    notes.push(
      `The broker dropped ${dropped} messages meanwhile, to this or to other clients: their queues were full.`,
    );
  }
  for (const { from, to } of gaps) {
    const how = to === undefined ? 'was lost and did not come back' : `was down for ${seconds(to - from)} s`;
    notes.push(`The connection ${how}: rates are of the whole window all the same.`);
  }
  if (traffic.unmeasured > 0)
    notes.push(
      `${traffic.unmeasured} messages of topics beyond the first ${traffic.topicCount} are not in top_topics.`,
    );
  if (traffic.top(50).some(({ topic }) => topic.length > MAX_TOPIC_CHARS)) {
    notes.push(`Topic names in top_topics are cut to ${MAX_TOPIC_CHARS} characters.`);
  }
  return notes;
}

/** QoS 2 has one exchange more than QoS 1; 40 ms for it are not the way. */
function delaysAcks({ by_qos }: Latency): boolean {
  const [one, two] = [1, 2].map((wanted) => by_qos.find(({ qos }) => qos === wanted)?.p50_ms);
  return one !== undefined && two !== undefined && two - one > 30 && two - one < 100 && one < two / 4;
}

const DELAYED_ACK =
  "QoS 2 takes about 40 ms more than QoS 1: typical of Nagle's algorithm against delayed acknowledgements; on mosquitto, set_tcp_nodelay true ends it.";

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 1000) / 10;
}
