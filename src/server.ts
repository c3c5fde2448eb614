// Owns the wiring: streams and config in, a running server out. Must not know stdin, argv or signals.
import type { Readable, Writable } from 'node:stream';
import type { Audit } from './audit.ts';
import { instructions } from './instructions.ts';
import { frames, type Log } from './log.ts';
import { serveMcp } from './mcp/connection.ts';
import { createPool } from './mqtt/pool.ts';
import { type Profiles, unknownProfile } from './mqtt/profile.ts';
import { loadFormats } from './payload/decode.ts';
import { createPolicy, type Rules } from './policy.ts';
import { type Completions, createCompletions } from './prompts/completion.ts';
import { createPrompts } from './prompts/index.ts';
import { createResources, type Resources } from './resources/index.ts';
import { templates } from './resources/uri.ts';
import { createConsent } from './tools/consent.ts';
import { createHeld } from './tools/held.ts';
import { createRegistry, loadHandlers, type Registry } from './tools/registry.ts';
import type { Outcome, Question } from './tools/tool.ts';
import { examined, notice, redacted } from './untrusted.ts';
import { icons, name, title, version } from './version.ts';
import { createVitals, type Meter } from './vitals.ts';

export type ServerOptions = {
  input: Readable;
  output: Writable;
  log: Log;
  profiles: Profiles;
  readOnly: boolean;
  /** What whoever runs it lets it do. */
  rules?: Rules;
  /** Where every write is put on record. */
  audit?: Audit | undefined;
  /** What is done about a write that a person should decide. */
  danger: 'ask' | 'deny' | 'allow';
  /** How long calls in flight get once the input has ended, ms. */
  drainMs: number;
  /** What the process knows of itself. */
  meter: Meter;
  /** Ends sessions after this long without use, ms; for tests. */
  ttlMs?: number;
};

export type Server = {
  /** Resolves when the last answer is out and every session has sent DISCONNECT. */
  closed: Promise<void>;
  /** As if the input had ended. */
  shutdown(): void;
};

/** How long sessions may take to say goodbye, ms. */
const CLOSE_TIMEOUT_MS = 2_000;
/** From the first request to the loading of what a connect needs, ms. */
const LOAD_DELAY_MS = 2;

export function createServer({
  input,
  output,
  log,
  profiles,
  readOnly,
  rules = {},
  audit,
  danger,
  drainMs,
  meter,
  ttlMs,
}: ServerOptions): Server {
  const policy = createPolicy({ readOnly, rules, audit });
  const pool = createPool({
    connect: async (...args) => {
      // What reads payloads is there before the first message can be.
      const [{ connect }] = await Promise.all([loadConnect(), loadFormats()]);
      return connect(...args);
    },
    profiles,
    policy,
    ...(ttlMs === undefined ? {} : { ttlMs }),
  });
  const token = () => Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('base64url');
  const consent = createConsent(token);
  const held = createHeld(token);
  const registry = createRegistry(
    { pool, consent, held, danger, dangerTopics: rules.danger_topics ?? [], vitals: createVitals(meter) },
    readOnly ? isReading : undefined,
  );
  const redact = rules.redact ?? false;
  const resources = createResources(pool);
  const catalog = {
    tools: { ...registry, run: guarded(registry, redact), isMethod: registry.has },
    resources: { ...resources, read: guardedRead(resources, redact) },
    prompts: createPrompts(),
    completions: guardedCompletions(createCompletions(pool, Object.values(templates)), redact),
    // MCP Apps: what the tools link to is among the resources.
    extensions: { 'io.modelcontextprotocol/ui': {} },
  };
  const peer = serveMcp({
    input,
    output,
    catalog,
    server: { name, title, version, icons },
    instructions,
    drainMs,
    report: (event, error) => {
      if (event === 'bug') log.error('bug', { at: frames(error) });
      else log.warn('bad line', { why: String(error) });
    },
  });
  loadLater(input);
  const closed = peer.closed.then(async () => {
    const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref());
    await Promise.race([pool.closeAll(), late]);
  });
  return { closed, shutdown: () => peer.shutdown() };
}

/** Answers of what this server counted and its caller said, given many times a second: they pass as they are. */
const OWN_WORDS = new Set(['close_connection', 'list_active_connections']);
/** Of a broker it has at most a client id, which is looked at. */
const NEARLY_OWN = 'establish_connection';

/** Every result of a tool, a page and a task's result too; and what a person is asked. */
function guarded({ run }: Registry, redact: boolean): Registry['run'] {
  const guard = (outcome: Outcome, name: string): Outcome => {
    if ('input' in outcome) return redact ? redactedQuestion(outcome) : outcome;
    if (!('value' in outcome) || isReceipt(outcome.value)) return outcome;
    const value = examined(outcome.value, redact);
    return name === NEARLY_OWN && value === outcome.value ? outcome : { value, notice };
  };
  return (name, args, context) => {
    const outcome = run(name, args, context);
    if (OWN_WORDS.has(name)) return outcome;
    return outcome instanceof Promise ? outcome.then((one) => guard(one, name)) : guard(outcome, name);
  };
}

/** A person who is asked reads a part of what is stored. */
function redactedQuestion(question: Question): Question {
  const input = Object.entries(question.input).map(([key, { method, params }]) => {
    const { message } = params;
    return [key, { method, params: typeof message === 'string' ? { ...params, message: redacted(message) } : params }];
  });
  return { ...question, input: Object.fromEntries(input) };
}

/** What a publish answers, many times a second: it has no word of a broker. */
function isReceipt(value: object): boolean {
  return 'status' in value && value.status === 'published';
}

function guardedRead({ read }: Resources, redact: boolean): Resources['read'] {
  const guard = (content: object): object =>
    'value' in content && typeof content.value === 'object' && content.value !== null
      ? { ...content, value: { notice, ...examined(content.value, redact) } }
      : content;
  return async (...call) => (await read(...call))?.map(guard);
}

/** Topics: no prefix of a secret is completed to it. */
function guardedCompletions({ complete }: Completions, redact: boolean): Completions {
  if (!redact) return { complete };
  return {
    complete: (request) => {
      const found = complete(request);
      return found && { ...found, values: found.values.filter((value) => redacted(value) === value) };
    },
  };
}

/** mqtt.js costs 60 ms to load: once the first request is answered nobody waits for it. */
function loadLater(input: Readable): void {
  const load = () => void Promise.all([loadHandlers(), loadConnect()]).catch(() => {});
  input.once('data', () => setTimeout(load, LOAD_DELAY_MS).unref());
}

const loadConnect = () => import('./mqtt/connect.ts');

function isReading({ destructive }: { destructive: boolean }): boolean {
  return !destructive;
}

export const noProfiles: Profiles = {
  names: () => [],
  open: async () => {
    throw unknownProfile([]);
  },
};
