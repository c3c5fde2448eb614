// Owns a handler's whole world: what a tool is, what it gets, what it may give back. Must not know JSON-RPC.
import type { ToolErrorData } from '../errors.ts';
import type { ToolName } from '../generated/definitions.ts';
import type { ToolArgs, ToolResults } from '../generated/types.ts';
import type { Pool } from '../mqtt/types.ts';

/** The MCP Tool object of schemas/<name>.json. */
export type ToolDefinition = {
  name: string;
  title: string;
  description: string;
  inputSchema: object;
  outputSchema: object;
  annotations: object;
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

/** How far a long call is. Numbers rise; `total` is in the same unit. */
export type Progress = { progress: number; total?: number; message?: string };

/** What one call brings along, whoever made it. */
export type CallContext = {
  /** Aborted when the caller no longer wants the result, or the server is going down. */
  signal: AbortSignal;
  /** Tells the caller how far it is; free where he did not ask. */
  progress(step: Progress): void;
};

export type Context = CallContext & { pool: Pool };

export type Handler<Name extends ToolName> = (args: ToolArgs[Name], context: Context) => Promise<ToolResults[Name]>;

/** What came of a call: the tool's result object, or why there is none. */
export type Outcome = { value: object } | { error: ToolErrorData };
