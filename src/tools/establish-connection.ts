// Owns establish_connection.
import type { EstablishConnectionResult } from '../generated/types.ts';
import type { Session } from '../mqtt/types.ts';
import { iso } from './times.ts';
import type { Handler } from './tool.ts';

export const establishConnection: Handler<'establish_connection'> = async (args, context) => {
  const connecting = context.pool.establish(
    {
      connectionString: args.connection_string,
      profile: args.profile,
      name: args.name,
      clientId: args.client_id,
      username: args.username,
      password: args.password,
      protocolVersion: args.protocol_version,
      keepaliveSeconds: args.keepalive_seconds,
      cleanStart: args.clean_start,
      sessionExpirySeconds: args.session_expiry_seconds,
      timeoutSeconds: args.timeout_seconds,
    },
    context.signal,
  );
  return resultOf(await connecting);
};

function resultOf({ facts, lifetime }: Session): EstablishConnectionResult {
  return {
    status: 'connected',
    session_id: facts.id,
    name: facts.name,
    broker: facts.broker,
    port: facts.port,
    client_id: facts.clientId,
    protocol_version: facts.protocolVersion,
    tls: facts.tls,
    created_at: iso(lifetime.createdAt),
    expires_at: iso(lifetime.expiresAt),
    session_ttl_seconds: lifetime.ttlSeconds,
    connect_ms: facts.connectMs,
    broker_limits: facts.limits,
    notes: facts.notes,
  };
}
