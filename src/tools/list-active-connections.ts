// Owns list_active_connections.
import type { Session } from '../mqtt/types.ts';
import { affordable } from '../payload/affordable.ts';
import { iso } from './times.ts';
import type { Handler } from './tool.ts';
import { unverified } from './trust.ts';

export const listActiveConnections: Handler<'list_active_connections'> = (_args, { pool }) => {
  const sessions = pool.list();
  return {
    status: 'success',
    active_connections: sessions.map(entryOf),
    total_count: sessions.length,
    max_connections: pool.limit,
    timestamp: iso(Date.now()),
  };
};

function entryOf(session: Session) {
  const { facts, lifetime } = session;
  const state = session.state();
  return {
    session_id: facts.id,
    name: facts.name,
    broker: facts.broker,
    port: facts.port,
    client_id: facts.clientId,
    protocol_version: facts.protocolVersion,
    tls: facts.tls,
    ...(facts.verified ? {} : unverified),
    is_connected: state.isConnected,
    connection_error: state.connectionError,
    created_at: iso(lifetime.createdAt),
    last_accessed: iso(lifetime.lastAccessed),
    expires_at: iso(lifetime.expiresAt),
    reconnects: state.reconnects,
    subscribed_topics: shownFilters(state.subscribedTopics),
    messages_received: state.messagesReceived,
    bytes_received: state.bytesReceived,
  };
}

/** What the filters of one session may take in a result, bytes: five sessions stay far below its 4 MiB. */
const FILTERS_BYTES = 256 * 1024;

/** Filters may be 65,535 bytes each; those that are too much are counted in a last entry. */
function shownFilters(filters: string[]): string[] {
  const shown = affordable(filters, FILTERS_BYTES);
  return shown.length === filters.length ? shown : [...shown, `(${filters.length - shown.length} more)`];
}
