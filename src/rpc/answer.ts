// Owns how the outcome of a call becomes the line that answers it. Must not know where the line goes.
import { RpcError, rpcCode } from '../errors.ts';
import { Cancelled } from './call.ts';
import { encodeError, encodeResult, type Id } from './message.ts';

/** For the log: what a handler should not have done. */
export type ReportBug = (error: unknown) => void;

export function encodeSuccess(id: Id, value: unknown, report: ReportBug): string {
  try {
    return encodeResult(id, value);
  } catch (error) {
    return encodeFailure(id, error, report);
  }
}

export function encodeFailure(id: Id, error: unknown, report: ReportBug): string {
  if (error instanceof RpcError) {
    try {
      return encodeError(id, error);
    } catch (unserialisable) {
      report(unserialisable);
      return encodeError(id, new RpcError(error.code, error.message));
    }
  }
  if (error instanceof Cancelled) return encodeCancelled(id, error.message);
  report(error);
  return encodeError(id, new RpcError(rpcCode.internalError, 'Internal error; the log on stderr says more'));
}

export function encodeCancelled(id: Id, why: string): string {
  return encodeError(id, new RpcError(rpcCode.toolFailed, `Cancelled: ${why}`));
}
