// Owns the wiring: streams and config in, a running server out. Must not know stdin, argv or signals.
import type { Readable, Writable } from 'node:stream';
import type { Audit } from './audit.ts';
import { guardedCompletions, guardedRead, guardedRun, loadDistrust } from './guard.ts';
import { instructions } from './instructions.ts';
import { frames, type Log } from './log.ts';
import { serveMcp } from './mcp/connection.ts';
import { createPool } from './mqtt/pool.ts';
import { type Profiles, unknownProfile } from './mqtt/profile.ts';
import { loadFormats } from './payload/decode.ts';
import { createPolicy, type Dangers, type Rules } from './policy.ts';
import { createCompletions } from './prompts/completion.ts';
import { createPrompts } from './prompts/index.ts';
import { createResources } from './resources/index.ts';
import { templates } from './resources/uri.ts';
import { createConsent } from './tools/consent.ts';
import { createHeld } from './tools/held.ts';
import { createRegistry, loadHandlers } from './tools/registry.ts';
import { Rooms } from './tools/room.ts';
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
  const { danger_topics: dangerTopics = [] } = rules;
  const dangers: Dangers = async (will) => (await import('./tools/danger.ts')).dangersOfWill(will, dangerTopics);
  const policy = createPolicy({ readOnly, rules, audit, dangers: danger === 'deny' ? dangers : undefined });
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
    {
      pool,
      consent,
      held,
      rooms: new Rooms(),
      danger,
      dangerTopics,
      vitals: createVitals(meter),
    },
    readOnly ? isReading : undefined,
  );
  const redact = rules.redact ?? false;
  const resources = createResources(pool);
  const catalog = {
    tools: { ...registry, run: guardedRun(registry, redact), isMethod: registry.has },
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

/** mqtt.js costs 60 ms to load: once the first request is answered nobody waits for it. */
function loadLater(input: Readable): void {
  const load = () => void Promise.all([loadHandlers(), loadConnect(), loadDistrust()]).catch(() => {});
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
