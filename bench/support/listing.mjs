// Owns one listing of many topics: a fresh daemon, a scripted broker that has them stored, time and memory.
import { setTimeout as sleep } from 'node:timers/promises';
import { ScriptedBroker } from './scripted-broker.mjs';
import { connect, startDaemon } from './server.mjs';
import { distinctTopicOf, encode, FILTER } from './traffic.mjs';

/** What is loaded after the first answer is loaded by then, ms. */
const SETTLE_MS = 500;

/** @type {Map<number, Buffer>} encoded once a size; the daemon's second subscription has the identifier 2 */
const stored = new Map();

/**
 * list_topics with duration 0.
 * @param {string} main
 * @param {number} topics at most a million
 */
export async function listScripted(main, topics) {
  const broker = await ScriptedBroker.start();
  const dump = stored.get(topics) ?? encodeDump(topics);
  stored.set(topics, dump);
  broker.retained = ({ version, subscription }) => {
    if (version !== 5 || subscription !== 2) throw new Error(`encoded for subscription 2, not ${subscription}`);
    return dump;
  };
  const daemon = await startDaemon(main);
  const session = await connect(daemon, broker.port);
  await sleep(SETTLE_MS);
  const before = daemon.memory.rss;
  const began = performance.now();
  const result = await daemon.request('list_topics', { session_id: session, pattern: FILTER, duration_seconds: 0 });
  const ms = performance.now() - began;
  const { peak } = daemon.memory;
  await daemon.stop();
  broker.close();
  return { ms, counted: result.total_topics, bytesATopic: (peak - before) / topics };
}

/** @param {number} topics */
function encodeDump(topics) {
  const content = { topic: distinctTopicOf, payload: () => '{"value":21.5,"ok":1}' };
  return encode(topics, { version: 5, subscription: 2, retain: true }, content).bytes;
}
