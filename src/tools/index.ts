// Owns the only list of tools, and all that a call of one needs beside its definition: loaded when the first is called.
// A schema without a handler here, or a handler without a schema, does not compile.
import type { ToolName } from '../generated/definitions.ts';
import { closeConnection } from './close-connection.ts';
import { debugDevice } from './debug-device.ts';
import { establishConnection } from './establish-connection.ts';
import { getTopicSchema } from './get-topic-schema.ts';
import { listActiveConnections } from './list-active-connections.ts';
import { listTopics } from './list-topics.ts';
import { monitorPerformance } from './monitor-performance.ts';
import { publishMessage } from './publish-message.ts';
import { sendAndVerify } from './send-and-verify.ts';
import { subscribeAndCollect } from './subscribe-and-collect.ts';
import { testConnection } from './test-connection.ts';
import type { Handler } from './tool.ts';
import { watchChanges } from './watch-changes.ts';

export { validate } from '../generated/validate.ts';

export const handlers: { [Name in ToolName]: Handler<Name> } = {
  close_connection: closeConnection,
  debug_device: debugDevice,
  establish_connection: establishConnection,
  get_topic_schema: getTopicSchema,
  list_active_connections: listActiveConnections,
  list_topics: listTopics,
  monitor_performance: monitorPerformance,
  publish_message: publishMessage,
  send_and_verify: sendAndVerify,
  subscribe_and_collect: subscribeAndCollect,
  test_connection: testConnection,
  watch_changes: watchChanges,
};
