// Owns the tasks extension (modern only): calls that go on while the client does something else and asks for them later.
import { RpcError, rpcCode } from '../errors.ts';
import { Cancelled } from '../rpc/call.ts';
import { isObject, type Params } from '../rpc/message.ts';
import type { CallContext, InputRequest } from './catalog.ts';
import { supports } from './context.ts';
import { after, invalidParams, requireTasks, type Served, stringParam } from './core.ts';
import { type Earlier, needsInput, type Round, requireSupport, resumed } from './elicitation.ts';

/** Tasks kept at once, running or done; stops a client that starts and never fetches. */
const MAX_TASKS = 64;
/** How long a task that has ended can still be fetched, ms. */
const TTL_MS = 600_000;
const POLL_MS = 1_000;

type Status = 'working' | 'input_required' | 'completed' | 'failed' | 'cancelled';
type Task = {
  readonly id: string;
  readonly createdAt: string;
  readonly controller: AbortController;
  updatedAt: string;
  status: Status;
  /** How far it is, in words. */
  statusMessage?: string;
  result?: object;
  error?: { code: number; message: string; data?: unknown };
  inputRequests?: Record<string, InputRequest>;
  /** By the key it was asked under, the key of the handler. A key is never used again in a task. */
  readonly keys: Map<string, string>;
  answers: Record<string, unknown>;
  answered: () => void;
};

export type Tasks = {
  /** Starts the work and returns the handle at once. */
  start(served: Served, round: Round<object>): object | Promise<object>;
  get(served: Served): object;
  update(served: Served): object;
  cancel(served: Served): object;
  has(id: string): boolean;
  close(): void;
};

export function createTasks(changed: (id: string, task: object) => void, report: (error: unknown) => void): Tasks {
  const tasks = new Map<string, Task>();

  function start(served: Served, round: Round<object>): object | Promise<object> {
    return after(resumed(served), (earlier) => begin(served, round, earlier));
  }

  function begin(served: Served, round: Round<object>, earlier: Earlier): object {
    makeRoom();
    const now = new Date().toISOString();
    const task: Task = {
      id: crypto.randomUUID(),
      createdAt: now,
      updatedAt: now,
      controller: new AbortController(),
      status: 'working',
      keys: new Map(),
      answers: {},
      answered: () => {},
    };
    tasks.set(task.id, task);
    work(task, served, round, earlier).then(
      (result) => end(task, 'completed', { result }),
      (error: unknown) => end(task, 'failed', { error: failure(error) }),
    );
    return { ...shape(task), resultType: 'task' };
  }

  /** The task that has been over for longest goes first. */
  function makeRoom(): void {
    if (tasks.size < MAX_TASKS) return;
    const over = [...tasks.values()].filter(isOver);
    const [oldest] = over.sort((a, b) => (a.updatedAt < b.updatedAt ? -1 : 1));
    if (!oldest)
      throw new RpcError(rpcCode.toolFailed, `At most ${MAX_TASKS} tasks at once; cancel one, or wait for one`);
    tasks.delete(oldest.id);
  }

  async function work(task: Task, served: Served, round: Round<object>, earlier: Earlier): Promise<object> {
    const { controller } = task;
    // No progress and no log are sent for tasks: their state is fetched.
    const context: CallContext = {
      signal: controller.signal,
      get aborted() {
        return controller.signal.aborted;
      },
      progress: ({ message }) => {
        if (message !== undefined) task.statusMessage = message;
      },
      log: () => {},
      supports: (kind) => supports(served, kind),
      ...earlier,
    };
    for (;;) {
      const result = await round(context);
      // What was cancelled asks nothing more.
      controller.signal.throwIfAborted();
      if (!needsInput(result)) return result;
      requireSupport(served, result);
      context.answers = await ask(task, result.input);
      context.state = result.state;
    }
  }

  /** Partial answers leave the rest pending. */
  async function ask(task: Task, input: Record<string, InputRequest>): Promise<Record<string, unknown>> {
    task.answers = {};
    const open = Object.entries(input).map(([key, request]) => [newKey(task, key), request] satisfies [string, object]);
    task.inputRequests = Object.fromEntries(open);
    move(task, 'input_required');
    const { signal } = task.controller;
    while (Object.keys(task.inputRequests).length > 0) {
      await new Promise<void>((resolve, reject) => {
        task.answered = resolve;
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    }
    delete task.inputRequests;
    move(task, 'working');
    return task.answers;
  }

  function move(task: Task, status: Status): void {
    task.status = status;
    task.updatedAt = new Date().toISOString();
    changed(task.id, shape(task));
  }

  function end(task: Task, status: Status, outcome: Pick<Task, 'result' | 'error'>): void {
    if (isOver(task)) return;
    Object.assign(task, outcome);
    delete task.inputRequests;
    delete task.statusMessage;
    move(task, status);
    setTimeout(() => tasks.delete(task.id), TTL_MS).unref();
  }

  function failure(error: unknown): { code: number; message: string; data?: unknown } {
    if (error instanceof RpcError) {
      const { code, message, data } = error;
      return data === undefined ? { code, message } : { code, message, data };
    }
    if (!(error instanceof Cancelled)) report(error);
    return { code: rpcCode.internalError, message: 'Internal error' };
  }

  function find(served: Served): Task {
    requireTasks(served);
    const task = tasks.get(stringParam(served.params, 'taskId'));
    if (!task) throw invalidParams('no such task');
    return task;
  }

  function update(served: Served): object {
    const task = find(served);
    const { inputResponses } = served.params;
    if (!isObject(inputResponses)) throw invalidParams('expected inputResponses to be an object');
    for (const [key, answer] of Object.entries(inputResponses)) {
      if (!task.inputRequests || !Object.hasOwn(task.inputRequests, key)) continue;
      delete task.inputRequests[key];
      task.answers[task.keys.get(key) ?? key] = answer;
    }
    task.answered();
    return {};
  }

  function cancel(served: Served): object {
    const task = find(served);
    if (isOver(task)) return {};
    task.controller.abort(new Cancelled('the task was cancelled'));
    end(task, 'cancelled', {});
    return {};
  }

  return {
    start,
    get: (served) => shape(find(served)),
    update,
    cancel,
    has: (id) => tasks.has(id),
    close: () => {
      for (const task of tasks.values()) task.controller.abort(new Cancelled('the server is shutting down'));
      tasks.clear();
    },
  };
}

function newKey({ keys }: Task, wanted: string): string {
  for (let n = 1; ; n += 1) {
    const key = n === 1 ? wanted : `${wanted}-${n}`;
    if (keys.has(key)) continue;
    keys.set(key, wanted);
    return key;
  }
}

function isOver({ status }: Task): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

/** The flat shape of the extension: no wrapper, only what belongs to the status. */
function shape(task: Task): Params {
  const { id, status, statusMessage, createdAt, updatedAt, result, error, inputRequests } = task;
  return {
    taskId: id,
    status,
    ...(statusMessage === undefined ? {} : { statusMessage }),
    createdAt,
    lastUpdatedAt: updatedAt,
    ttlMs: TTL_MS,
    pollIntervalMs: POLL_MS,
    ...(result === undefined ? {} : { result }),
    ...(error === undefined ? {} : { error }),
    ...(inputRequests === undefined ? {} : { inputRequests }),
  };
}
