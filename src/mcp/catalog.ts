// Owns what a program hands to the protocol core: its tools, resources, prompts and completions, as interfaces.
// The core knows nothing else of the program. Types only.
import type { ToolErrorData } from '../errors.ts';
import type { Params } from '../rpc/message.ts';
import type { LogLevel } from './protocol.ts';

export type Catalog = {
  tools: ToolSource;
  resources?: ResourceSource;
  prompts?: PromptSource;
  completions?: CompletionSource;
  /** Extensions that the program itself serves, by identifier, with their settings. */
  extensions?: Params;
};

/** What one call brings along, the same in both eras. */
export type CallContext = {
  /** Aborted when the caller no longer wants the result, or the server is going down. */
  readonly signal: AbortSignal;
  /** Whether it is aborted already; cheaper than the signal, which is made when it is first read. */
  readonly aborted: boolean;
  /** Tells the caller how far it is; silent where it did not ask, and where the number does not rise. */
  progress(step: { progress: number; total?: number; message?: string }): void;
  /** Sends a log message to a client that asked for its level. */
  log(level: LogLevel, data: unknown, logger?: string): void;
  /** Whether the client declared that it can be asked this; elicitation by form. */
  supports(kind: 'elicitation' | 'sampling' | 'roots'): boolean;
  /** The client's answers to what an earlier round of this very call asked for, by key; empty in the first round. */
  answers: Record<string, unknown>;
  /** What the earlier round put into `state`; undefined in the first round. */
  state: unknown;
};

/** Something to ask the client, in the shape of the request's params (protocol: elicitation, sampling, roots). */
export type InputRequest = { method: 'elicitation/create' | 'sampling/createMessage' | 'roots/list'; params?: Params };

/**
 * A call that cannot be finished yet: the requests are put to the client, then the call is made again with `answers`
 * and `state`. Modern clients are handed both and call again; legacy ones are asked while their call stays open.
 */
export type InputNeeded = { input: Record<string, InputRequest>; state?: unknown };

export type ContentBlock = Params & { type: string };

/** `value`: an object that is sent as structuredContent and as JSON text, with a `notice` in a block behind it. `content`: blocks as they are. */
export type ToolOutcome =
  | { value: object; notice?: string }
  | { error: ToolErrorData }
  | { content: ContentBlock[]; structuredContent?: object; isError?: boolean; _meta?: Params }
  | InputNeeded;

export type ToolSource = {
  /** In a fixed order, in the shape of tools/list. */
  list(): object[] | Promise<object[]>;
  has(name: string): boolean;
  /** Fails with an RpcError for a protocol error, and otherwise only for a bug. */
  run(name: string, args: unknown, context: CallContext): ToolOutcome | Promise<ToolOutcome>;
  /** Tools that are methods of their own for scripts; none where it is absent. */
  isMethod?(name: string): boolean;
  /** How a call relates to tasks, where the client declares that extension; 'never' where it is absent. */
  asTask?(name: string, args: unknown, answers: Record<string, unknown>): 'never' | 'when_possible' | 'always';
  /** Calls back whenever the list has changed; declares listChanged. */
  onChanged?(changed: () => void): void;
};

export type ResourceSource = {
  list(): object[];
  templates(): object[];
  /** The contents (uri, mimeType, and text, blob or a `value` that becomes JSON text), undefined where there is no such resource. */
  read(uri: string, context: CallContext): Promise<object[] | InputNeeded | undefined>;
  /**
   * Calls back whenever the resource has changed, with 'over' when it is gone for good, until the returned function is
   * called; undefined: no such resource.
   */
  follow?(uri: string, changed: (over?: 'over') => void): Promise<(() => void) | undefined>;
  onChanged?(changed: () => void): void;
};

export type PromptSource = {
  list(): { name: string; arguments?: { name: string; required?: boolean }[] }[];
  /** `{description?, messages}`; arguments were checked against the list. */
  get(name: string, args: Record<string, string>, context: CallContext): Promise<object | InputNeeded>;
  onChanged?(changed: () => void): void;
};

export type CompletionSource = {
  /** Values for one argument of a prompt or a resource template, best first; undefined: no such reference or argument. */
  complete(request: {
    ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };
    argument: { name: string; value: string };
    context: Record<string, string>;
  }): { values: string[]; total: number } | undefined;
};
