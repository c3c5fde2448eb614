// Owns the two error classes of the program: one for the protocol, one for the model. Anything else thrown is a bug.
// Must not know who renders them.

/** A JSON-RPC error: answered as `{"error":{code,message,data}}` on the wire. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;

  constructor(code: number, message: string, data?: unknown) {
    super(message);
    this.name = 'RpcError';
    this.code = code;
    this.data = data;
  }
}

/** JSON-RPC 2.0 section 5.1, and the codes MCP allocates (2025-11-25 and 2026-07-28). */
export const rpcCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  toolFailed: -32000,
  resourceNotFoundLegacy: -32002,
  missingClientCapability: -32021,
  unsupportedProtocolVersion: -32022,
} as const;

/** The stable words an assistant and a script can branch on (product.md, JSON-RPC). */
export type ToolErrorCode =
  | 'invalid_arguments'
  | 'session_limit'
  | 'session_not_found'
  | 'session_expired'
  | 'connection_refused'
  | 'connection_timeout'
  | 'dns_failure'
  | 'tls_failure'
  | 'auth_failed'
  | 'not_authorized'
  | 'not_connected'
  | 'invalid_topic'
  | 'payload_too_large'
  | 'subscribe_denied'
  | 'publish_denied'
  | 'policy_denied'
  | 'timeout'
  | 'cancelled'
  | 'protocol_error';

/** One failed argument: where it is (JSON Pointer, "" is the whole) and what was expected there. */
export type ArgumentProblem = { path: string; expected: string };

export type ToolErrorData = {
  code: ToolErrorCode;
  /** What failed, one sentence. Never a credential, never raw broker text. */
  message: string;
  /** What to do next, one sentence. */
  hint: string;
  /** Whether the same call may succeed later without a change. */
  retryable: boolean;
  /** MQTT 5 reason code or MQTT 3.1.1 return code, where the broker gave one. */
  reason_code?: number;
  /** The reason code in words. */
  reason?: string;
  /** Only with invalid_arguments: every problem found. */
  problems?: ArgumentProblem[];
};

/** A tool could not do what was asked: `isError` for tools/call, -32000 (or -32602) for a direct method. */
export class ToolError extends Error {
  readonly data: ToolErrorData;

  constructor(
    code: ToolErrorCode,
    message: string,
    hint: string,
    more: Partial<Omit<ToolErrorData, 'code' | 'message' | 'hint'>> = {},
  ) {
    // What a tool could not do is an answer, not a bug: nobody reads its stack, and writing one down costs 10 µs.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.name = 'ToolError';
    this.data = { code, message, hint, retryable: false, ...more };
  }
}
