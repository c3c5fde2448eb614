// Owns what a fixture tool is, and what its parts are made of.
import { setTimeout as wait } from 'node:timers/promises';
import type { CallContext, ToolOutcome } from '../../src/mcp/catalog.ts';
import type { Params } from '../../src/rpc/message.ts';

export type Tool = {
  description: string;
  inputSchema?: object;
  /** Absent: never a task. */
  task?: 'when_possible' | 'always';
  /** A question that is asked before the call becomes a task. */
  asksFirst?: string;
  run(args: Params, context: CallContext): ToolOutcome | Promise<ToolOutcome>;
};

export const noArguments = { type: 'object', additionalProperties: false };

/** An input schema of these properties, all required. */
export function takes(properties: Params): object {
  return { type: 'object', properties, required: Object.keys(properties) };
}

export function text(...texts: string[]): ToolOutcome {
  return { content: texts.map((one) => ({ type: 'text', text: one })) };
}

export function failed(why: string): ToolOutcome {
  return { content: [{ type: 'text', text: why }], isError: true };
}

/** Waits; shorter where the call is stopped. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => {});
}
