// What is told of a stream of messages as figures: sizes, rates, gaps, repeats, round trips, $SYS.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BrokerMetrics } from '../../src/payload/broker-metrics.ts';
import { ERROR_PERCENT, Histogram } from '../../src/payload/histogram.ts';
import { Rates } from '../../src/payload/rates.ts';
import { MAX_PROBES, RoundTrips } from '../../src/payload/round-trips.ts';
import { Traffic } from '../../src/payload/traffic.ts';
import type { RawMessage } from '../../src/payload/types.ts';
import { room } from '../support/room.ts';

const message = (topic: string, text: string | Buffer, more: Partial<RawMessage> = {}): RawMessage => {
  const payload = Buffer.from(text);
  return { topic, payload, size: payload.length, qos: 0, retain: false, dup: false, at: 0, ...more };
};

describe('Histogram', () => {
  test('percentiles -> the exact ones, but for the error that is told', () => {
    const sizes = fc.array(fc.oneof(fc.nat(100), fc.nat(5_000), fc.nat(2 ** 31 - 1)), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(sizes, fc.constantFrom(1, 50, 90, 95, 99, 100), (values, percent) => {
        const histogram = new Histogram();
        for (const value of values) histogram.add(value);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil((percent / 100) * values.length) - 1] ?? 0;
        expect(Math.abs(histogram.percentile(percent) - exact)).toBeLessThanOrEqual((exact * ERROR_PERCENT) / 100);
        expect(histogram).toMatchObject({ count: values.length, min: Math.min(...values), max: Math.max(...values) });
      }),
    );
  });

  test('nothing -> zero; more than it can tell apart -> the most it can', () => {
    const histogram = new Histogram();
    expect([histogram.percentile(50), histogram.mean]).toEqual([0, 0]);
    histogram.add(2 ** 40);
    expect(histogram.percentile(50)).toBeGreaterThan(2 ** 30);
    expect(histogram.max).toBe(2 ** 40);
  });
});

describe('Rates', () => {
  test('the last second, the last ten, the busiest one wherever it begins', () => {
    const rates = new Rates(1_000, 20);
    for (let ms = 0; ms < 12_000; ms += 100) rates.add(1_000 + ms, 10);
    for (let n = 0; n < 50; n += 1) rates.add(1_000 + 4_950 + n, 1);
    for (let n = 0; n < 50; n += 1) rates.add(1_000 + 5_400 + n, 1);
    expect(rates.last(1, 12_000)).toEqual({ messages_per_second: 10, bytes_per_second: 100 });
    expect(rates.last(10, 12_000)).toEqual({ messages_per_second: 20, bytes_per_second: 110 });
    expect(rates.peak(12_000)).toEqual({ messages: 110, bytes: 200 });
  });

  test('a window shorter than asked for -> no such rate; before it and after it -> still counted', () => {
    const rates = new Rates(1_000, 1);
    rates.add(0, 1);
    rates.add(99_000, 1);
    expect(rates.last(10, 1_000)).toBeUndefined();
    expect(rates.peak(3_000).messages).toBe(1);
  });

  test('seconds in which nothing came -> counted', () => {
    const rates = new Rates(0, 10);
    for (const at of [100, 2_500, 2_600]) rates.add(at, 1);
    expect(rates.silentSeconds(5_000)).toBe(3);
  });
});

describe('Traffic', () => {
  test('retained messages -> counted apart: they say nothing of the traffic', () => {
    const traffic = new Traffic(0, 10, room());
    traffic.take(message('a', 'stored', { retain: true, at: 1 }));
    traffic.take(message('a', 'x', { at: 2 }));
    expect(traffic).toMatchObject({ live: 1, bytes: 1, retained: 1, retainedBytes: 6, topicCount: 1 });
    expect(traffic.rates.peak(1_000).messages).toBe(1);
  });

  test('a payload again -> repeated; within 100 ms -> a copy; another topic, or another payload between -> neither', () => {
    const traffic = new Traffic(0, 10, room());
    const said: [string, string, number][] = [
      ['a', 'on', 1],
      ['b', 'on', 2],
      ['a', 'on', 50],
      ['a', 'on', 500],
      ['a', 'off', 501],
      ['a', 'on', 502],
    ];
    for (const [topic, payload, at] of said) traffic.take(message(topic, payload, { at }));
    expect(traffic).toMatchObject({ repeated: 2, copies: 1 });
  });

  test('payloads that differ at an end, or in length -> no repeat', () => {
    const traffic = new Traffic(0, 10, room());
    const long = (end: string) => `${'x'.repeat(5_000)}${end}`;
    for (const payload of [long('a'), long('b'), long('bx'), `a${long('bx')}`]) traffic.take(message('a', payload));
    expect(traffic.repeated).toBe(0);
  });

  test('an even beat -> no jitter; an uneven one -> the mean difference of its gaps', () => {
    const even = new Traffic(0, 10, room());
    for (let n = 1; n <= 5; n += 1) even.take(message('a', `${n}`, { at: n * 100 }));
    expect(even.gaps).toMatchObject({ count: 4, mean: 100, jitter: 0, max: 100 });
    const uneven = new Traffic(0, 10, room());
    for (const at of [100, 200, 250, 350]) uneven.take(message('a', `${at}`, { at }));
    expect(uneven.gaps).toMatchObject({ jitter: 50, max: 100 });
    expect(uneven.top(1)[0]?.gaps.jitter).toBe(50);
  });

  test('the busiest topics first, equals in order of their names, retained-only ones never', () => {
    const traffic = new Traffic(0, 10, room());
    for (const topic of ['c', 'b', 'a', 'b', 'd']) traffic.take(message(topic, 'x'));
    traffic.take(message('z', 'x', { retain: true }));
    expect(traffic.top(3).map(({ topic }) => topic)).toEqual(['b', 'a', 'c']);
    expect(traffic.top(9)).toHaveLength(4);
  });

  test('more topics than are measured apart -> all counted, the rest said', () => {
    const traffic = new Traffic(0, 10, room(100 * 1024 * 1024));
    for (let n = 0; n < 100_005; n += 1) traffic.take(message(`t/${n}`, ''));
    expect(traffic).toMatchObject({ live: 100_005, topicCount: 100_000, unmeasured: 5 });
  });
});

