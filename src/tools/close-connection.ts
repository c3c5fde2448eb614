// Owns close_connection.
import { iso } from './times.ts';
import type { Handler } from './tool.ts';

export const closeConnection: Handler<'close_connection'> = async ({ session_id }, { pool, signal }) => {
  const { id, closedAt } = await pool.close(session_id, signal);
  return { status: 'closed', session_id: id, closed_at: iso(closedAt) };
};
