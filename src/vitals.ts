// Owns what this process costs over a while: memory, processor time, how late its event loop is.
// Must not know the process itself: what tells of it is handed in.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Vitals } from './tools/tool.ts';

/** The part of Node's process that is asked. */
export type Meter = {
  memoryUsage(): { rss: number; heapUsed: number };
  /** Microseconds since an earlier answer. */
  cpuUsage(since?: { user: number; system: number }): { user: number; system: number };
};

/** How often the event loop is asked how late it is, ms. */
const RESOLUTION_MS = 10;

export function createVitals(meter: Meter): () => Vitals {
  return () => {
    const began = performance.now();
    const before = meter.cpuUsage();
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    delay.enable();
    return {
      read: () => {
        const { user, system } = meter.cpuUsage(before);
        const { rss, heapUsed } = meter.memoryUsage();
        const elapsed = Math.max(1, performance.now() - began);
        // What it measures holds the time it means to sleep.
        const late = (nanoseconds: number) => tenths(Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS));
        const waited = (percent: number) => (delay.count === 0 ? 0 : late(delay.percentile(percent)));
        return {
          rss_bytes: rss,
          heap_used_bytes: heapUsed,
          cpu_percent: tenths(((user + system) / 1000 / elapsed) * 100),
          event_loop_delay_ms: {
            mean: delay.count === 0 ? 0 : late(delay.mean),
            p50: waited(50),
            p99: waited(99),
            max: delay.count === 0 ? 0 : late(delay.max),
          },
        };
      },
      stop: () => void delay.disable(),
    };
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
