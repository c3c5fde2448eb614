// Owns the JSON-RPC 2.0 message shapes: pure decode and encode. Must not know any method.
import { RpcError, rpcCode } from '../errors.ts';

export type Id = string | number;
export type Params = Record<string, unknown>;

export type Request = { kind: 'request'; id: Id; method: string; params: Params | undefined };
export type Notification = { kind: 'notification'; method: string; params: Params | undefined };
/** `id` is undefined where it could not be read: then it answers nothing. */
export type Response = { kind: 'response'; id: Id | undefined; result: unknown; error: RpcError | undefined };
/** Not a message; `id` where it could still be read. */
export type Invalid = { kind: 'invalid'; id: Id | undefined; error: RpcError };
export type Single = Request | Notification | Response | Invalid;
export type Decoded = Single | { kind: 'batch'; items: Single[] };

/** Decodes one line. Never throws: what is wrong comes back as `invalid` with the error to answer. */
export function decode(text: string): Decoded {
  let value: unknown;
  try {
    // RFC 8259 section 8.1: a byte order mark may be ignored; some shells put one before what they pipe.
    value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    // The parser's own message quotes the input, which may hold a credential.
    return invalid(rpcCode.parseError, 'Parse error: the line is not valid JSON');
  }
  if (!Array.isArray(value)) return decodeOne(value);
  if (value.length === 0) return invalid(rpcCode.invalidRequest, 'Invalid request: an empty batch');
  return { kind: 'batch', items: value.map(decodeOne) };
}

function decodeOne(value: unknown): Single {
  if (!isObject(value)) return invalid(rpcCode.invalidRequest, 'Invalid request: expected a JSON object');
  const { id, method, params } = value;
  const readable = isId(id) ? id : undefined;
  // First, because a response is never answered, not even a bad one.
  if (method === undefined && ('result' in value || 'error' in value)) return decodeResponse(value, readable);
  if (value.jsonrpc !== '2.0') return badRequest('expected "jsonrpc": "2.0"', readable);
  if (typeof method !== 'string') return badRequest('expected "method" to be a string', readable);
  if ('id' in value && readable === undefined) {
    return badRequest('expected "id" to be a string or an integer', readable);
  }
  if (params !== undefined && !isObject(params)) {
    if (readable === undefined) return { kind: 'notification', method, params: undefined };
    return invalid(rpcCode.invalidParams, 'Invalid params: expected "params" to be an object', readable);
  }
  if (readable === undefined) return { kind: 'notification', method, params };
  return { kind: 'request', id: readable, method, params };
}

function decodeResponse(value: Params, id: Id | undefined): Response {
  if (!('error' in value)) return { kind: 'response', id, result: value.result, error: undefined };
  const error = isObject(value.error) ? value.error : {};
  const code = typeof error.code === 'number' ? error.code : rpcCode.internalError;
  const message = typeof error.message === 'string' ? error.message : 'unknown error';
  return { kind: 'response', id, result: undefined, error: new RpcError(code, message, error.data) };
}

function badRequest(why: string, id: Id | undefined): Invalid {
  return invalid(rpcCode.invalidRequest, `Invalid request: ${why}`, id);
}

function invalid(code: number, message: string, id?: Id): Invalid {
  return { kind: 'invalid', id, error: new RpcError(code, message) };
}

export function isObject(value: unknown): value is Params {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** MCP: a string or an integer, never null. */
export function isId(value: unknown): value is Id {
  return typeof value === 'string' || Number.isSafeInteger(value);
}

export function encodeResult(id: Id, result: unknown): string {
  return `{"jsonrpc":"2.0","id":${encodeId(id)},"result":${encodeValue(result)}}`;
}

/** Text that toJson made already. As a field of a result it is sent as it is; anywhere deeper it is read again. */
export class Json {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toJSON(): unknown {
    return JSON.parse(this.text);
  }
}

/** Json among the fields goes in as it is: nothing is encoded twice, nor searched twice for what is invisible. */
function encodeValue(result: unknown): string {
  if (!isObject(result)) return toJson(result);
  let plain = true;
  for (const key in result) if (result[key] instanceof Json) plain = false;
  if (plain) return toJson(result);
  let fields = '';
  for (const key in result) {
    const value = result[key];
    if (value === undefined) continue;
    const text = value instanceof Json ? value.text : toJson(value);
    fields += `${fields === '' ? '' : ','}${JSON.stringify(key)}:${text}`;
  }
  return `{${fields}}`;
}

function encodeId(id: Id): string {
  return typeof id === 'number' ? String(id) : JSON.stringify(id);
}

/** The id is left out where none could be read: no MCP schema allows null there. */
export function encodeError(id: Id | undefined, error: RpcError): string {
  const { code, message, data } = error;
  const body = toJson(data === undefined ? { code, message } : { code, message, data });
  return id === undefined
    ? `{"jsonrpc":"2.0","error":${body}}`
    : `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"error":${body}}`;
}

export function encodeNotification(method: string, params: unknown): string {
  return toJson(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params });
}

export function encodeRequest(id: Id, method: string, params: unknown): string {
  return toJson({ jsonrpc: '2.0', id, method, params });
}

// C1 controls and DEL, soft hyphen, zero-width, bidirectional, invisible operators and letters, BOM, annotation and tag
// characters, variation selectors that carry bytes. Those of emoji are left.
const invisible =
  /[\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\u034f|\u17b4|\u17b5|\u180b|\u180c|\u180d|\udb40[\udc00-\uddef]/g;

/** Compact JSON in which characters that a reader cannot see, or that reorder what he sees, stand as \u escapes. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value) ?? 'null';
  return json.search(invisible) === -1 ? json : json.replace(invisible, escapeUnits);
}

function escapeUnits(text: string): string {
  return Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join(
    '',
  );
}
