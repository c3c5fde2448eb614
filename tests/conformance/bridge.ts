// Owns HTTP: makes a program that speaks MCP on stdio look like a Streamable HTTP server, for the conformance suite,
// which knows no other transport. Loopback only, bounded, no resumption. Must not repair what the program says.
// Usage: bridge PROGRAM [ARGUMENT...]; prints its address; ends, with its children, when its input does.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { isId, isObject, type Params } from '../../src/rpc/message.ts';
import { Child, protocolVersionKey } from './bridge-child.ts';

const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Legacy sessions at once; the oldest makes way. */
const MAX_SESSIONS = 8;
const HEADER_MISMATCH = -32020;

const [program = '', ...args] = process.argv.slice(2);
const sessions = new Map<string, Child>();
let shared = new Child(program, args);

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    console.error('bridge:', error);
    response.destroy();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address) console.log(`http://127.0.0.1:${address.port}/mcp`);
});
process.stdin.on('end', end).resume();
process.on('SIGTERM', end);
process.on('SIGINT', end);

function end(): void {
  server.close();
  server.closeAllConnections();
  for (const child of [shared, ...sessions.values()]) child.stop();
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { host, origin } = request.headers;
  // A page of the web may have made its own name point here.
  const local = isLoopback(`http://${host}`) && (origin === undefined || isLoopback(origin));
  if (!local) refuse(response, 403, 'Host and Origin must be local');
  else if (request.method === 'POST') await post(request, response);
  else if (request.method === 'GET') withSession(request, response, 405, (child) => child.listen(response));
  else if (request.method === 'DELETE') withSession(request, response, 405, (_, id) => close(id, response));
  else refuse(response, 405, 'Method Not Allowed');
}

async function post(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const message = await messageOf(request);
  if (!message) refuse(response, 400, 'The body is not one JSON object', -32700);
  else if (isModern(request, message)) {
    const fault = headerFault(request, message);
    if (shared.gone) shared = new Child(program, args);
    if (fault) refuse(response, 400, fault, HEADER_MISMATCH, message.id);
    else pass(shared, message, response, true);
  } else if (message.method === 'initialize') openSession(message, response);
  else withSession(request, response, 400, (child) => pass(child, message, response, false));
}

function pass(child: Child, message: Params, response: ServerResponse, modern: boolean): void {
  if (typeof message.method === 'string' && isId(message.id)) child.ask(message, response, modern);
  else {
    child.tell(message);
    response.writeHead(202).end();
  }
}

function openSession(message: Params, response: ServerResponse): void {
  const [oldest] = sessions.keys();
  if (oldest !== undefined && sessions.size >= MAX_SESSIONS) close(oldest);
  const id = randomUUID();
  const child = new Child(program, args);
  sessions.set(id, child);
  response.setHeader('Mcp-Session-Id', id);
  pass(child, message, response, false);
}

function withSession(
  request: IncomingMessage,
  response: ServerResponse,
  without: number,
  use: (child: Child, id: string) => void,
): void {
  const id = header(request, 'mcp-session-id');
  const child = sessions.get(id ?? '');
  if (id !== undefined && child && !child.gone) use(child, id);
  else refuse(response, id === undefined ? without : 404, 'No such session');
}

function close(id: string, response?: ServerResponse): void {
  sessions.get(id)?.stop();
  sessions.delete(id);
  response?.writeHead(204).end();
}

/** An envelope, or a header with a version that only the modern era knows. */
function isModern(request: IncomingMessage, message: Params): boolean {
  return versionOf(message) !== undefined || (header(request, 'mcp-protocol-version') ?? '') >= '2026';
}

function versionOf({ params }: Params): unknown {
  return isObject(params) && isObject(params._meta) ? params._meta[protocolVersionKey] : undefined;
}

const nameKeys: Record<string, string> = {
  'tools/call': 'name',
  'prompts/get': 'name',
  'resources/read': 'uri',
  'tasks/get': 'taskId',
  'tasks/update': 'taskId',
  'tasks/cancel': 'taskId',
};

/** SEP-2243: headers repeat what the body says, for those on the way who do not read bodies. */
function headerFault(request: IncomingMessage, message: Params): string | undefined {
  const method = String(message.method);
  const params = isObject(message.params) ? message.params : {};
  const expected = {
    'mcp-protocol-version': versionOf(message),
    'mcp-method': message.method,
    'mcp-name': params[nameKeys[method] ?? ''],
  };
  const wrong = Object.entries(expected).find(
    ([name, value]) => value !== undefined && header(request, name) !== value,
  );
  return wrong && `The header ${wrong[0]} differs from the body`;
}

function header({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  if (typeof value !== 'string') return undefined;
  const base64 = /^=\?base64\?(.*)\?=$/.exec(value)?.[1];
  return base64 === undefined ? value : Buffer.from(base64, 'base64').toString();
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(url).hostname);
}

async function messageOf(request: IncomingMessage): Promise<Params | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(chunks).toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refuse(response: ServerResponse, status: number, message: string, code = -32600, id?: unknown): void {
  const error = { jsonrpc: '2.0', ...(isId(id) ? { id } : {}), error: { code, message } };
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(error));
}
