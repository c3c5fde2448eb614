// Owns close_connection.
import { iso } from './times.ts';
import type { Handler } from './tool.ts';

export const closeConnection: Handler<'close_connection'> = ({ session_id }, context) =>
  context.pool.close(session_id, context).then(({ id, closedAt }) => ({
    status: 'closed',
    session_id: id,
    closed_at: iso(closedAt),
  }));
