// Owns who is told of changes: modern subscriptions/listen streams, and the legacy subscriptions of this connection.
import type { Id, Params } from '../rpc/message.ts';
import type { Call } from '../rpc/peer.ts';
import type { Catalog } from './catalog.ts';
import { asObject, invalidParams, requireTasks, type Served, subscriptionIdKey } from './core.ts';

/** Streams at once, and resources followed at once; stops a client from subscribing to everything there is. */
const MAX_STREAMS = 32;
const MAX_FOLLOWED = 100;

type ListName = 'tools' | 'prompts' | 'resources';
type Stream = {
  call: Call;
  lists: Set<ListName>;
  uris: Set<string>;
  taskIds: Set<string>;
  acknowledged: boolean;
  end(result: object): void;
};
type Follow = { users: number; stop: Promise<(() => void) | undefined> };

export type Subscriptions = {
  /** subscriptions/listen: settles only when the server ends it. */
  listen(served: Served): Promise<object>;
  /** Legacy; false: no such resource. */
  subscribe(uri: string): Promise<boolean>;
  unsubscribe(uri: string): void;
  taskChanged(taskId: string, task: object): void;
  /** Ends every stream gracefully and lets go of everything. */
  close(): void;
};

export function createSubscriptions(
  catalog: Catalog,
  notify: (method: string, params?: Params) => void,
  hasLegacyClient: () => boolean,
): Subscriptions {
  const streams = new Map<Id, Stream>();
  const follows = new Map<string, Follow>();
  const legacy = new Set<string>();

  const stamped = (stream: Stream, method: string, params: Params) => {
    if (stream.acknowledged) stream.call.notify(method, { _meta: { [subscriptionIdKey]: stream.call.id }, ...params });
  };
  const listChanged = (list: ListName) => {
    const method = `notifications/${list}/list_changed`;
    // Modern clients are told nothing unasked.
    if (hasLegacyClient()) notify(method);
    for (const stream of streams.values()) if (stream.lists.has(list)) stamped(stream, method, {});
  };
  const updated = (uri: string) => {
    if (legacy.has(uri)) notify('notifications/resources/updated', { uri });
    for (const stream of streams.values())
      if (stream.uris.has(uri)) stamped(stream, 'notifications/resources/updated', { uri });
  };
  catalog.tools.onChanged?.(() => listChanged('tools'));
  catalog.prompts?.onChanged?.(() => listChanged('prompts'));
  catalog.resources?.onChanged?.(() => listChanged('resources'));

  /** One follow a resource, however many want it; false: it does not exist. */
  async function follow(uri: string): Promise<boolean> {
    const source = catalog.resources;
    const known = follows.get(uri);
    if (known) known.users += 1;
    else if (!source?.follow || follows.size >= MAX_FOLLOWED) return false;
    else follows.set(uri, { users: 1, stop: source.follow(uri, () => updated(uri)).catch(() => undefined) });
    if (await follows.get(uri)?.stop) return true;
    release(uri);
    return false;
  }

  function release(uri: string): void {
    const held = follows.get(uri);
    if (!held) return;
    held.users -= 1;
    if (held.users > 0) return;
    follows.delete(uri);
    held.stop.then((stop) => stop?.()).catch(() => {});
  }

  async function listen(served: Served): Promise<object> {
    const { call, params, core } = served;
    const wanted = filterOf(params, catalog);
    if (wanted.taskIds.length > 0) requireTasks(served);
    if (streams.size >= MAX_STREAMS) throw invalidParams(`at most ${MAX_STREAMS} subscriptions at once`);
    return new Promise((resolve) => {
      const stream: Stream = {
        call,
        lists: wanted.lists,
        uris: new Set(),
        taskIds: new Set(),
        acknowledged: false,
        end: resolve,
      };
      streams.set(call.id, stream);
      call.signal.addEventListener('abort', () => drop(stream), { once: true });
      for (const id of wanted.taskIds) if (core.tasks.has(id)) stream.taskIds.add(id);
      Promise.all(wanted.uris.map((uri) => attach(stream, uri))).then(() =>
        acknowledge(stream, wanted.taskIds.length > 0),
      );
    });
  }

  async function attach(stream: Stream, uri: string): Promise<void> {
    if (!(await follow(uri))) return;
    if (streams.get(stream.call.id) === stream) stream.uris.add(uri);
    else release(uri);
  }

  /** Says what is honoured, before anything else on this stream. */
  function acknowledge(stream: Stream, withTasks: boolean): void {
    const lists = Object.fromEntries([...stream.lists].map((list) => [`${list}ListChanged`, true]));
    const uris = stream.uris.size > 0 ? { resourceSubscriptions: [...stream.uris] } : {};
    const tasks = withTasks ? { taskIds: [...stream.taskIds] } : {};
    stream.acknowledged = true;
    stamped(stream, 'notifications/subscriptions/acknowledged', { notifications: { ...lists, ...uris, ...tasks } });
  }

  function drop(stream: Stream): void {
    if (streams.get(stream.call.id) === stream) streams.delete(stream.call.id);
    for (const uri of stream.uris) release(uri);
    stream.uris.clear();
  }

  function close(): void {
    for (const stream of [...streams.values()]) {
      drop(stream);
      const { id } = stream.call;
      // The result first, then the cancel: one page of the specification demands each.
      stream.call.notifyAfter('notifications/cancelled', { requestId: id });
      stream.end({ _meta: { [subscriptionIdKey]: id } });
    }
    for (const uri of legacy) release(uri);
    legacy.clear();
  }

  return {
    listen,
    subscribe: async (uri) => {
      if (legacy.has(uri)) return true;
      const found = await follow(uri);
      if (found && legacy.has(uri)) release(uri);
      if (found) legacy.add(uri);
      return found;
    },
    unsubscribe: (uri) => {
      if (legacy.delete(uri)) release(uri);
    },
    taskChanged: (taskId, task) => {
      for (const stream of streams.values()) {
        if (stream.taskIds.has(taskId)) stamped(stream, 'notifications/tasks', { ...task });
      }
    },
    close,
  };
}

/** Unknown keys are dropped, known ones only honoured where the program can tell. */
function filterOf(params: Params, { tools, prompts, resources }: Catalog) {
  const { notifications } = params;
  if (typeof notifications !== 'object' || notifications === null || Array.isArray(notifications)) {
    throw invalidParams('expected notifications to be an object');
  }
  const filter = asObject(notifications);
  const sources = { tools, prompts, resources };
  const names = ['tools', 'prompts', 'resources'] as const;
  const lists = names.filter((list) => flag(filter, `${list}ListChanged`) && sources[list]?.onChanged !== undefined);
  return { lists: new Set(lists), uris: strings(filter, 'resourceSubscriptions'), taskIds: strings(filter, 'taskIds') };
}

function flag(filter: Params, name: string): boolean {
  const value = filter[name];
  if (value !== undefined && typeof value !== 'boolean') throw invalidParams(`expected ${name} to be a boolean`);
  return value === true;
}

function strings(filter: Params, name: string): string[] {
  const value = filter[name] ?? [];
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string')) {
    throw invalidParams(`expected ${name} to be an array of strings`);
  }
  if (value.length > MAX_FOLLOWED) throw invalidParams(`expected ${name} to have at most ${MAX_FOLLOWED} entries`);
  return [...new Set(value)];
}
