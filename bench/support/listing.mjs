// Owns one listing of many topics: a fresh daemon, a scripted broker that has them stored, time and memory.
import { setTimeout as sleep } from 'node:timers/promises';
import { ScriptedBroker } from './scripted-broker.mjs';
import { connect, startDaemon } from './server.mjs';
import { distinctTopicOf, encode, FILTER } from './traffic.mjs';

/** What is loaded after the first answer is loaded by then, ms. */
const SETTLE_MS = 500;

/** @type {Map<number, import('./traffic.mjs').Frames>} encoded once a size, as it takes longer than to list them */
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
  broker.held = topics;
  broker.retained = ({ subscription }) => stamped(dump, subscription);
  const daemon = await startDaemon(main);
  const session = await connect(daemon, broker.port);
  await sleep(SETTLE_MS);
  const before = daemon.memory.rss;
  const began = performance.now();
  const result = await daemon.request('list_topics', { session_id: session, pattern: FILTER, duration_seconds: 0 });
  const ms = performance.now() - began;
  if (!result.retained_complete) throw new Error(`not complete: ${result.notes.join(' ')}`);
  const { peak } = daemon.memory;
  await daemon.stop();
  broker.close();
  return { ms, counted: result.total_topics, bytesATopic: (peak - before) / topics };
}

/** MQTT 5, with a subscription identifier, as our sessions ask for. */
const WIRE = /** @type {const} */ ({ version: 5, subscription: 1, retain: true });
const CONTENT = { topic: distinctTopicOf, payload: () => '{"value":21.5,"ok":1}' };

/** @param {number} topics */
function encodeDump(topics) {
  return encode(topics, WIRE, CONTENT);
}

/**
 * The frames with the identifier that the SUBSCRIBE gave.
 * @param {import('./traffic.mjs').Frames} frames
 * @param {number | undefined} subscription
 */
function stamped({ bytes, size }, subscription) {
  if (subscription === undefined) throw new Error('a SUBSCRIBE without a subscription identifier');
  const other = encode(1, { ...WIRE, subscription: 2 }, CONTENT).bytes;
  const at = encode(1, WIRE, CONTENT).bytes.findIndex((byte, i) => byte !== other[i]);
  if (bytes[at] !== subscription) for (let i = at; i < bytes.length; i += size) bytes[i] = subscription;
  return bytes;
}
