// Contest: JSON-RPC calls a second with 128 in flight, and one call at a time, against an echo tool on the official SDK.
// Of ours, list_active_connections is the cheapest: validated, answered at once. close_connection has an argument to
// check, as the echo tool has, and fails: no such session.
import { onOneCore } from './support/processes.mjs';
import { compare, compete, quantile } from './support/rounds.mjs';
import { checkAnswers, encodeLines, startDaemon, startSdk } from './support/server.mjs';

export const seconds = 60;

const IN_FLIGHT = 128;

/** @typedef {{ params: object, good: (answer: any) => boolean }} Call a tools/call and how its answer looks */

/** @type {Record<string, Call>} */
const calls = {
  echo: {
    params: { name: 'echo', arguments: { text: 'nobody' } },
    good: ({ result }) => result?.content[0].text === 'nobody',
  },
  close: {
    params: { name: 'close_connection', arguments: { session_id: 'nobody' } },
    good: ({ result }) => result?.isError === true && result.content[0].text.includes('session_not_found'),
  },
  list: {
    params: { name: 'list_active_connections', arguments: {} },
    good: ({ result }) => result?.structuredContent?.total_count === 0,
  },
};

/** @type {import('./run.mjs').Contest} */
export async function run({ main, rounds, until, quick }) {
  const counts = quick ? { pipelined: 10_000, sequential: 1_000 } : { pipelined: 40_000, sequential: 3_000 };
  const daemon = await startDaemon(main);
  const sdk = await startSdk();
  const lines = Object.fromEntries(
    Object.entries(calls).map(([name, { params }]) => [
      name,
      encodeLines(counts.pipelined, () => ({ method: 'tools/call', params })),
    ]),
  );
  const measure = async (/** @type {typeof sdk} */ server, /** @type {string} */ name) => {
    const { good } = calls[name] ?? {};
    if (!lines[name] || !good) throw new Error(name);
    const { ms, answers } = await server.pipeline(lines[name], IN_FLIGHT);
    checkAnswers(answers, counts.pipelined, good);
    return { rate: (counts.pipelined / ms) * 1000, ...(await oneByOne(server, lines[name], counts.sequential)) };
  };
  await Promise.all([measure(sdk, 'echo'), measure(daemon, 'list')]); // warm, as a server is after its first minute
  const outcome = await compete({
    peer: () => measure(sdk, 'echo'),
    others: { close: () => measure(daemon, 'close'), list: () => measure(daemon, 'list') },
    gauge: 'rate',
    rounds,
    until,
  });
  await Promise.all([daemon.stop(), sdk.stop()]);
  const peerIs = 'SDK v1, echo tool';
  const row = (/** @type {string} */ name, /** @type {string} */ figure) => ({
    peerIs,
    ...compare(outcome, name, figure),
  });
  return {
    discarded: outcome.discarded,
    rows: [
      {
        what: 'calls a second, 128 in flight: close_connection, no such session',
        unit: '/s',
        ...row('close', 'rate'),
        goal: ['>=', 5],
      },
      {
        what: 'calls a second, 128 in flight: list_active_connections',
        unit: '/s',
        ...row('list', 'rate'),
        goal: ['>=', 5],
      },
      { what: 'one call at a time, p50: close_connection', unit: 'µs', ...row('close', 'p50'), goal: ['<=', 0.6] },
      {
        what: 'one call at a time, p50: list_active_connections',
        unit: 'µs',
        ...row('list', 'p50'),
        goal: ['<=', 0.6],
      },
      { what: 'one call at a time, p99: close_connection', unit: 'µs', ...row('close', 'p99') },
      { what: 'one call at a time, p99: list_active_connections', unit: 'µs', ...row('list', 'p99') },
    ],
  };
}

/**
 * Round trips in microseconds.
 * @param {import('./support/server.mjs').Server} server
 * @param {import('./support/server.mjs').Lines} lines
 * @param {number} count
 */
async function oneByOne(server, { bytes, starts }, count) {
  const lines = { bytes, starts: starts.slice(0, count + 1) };
  const trips = await onOneCore(server.child.pid, () => server.sequence(lines));
  return { p50: quantile(trips, 0.5), p99: quantile(trips, 0.99) };
}
