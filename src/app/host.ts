// Owns the talk with the host: JSON-RPC over postMessage, as MCP Apps (SEP-1865, 2026-01-26) has it. Must not know what
// is shown. Written by hand: the official library brings the whole SDK along, five times what this document may weigh.
import { isRecord } from '../payload/types.ts';

const PROTOCOL_VERSION = '2026-01-26';
const NOT_FOUND = -32_601;

/** What may come from the host, once it knows that this is there. */
export type Listener = {
  input(args: Record<string, unknown>): void;
  result(result: Record<string, unknown>): void;
  cancelled(): void;
  context(context: Record<string, unknown>): void;
  teardown(): void;
};

type Waiting = { resolve: (result: Record<string, unknown>) => void; reject: (error: Error) => void };

export class Host {
  /** Whether tools may be called from here. */
  canCall = false;
  readonly #listener: Listener;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(listener: Listener) {
    this.#listener = listener;
    window.addEventListener('message', (event) => {
      // Any window may post to this one; only the one around it is the host.
      if (event.source === window.parent && isRecord(event.data) && event.data.jsonrpc === '2.0')
        this.#take(event.data);
    });
  }

  async connect(): Promise<void> {
    const answer = await this.#request('ui/initialize', {
      appInfo: { name: 'bitsperity-mqtt-mcp', version: '1' },
      appCapabilities: { availableDisplayModes: ['inline', 'fullscreen'] },
      protocolVersion: PROTOCOL_VERSION,
    });
    this.canCall = isRecord(answer.hostCapabilities) && isRecord(answer.hostCapabilities.serverTools);
    if (isRecord(answer.hostContext)) this.#listener.context(answer.hostContext);
    this.#notify('ui/notifications/initialized', {});
  }

  /** The tool's result, an error of it included. */
  callTool(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    return this.#request('tools/call', { name, arguments: args });
  }

  /** Asks; what comes of it the host tells as its context. */
  async showAs(mode: 'inline' | 'fullscreen'): Promise<void> {
    const answer = await this.#request('ui/request-display-mode', { mode });
    if (typeof answer.mode === 'string') this.#listener.context({ displayMode: answer.mode });
  }

  sizeChanged(width: number, height: number): void {
    this.#notify('ui/notifications/size-changed', { width, height });
  }

  #take(message: Record<string, unknown>): void {
    const { id, method, params } = message;
    if (typeof method === 'string') {
      const given = isRecord(params) ? params : {};
      if (id === undefined) this.#told(method, given);
      else this.#asked(id, method);
    } else if (typeof id === 'number') {
      this.#answered(id, message);
    }
  }

  #told(method: string, params: Record<string, unknown>): void {
    if (method === 'ui/notifications/tool-input') {
      this.#listener.input(isRecord(params.arguments) ? params.arguments : {});
    } else if (method === 'ui/notifications/tool-result') this.#listener.result(params);
    else if (method === 'ui/notifications/tool-cancelled') this.#listener.cancelled();
    else if (method === 'ui/notifications/host-context-changed') this.#listener.context(params);
  }

  #asked(id: unknown, method: string): void {
    if (method === 'ui/resource-teardown') this.#listener.teardown();
    const known = method === 'ui/resource-teardown' || method === 'ping';
    this.#post(known ? { id, result: {} } : { id, error: { code: NOT_FOUND, message: 'Method not found' } });
  }

  #answered(id: number, { result, error }: Record<string, unknown>): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (isRecord(result)) waiting?.resolve(result);
    else waiting?.reject(new Error(isRecord(error) ? String(error.message) : 'the host did not answer'));
  }

  #request(method: string, params: object): Promise<Record<string, unknown>> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ id, method, params });
    });
  }

  #notify(method: string, params: object): void {
    this.#post({ method, params });
  }

  /** A sandboxed document does not know its host's origin; what is posted here is no secret to whoever embeds it. */
  #post(message: object): void {
    window.parent.postMessage({ jsonrpc: '2.0', ...message }, '*');
  }
}