describe('RoundTrips', () => {
  test('latency by QoS, with what was lost, late and double', () => {
    const trips = new RoundTrips();
    const numbers = Array.from({ length: 5 }, (_, n) => trips.send(1, n * 10) ?? -1);
    expect(trips.outstanding).toBe(5);
    for (const [index, at] of [
      [0, 1],
      [2, 22],
      [1, 23],
      [2, 24],
      [3, 34],
    ] as const) {
      trips.back(numbers[index] ?? -1, at);
    }
    trips.acknowledged(0, 3);
    trips.back(77, 1);
    trips.back(Number.NaN, 1);
    expect(trips.byQos()).toEqual([
      {
        qos: 1,
        sent: 5,
        received: 4,
        lost: 1,
        reordered: 1,
        copies: 1,
        p50_ms: 2,
        p95_ms: 13,
        p99_ms: 13,
        max_ms: 13,
        ack_p50_ms: 3,
      },
    ]);
  });

  test('each QoS for itself; none came back -> no times; too many -> no more', () => {
    const trips = new RoundTrips();
    trips.send(0, 0);
    const second = trips.send(2, 0) ?? -1;
    trips.back(second, 7);
    expect(trips.byQos()).toMatchObject([
      { qos: 0, lost: 1 },
      { qos: 2, lost: 0, p50_ms: 7 },
    ]);
    expect(trips.byQos()[0]).not.toHaveProperty('p50_ms');
    for (let n = 2; n < MAX_PROBES; n += 1) trips.send(0, 0);
    expect(trips.send(0, 0)).toBeUndefined();
  });

  test('one that was never sent -> no loss', () => {
    const trips = new RoundTrips();
    trips.unsend(trips.send(0, 0) ?? -1);
    expect(trips.byQos()).toEqual([]);
  });
});

describe('BrokerMetrics', () => {
  test('mosquitto -> plain names with units, and what grew', () => {
    const metrics = new BrokerMetrics();
    const say = (topic: string, value: string) => metrics.take(message(`$SYS/broker/${topic}`, value));
    say('version', 'mosquitto version 2.0.18');
    say('uptime', '1234 seconds');
    say('publish/messages/dropped', '5');
    say('publish/messages/dropped', '12');
    say('clients/connected', '3');
    say('load/publish/received/1min', '12.5');
    say('something/new', '1');
    say('bytes/sent', 'no number');
    expect(metrics.values()).toEqual({
      clients_connected: 3,
      publishes_dropped_total: 12,
      publishes_received_per_minute: 12.5,
      uptime_seconds: 1234,
      version: 'mosquitto version 2.0.18',
    });
    expect(metrics.growth()).toEqual({ publishes_dropped: 7 });
    expect(metrics.topicCount).toBe(7);
  });

  test('EMQX -> the node that spoke first; other topics -> none of its business; a counter that restarted -> no growth', () => {
    const metrics = new BrokerMetrics();
    metrics.take(message('$SYS/brokers/emqx@a/metrics/messages/sent', '10'));
    expect(metrics.growth()).toBeUndefined();
    metrics.take(message('$SYS/brokers/emqx@a/metrics/messages/sent', '4'));
    metrics.take(message('$SYS/brokers/emqx@b/metrics/messages/sent', '99'));
    metrics.take(message('plant/uptime', '1'));
    expect(metrics.values()).toEqual({ publishes_sent_total: 4 });
    expect(metrics.growth()).toEqual({});
    expect(metrics.topicCount).toBe(2);
  });
});
