// Owns who is told of changes: modern subscriptions/listen streams, and the legacy subscriptions of this connection.
import type { Call } from '../rpc/call.ts';
import type { Id, Params } from '../rpc/message.ts';
import type { Catalog } from './catalog.ts';
import { asObject, invalidParams, requireTasks, type Served, subscriptionIdKey } from './core.ts';

/** Streams at once, and resources followed at once; stops a client from subscribing to everything there is. */
const MAX_STREAMS = 32;
const MAX_FOLLOWED = 100;

type ListName = 'tools' | 'prompts' | 'resources';
type Stream = {
  call: Call;
  lists: Set<ListName>;
  taskIds: Set<string>;
  acknowledged: boolean;
  end(result: object): void;
};
/** One resource that is being followed, and by whom; `started` is false where there is no such resource. */
type Follow = { users: Set<Stream | 'legacy'>; started: Promise<boolean>; stop: () => void };

export type Subscriptions = {
  /** subscriptions/listen: settles only when the server ends it. */
  listen(served: Served): Promise<object>;
  /** Legacy; false: no such resource. */
  subscribe(uri: string): Promise<boolean>;
  unsubscribe(uri: string): void;
  /** Legacy. */
  isSubscribed(uri: string): boolean;
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

  const stamped = (stream: Stream, method: string, params: Params) => {
    if (stream.acknowledged) stream.call.notify(method, { _meta: { [subscriptionIdKey]: stream.call.id }, ...params });
  };
  const listChanged = (list: ListName) => {
    const method = `notifications/${list}/list_changed`;
    // Modern clients are told nothing unasked.
    if (hasLegacyClient()) notify(method);
    for (const stream of streams.values()) if (stream.lists.has(list)) stamped(stream, method, {});
  };
  const updated = (uri: string, { users }: Follow) => {
    const method = 'notifications/resources/updated';
    for (const user of users) user === 'legacy' ? notify(method, { uri }) : stamped(user, method, { uri });
  };
  catalog.tools.onChanged?.(() => listChanged('tools'));
  catalog.prompts?.onChanged?.(() => listChanged('prompts'));
  catalog.resources?.onChanged?.(() => listChanged('resources'));

  /** One follow a resource, however many want it; false: it does not exist. */
  async function join(uri: string, user: Stream | 'legacy'): Promise<boolean> {
    const follow = follows.get(uri) ?? begin(uri);
    follow.users.add(user);
    return follow.started;
  }

  function begin(uri: string): Follow {
    if (follows.size >= MAX_FOLLOWED) throw invalidParams(`at most ${MAX_FOLLOWED} resources are followed at once`);
    const follow: Follow = { users: new Set(), started: Promise.resolve(false), stop: () => {} };
    follows.set(uri, follow);
    follow.started = start(uri, follow);
    return follow;
  }

  async function start(uri: string, follow: Follow): Promise<boolean> {
    const changed = (over?: 'over') => {
      updated(uri, follow);
      if (over) end(uri, follow);
    };
    try {
      const stop = await catalog.resources?.follow?.(uri, changed);
      if (stop) follow.stop = stop;
      // Nobody may want it any more.
      if (!stop || follow.users.size === 0) end(uri, follow);
      return stop !== undefined;
    } catch (error) {
      end(uri, follow);
      throw error;
    }
  }

  function leave(uri: string, user: Stream | 'legacy'): void {
    const follow = follows.get(uri);
    if (follow?.users.delete(user) && follow.users.size === 0) end(uri, follow);
  }

  function end(uri: string, follow: Follow): void {
    if (follows.get(uri) === follow) follows.delete(uri);
    follow.users.clear();
    follow.stop();
  }

  async function listen(served: Served): Promise<object> {
    const { call, params, core } = served;
    const wanted = filterOf(params, catalog);
    if (wanted.taskIds.length > 0) requireTasks(served);
    if (streams.size >= MAX_STREAMS) throw invalidParams(`at most ${MAX_STREAMS} subscriptions at once`);
    return new Promise((resolve) => {
      const stream: Stream = { call, lists: wanted.lists, taskIds: new Set(), acknowledged: false, end: resolve };
      streams.set(call.id, stream);
      call.signal.addEventListener('abort', () => drop(stream), { once: true });
      for (const id of wanted.taskIds) if (core.tasks.has(id)) stream.taskIds.add(id);
      // What cannot be followed is left out of what is acknowledged.
      const joined = wanted.uris.map((uri) => join(uri, stream).catch(() => false));
      Promise.all(joined).then(() => acknowledge(stream, wanted.taskIds.length > 0));
    });
  }

  /** Says what is honoured, before anything else on this stream. */
  function acknowledge(stream: Stream, withTasks: boolean): void {
    const lists = Object.fromEntries([...stream.lists].map((list) => [`${list}ListChanged`, true]));
    const honoured = urisOf(stream);
    const uris = honoured.length > 0 ? { resourceSubscriptions: honoured } : {};
    const tasks = withTasks ? { taskIds: [...stream.taskIds] } : {};
    stream.acknowledged = true;
    stamped(stream, 'notifications/subscriptions/acknowledged', { notifications: { ...lists, ...uris, ...tasks } });
  }

  function urisOf(user: Stream | 'legacy'): string[] {
    return [...follows].flatMap(([uri, { users }]) => (users.has(user) ? [uri] : []));
  }

  function drop(stream: Stream): void {
    if (streams.get(stream.call.id) === stream) streams.delete(stream.call.id);
    for (const uri of urisOf(stream)) leave(uri, stream);
  }

  function close(): void {
    for (const stream of [...streams.values()]) {
      drop(stream);
      const { id } = stream.call;
      // The result first, then the cancel: one page of the specification demands each.
      stream.call.notifyAfter('notifications/cancelled', { requestId: id });
      stream.end({ _meta: { [subscriptionIdKey]: id } });
    }
    for (const uri of urisOf('legacy')) leave(uri, 'legacy');
  }

  return {
    listen,
    subscribe: (uri) => join(uri, 'legacy'),
    unsubscribe: (uri) => leave(uri, 'legacy'),
    isSubscribed: (uri) => follows.get(uri)?.users.has('legacy') ?? false,
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
