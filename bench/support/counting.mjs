// Owns a window in which our daemon counts everything that comes: subscribe_and_collect with whole_window, and where a
// build does not have that yet, list_topics, which counts per topic at QoS 0 and keeps no message.

/** @typedef {import('./server.mjs').Server} Server */
/** @typedef {{ counted: number, returned: number, digestMs: number }} Counted `digestMs`: from the window's end to the answer */

/**
 * What the daemon offers to count with.
 * @param {Server} daemon
 */
export async function wayToCount(daemon) {
  const { tools } = await daemon.request('tools/list');
  const tool = tools.find((/** @type {any} */ { name }) => name === 'subscribe_and_collect');
  return tool?.inputSchema?.properties?.whole_window === undefined ? 'list_topics' : 'whole_window';
}

/**
 * Resolves when the window has ended.
 * @param {Server} daemon
 * @param {{ session: string, filter: string, seconds: number, qos?: number, way: string }} window
 * @returns {Promise<Counted>}
 */
export async function count(daemon, { session, filter, seconds, qos = 0, way }) {
  const began = performance.now();
  const result =
    way === 'list_topics'
      ? await daemon.request('list_topics', { session_id: session, pattern: filter, duration_seconds: seconds })
      : await daemon.request('subscribe_and_collect', {
          session_id: session,
          topic_pattern: filter,
          duration_seconds: seconds,
          qos,
          whole_window: true,
        });
  const tookMs = performance.now() - began;
  if (way === 'list_topics') {
    const counted = result.topics.reduce(
      (/** @type {number} */ sum, /** @type {any} */ one) => sum + one.message_count,
      0,
    );
    return { counted, returned: 0, digestMs: tookMs - result.discovery_duration_seconds * 1000 };
  }
  const { original_message_count: counted, message_count: returned } = result;
  return { counted, returned, digestMs: tookMs - result.collection_duration_seconds * 1000 };
}
