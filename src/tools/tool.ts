// Owns a handler's whole world: what a tool is, what it gets, what it may give back. Must not know JSON-RPC.
import type { ToolErrorData } from '../errors.ts';
import type { ToolName } from '../generated/definitions.ts';
import type { ToolArgs, ToolResults } from '../generated/types.ts';
import type { Pool } from '../mqtt/types.ts';
import type { Room } from '../payload/types.ts';
import type { Consent } from './consent.ts';
import type { Held } from './held.ts';

/** The MCP Tool object of schemas/<name>.json. */
export type ToolDefinition = {
  name: string;
  title: string;
  description: string;
  inputSchema: object;
  outputSchema: object;
  annotations: object;
  icons: object[];
  /** Where an App shows its results. */
  _meta?: object;
};

/** One problem as ajv reports it. */
export type ValidationError = {
  instancePath: string;
  keyword: string;
  params: Record<string, unknown>;
  message?: string;
};

/** A generated validator: fills in defaults, returns whether the data fits, leaves what does not in `errors`. */
export type Validate<Args> = { (data: unknown): data is Args; errors?: ValidationError[] | null };

/** What a wait says of itself; `total` in seconds. */
export type Words = { message: string; total?: number };

/** How far a long call is. Numbers rise; `total` is in the same unit. */
export type Progress = Words & { progress: number };

/** What one call brings along, whoever made it. */
export type CallContext = {
  /** Aborted when the caller no longer wants the result, or the server is going down. */
  readonly signal: AbortSignal;
  /** Whether it is aborted already; cheaper than the signal, which is made when it is first read. */
  readonly aborted: boolean;
  /** Tells the caller how far it is; free where he did not ask. */
  progress(step: Progress): void;
  /** Whether a person can be asked through the caller. */
  supports(kind: 'elicitation'): boolean;
  /** What was answered to the questions of an earlier round of this call, by key. */
  readonly answers: Record<string, unknown>;
  /** What that round left in `state`. */
  readonly state: unknown;
};

/** The same for a handler, which is not asked how far it is each second but says once what to tell. */
export type Context = Omit<CallContext, 'progress'> & {
  /** From here on the caller is told these words every second; where there are none, nothing. */
  tells(words: () => Words | undefined): void;
  pool: Pool;
  consent: Consent;
  /** What earlier collections left out. */
  held: Held;
  /** For what this call holds of what a broker sends, until it is answered. */
  room: Room;
  /** One such work after the other: each needs several times as much memory as what it looks at. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** What is done about a write that a person should decide. */
  danger: 'ask' | 'deny' | 'allow';
  /** Filters where every write is one. */
  dangerTopics: readonly string[];
  /** Begins to measure what this process costs. */
  vitals: () => Vitals;
};

/** What this process costs since the measuring began. `stop` it in any case. */
export type Vitals = {
  read(): {
    rss_bytes: number;
    heap_used_bytes: number;
    /** Of one core, user and system. */
    cpu_percent: number;
    /** How late a turn of the event loop came, ms. */
    event_loop_delay_ms: { mean: number; p50: number; p99: number; max: number };
  };
  stop(): void;
};

/** To put to a person before the call can go on; it is then made again with `answers` and `state`. */
export type Question = {
  input: Record<string, { method: 'elicitation/create'; params: Record<string, unknown> }>;
  state: unknown;
};

/** One that has nothing to wait for answers at once, without a promise. */
export type Handler<Name extends ToolName> = (
  args: ToolArgs[Name],
  context: Context,
) => ToolResults[Name] | Promise<ToolResults[Name] | Question>;

/** What came of a call: the tool's result object, a question, or why there is neither. */
export type Outcome = { value: object; notice?: string } | { error: ToolErrorData } | Question;
