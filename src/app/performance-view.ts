// Owns what is shown of monitor_performance: rates, gaps, sizes, latency, the busiest topics, broker and process.
// Must not know the host.
import type { MonitorPerformanceResult } from '../generated/types.ts';
import { isRecord } from '../payload/types.ts';
import { el, raw, section, table } from './dom.ts';
import { bytes, count, milliseconds, number, visible, words } from './text.ts';
import { absencePart, figures, notesPart, stopState, type View } from './view.ts';

export function isPerformance(result: unknown): result is MonitorPerformanceResult {
  return isRecord(result) && isRecord(result.throughput_metrics) && isRecord(result.size_metrics);
}

export function performanceView(result: MonitorPerformanceResult): View {
  const { throughput_metrics: all, duration_seconds, stopped_by } = result;
  return {
    tool: 'monitor_performance',
    title: 'Performance',
    facts: `${count(all.messages, 'message')} on ${count(all.topics, 'topic')} in ${number(duration_seconds)} s`,
    ...stopState(stopped_by),
    body: [
      el('p', {}, visible(result.summary)),
      throughputOf(all),
      topTopicsPart(result.top_topics),
      spreadPart(result),
      latencyPart(result.latency_metrics),
      brokerPart(result.broker_metrics),
      processPart(result.process_metrics),
      absencePart(result.absence),
      notesPart(result.notes),
    ],
  };
}

function throughputOf(all: MonitorPerformanceResult['throughput_metrics']): HTMLElement {
  return figures([
    ['Messages a second', number(all.window.messages_per_second)],
    ['Bytes a second', bytes(all.window.bytes_per_second)],
    ['Busiest second', count(all.peak_second.messages, 'message')],
    ['Silent seconds', number(all.silent_seconds)],
    ['Retained', `${number(all.retained_messages)} (${number(all.retained_share_percent)} %)`],
    ['Same payload again', number(all.repeated_payloads)],
    ['Copies within 100 ms', number(all.copies_within_100ms)],
  ]);
}

/** The bar is for the eye; the number beside it says the same. */
function topTopicsPart(topics: MonitorPerformanceResult['top_topics']): HTMLElement | undefined {
  if (topics.length === 0) return undefined;
  const most = Math.max(...topics.map(({ share_percent }) => share_percent), 1);
  const rows = topics.map((one) => {
    const bar = el('i', { class: 'meter' });
    bar.style.width = `${((one.share_percent / most) * 100).toFixed(1)}%`;
    return [
      raw(one.topic, 'topic'),
      el('div', { class: 'share' }, bar, `${number(one.share_percent)} %`),
      number(one.message_count),
      number(one.messages_per_second),
      bytes(one.bytes),
      milliseconds(one.mean_gap_ms),
      milliseconds(one.jitter_ms),
    ];
  });
  const head = ['Topic', 'Share', 'Messages', 'A second', 'Bytes', 'Mean gap', 'Jitter'];
  return section('Busiest topics', table('Busiest topics', head, rows));
}

function spreadPart({ inter_arrival_metrics: gap, size_metrics: size }: MonitorPerformanceResult): HTMLElement {
  const head = ['What', 'Least', 'Mean', 'Half below', '95 % below', '99 % below', 'Most'];
  const rows = [
    ['Gap between messages', '–', ...[gap.mean_ms, gap.p50_ms, gap.p95_ms, gap.p99_ms, gap.max_ms].map(milliseconds)],
    [
      'Payload size',
      ...[size.min_bytes, size.mean_bytes, size.p50_bytes, size.p95_bytes, size.p99_bytes, size.max_bytes].map(bytes),
    ],
  ];
  return section('Gaps and sizes', table('Gaps and sizes', head, rows));
}

function latencyPart(latency: MonitorPerformanceResult['latency_metrics']): HTMLElement | undefined {
  if (!latency) return undefined;
  const rows = latency.by_qos.map((one) => [
    String(one.qos),
    `${number(one.received)} of ${number(one.sent)}`,
    ...[one.p50_ms, one.p95_ms, one.p99_ms, one.max_ms].map(milliseconds),
    `${number(one.lost)} lost, ${number(one.reordered)} reordered, ${number(one.copies)} copies`,
  ]);
  const head = ['QoS', 'Came back', 'Half below', '95 % below', '99 % below', 'Most', 'Faults'];
  const detail = latency.detail === undefined ? undefined : el('p', { class: 'dim' }, visible(latency.detail));
  return section('Latency of probes', table('Latency of probes', head, rows), detail);
}

function brokerPart({ offered, detail, metrics, in_window }: MonitorPerformanceResult['broker_metrics']): HTMLElement {
  const told = el('p', { class: 'dim' }, visible(detail));
  if (!offered || !metrics) return section('Broker', told);
  const grown = new Map(Object.entries(in_window ?? {}));
  const rows = Object.entries(metrics).map(([name, value]) => {
    const more = grown.get(name);
    return [
      visible(words(name)),
      typeof value === 'number' ? number(value) : raw(value),
      more === undefined ? '' : `+${number(more)}`,
    ];
  });
  return section('Broker', told, table('Broker', ['What', 'Now', 'In the window'], rows));
}

function processPart(own: MonitorPerformanceResult['process_metrics']): HTMLElement {
  const pairs: [string, string][] = [
    ['Memory', bytes(own.rss_bytes)],
    ['Heap', bytes(own.heap_used_bytes)],
    ['CPU', `${number(own.cpu_percent)} %`],
    ['Event loop, 99 % below', milliseconds(own.event_loop_delay_ms.p99)],
  ];
  return section('This server', figures(pairs));
}
