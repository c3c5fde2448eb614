// Owns one program on stdio: which HTTP response each of its lines belongs to. Ids and progress tokens are made unique
// on the way in and put back on the way out, since clients that share a program count alike.
import { type ChildProcess, spawn } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { createInterface } from 'node:readline';
import { isObject, type Params } from '../../src/rpc/message.ts';

const prefix = 'io.modelcontextprotocol/';
export const protocolVersionKey = `${prefix}protocolVersion`;
const subscriptionIdKey = `${prefix}subscriptionId`;
/** Requests in flight; more are refused. */
const MAX_OPEN = 256;
/** From the end of its input to SIGTERM, and from there to SIGKILL, ms. */
const STOP_MS = 2_000;
/** The modern errors that have an HTTP status of their own. */
const statuses = new Map([
  [-32601, 404],
  ...[-32700, -32600, -32020, -32021, -32022].map((code) => [code, 400] as const),
]);

/** One request, and the HTTP response that waits for its answer. */
type Exchange = { request: Params; token: unknown; modern: boolean; response: ServerResponse };

export class Child {
  gone = false;
  readonly #process: ChildProcess;
  readonly #open = new Map<unknown, Exchange>();
  readonly #cancelled = new Set<unknown>();
  #unasked: ServerResponse | undefined;
  #nextId = 1;
  #stopping = false;

  constructor(program: string, args: string[]) {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#receive(line));
    child.stdin.on('error', () => {}); // a program that is gone is noticed by its exit
    child.on('error', (error) => console.error('bridge:', error.message));
    child.on('close', () => this.#end());
  }

  /** Ends its input, as a host does; then insists. */
  stop(): void {
    this.#stopping = true;
    this.#process.stdin?.end();
    const insist = (signal: 'SIGTERM' | 'SIGKILL', after: number) =>
      setTimeout(() => this.#process.kill(signal), after).unref();
    const timers = [insist('SIGTERM', STOP_MS), insist('SIGKILL', 2 * STOP_MS)];
    this.#process.on('close', () => timers.forEach(clearTimeout));
  }

  /** A stream for what belongs to no request. */
  listen(response: ServerResponse): void {
    this.#unasked?.end();
    this.#unasked = response;
    openStream(response);
  }

  /** A notification, or the answer to what the program asked. */
  tell(message: Params): void {
    if (message.method !== 'notifications/cancelled' || !isObject(message.params)) this.#send(message);
    else for (const [id, { request }] of this.#open) if (request.id === message.params.requestId) this.#cancel(id);
  }

  ask(request: Params, response: ServerResponse, modern: boolean): void {
    const id = this.#nextId;
    this.#nextId += 1;
    if (this.#open.size >= MAX_OPEN) {
      response.writeHead(503).end();
      return;
    }
    const params = isObject(request.params) ? request.params : {};
    const meta = isObject(params._meta) ? params._meta : {};
    const token = meta.progressToken;
    this.#open.set(id, { request, token, modern, response });
    response.on('close', () => response.writableFinished || this.#cancel(id));
    if (token === undefined) this.#send({ ...request, id });
    else this.#send({ ...request, id, params: { ...params, _meta: { ...meta, progressToken: id } } });
  }

  #send(message: Params): void {
    this.#process.stdin?.write(`${JSON.stringify(message)}\n`);
  }

  #cancel(id: unknown): void {
    if (!this.#open.delete(id)) return;
    this.#cancelled.add(id);
    this.#send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } });
  }

  #receive(line: string): void {
    const message = parse(line);
    if (typeof message.method !== 'string') this.#answer(message, line);
    else if (message.id === undefined) this.#notification(message, line);
    else this.#deliver(this.#newest(), message, line);
  }

  #answer(message: Params, line: string): void {
    const exchange = this.#open.get(message.id);
    this.#open.delete(message.id);
    if (!exchange) this.#stray(message.id, line);
    else {
      const { request, response } = exchange;
      const result = isObject(message.result) ? { result: restored(message.result, message.id, request.id) } : {};
      const answer = { ...message, id: request.id, ...result };
      if (response.headersSent) response.end(event(answer));
      else {
        response.writeHead(statusOf(exchange, message), { 'Content-Type': 'application/json' });
        response.end(JSON.stringify(answer));
      }
    }
  }

  #notification(message: Params, line: string): void {
    const params = isObject(message.params) ? message.params : {};
    const meta = isObject(params._meta) ? params._meta : {};
    const owner = params.progressToken ?? meta[subscriptionIdKey];
    const exchange = this.#open.get(owner);
    if (exchange) {
      const { request, token, response } = exchange;
      const own =
        params.progressToken === undefined ? restored(params, owner, request.id) : { ...params, progressToken: token };
      this.#deliver(response, { ...message, params: own }, line);
    } else if (owner !== undefined) this.#stray(owner, line);
    else this.#deliver(message.method === 'notifications/message' ? this.#newest() : this.#unasked, message, line);
  }

  /** Where a message goes that names no request but surely belongs to one. */
  #newest(): ServerResponse | undefined {
    const calls = [...this.#open.values()].filter(({ request }) => request.method !== 'subscriptions/listen');
    return calls.at(-1)?.response ?? this.#unasked;
  }

  #deliver(response: ServerResponse | undefined, message: Params, line: string): void {
    if (!response) this.#stray(undefined, line);
    else {
      if (!response.headersSent) openStream(response);
      response.write(event(message));
    }
  }

  /** A line that nobody waits for: a fault, which the suite cannot see. The script that runs it counts these. */
  #stray(owner: unknown, line: string): void {
    if (!this.#stopping && !this.#cancelled.has(owner)) console.error(`stray: ${line.slice(0, 300)}`);
  }

  #end(): void {
    this.gone = true;
    for (const { response } of this.#open.values()) response.destroy();
    this.#open.clear();
    this.#unasked?.end();
  }
}

/** The modern era's rule; legacy errors travel with 200. */
function statusOf({ modern, request }: Exchange, { error }: Params): number {
  if (!modern || !isObject(error)) return 200;
  if (error.code === -32602) return hasEnvelope(request) ? 200 : 400;
  return statuses.get(Number(error.code)) ?? 200;
}

function hasEnvelope({ params }: Params): boolean {
  const meta = isObject(params) && isObject(params._meta) ? params._meta : {};
  return typeof meta[protocolVersionKey] === 'string' && isObject(meta[`${prefix}clientCapabilities`]);
}

/** The client's own id where the bridge's stands in `_meta`. */
function restored(holder: Params, ours: unknown, theirs: unknown): Params {
  const { _meta: meta } = holder;
  if (!isObject(meta) || meta[subscriptionIdKey] !== ours) return holder;
  return { ...holder, _meta: { ...meta, [subscriptionIdKey]: theirs } };
}

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' }).flushHeaders();
}

function event(message: Params): string {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`;
}

function parse(line: string): Params {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
