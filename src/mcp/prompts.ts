// Owns prompts/list, prompts/get and completion/complete.
import { isObject, type Params } from '../rpc/message.ts';
import type { CompletionSource } from './catalog.ts';
import { asObject, invalidParams, page, type Served, stringParam } from './core.ts';
import { withInput } from './elicitation.ts';

/** Values in one completion. */
const MAX_VALUES = 100;

export function listPrompts({ params, core }: Served): object {
  return page('prompts', core.catalog.prompts?.list() ?? [], params);
}

export async function getPrompt(served: Served): Promise<object> {
  const { params, core } = served;
  const name = stringParam(params, 'name');
  const prompt = core.catalog.prompts?.list().find((known) => known.name === name);
  if (!prompt) throw invalidParams('unknown prompt; prompts/list has them all');
  const args = stringsOf(params.arguments, 'arguments');
  const missing = (prompt.arguments ?? []).filter((one) => one.required && args[one.name] === undefined);
  if (missing.length > 0) throw invalidParams(`missing argument ${missing.map((one) => one.name).join(', ')}`);
  return withInput(served, async (context) => core.catalog.prompts?.get(name, args, context) ?? {});
}

export function complete({ params, core }: Served): object {
  const { name, value } = asObject(params.argument);
  if (typeof name !== 'string' || typeof value !== 'string')
    throw invalidParams('expected argument to have name and value');
  const context = stringsOf(asObject(params.context).arguments, 'context.arguments');
  const found = core.catalog.completions?.complete({ ref: refOf(params.ref), argument: { name, value }, context });
  if (!found) throw invalidParams('no such reference or argument');
  const values = found.values.slice(0, MAX_VALUES);
  return { completion: { values, total: found.total, hasMore: found.total > values.length } };
}

type Ref = Parameters<CompletionSource['complete']>[0]['ref'];

function refOf(ref: unknown): Ref {
  const { type, name, uri } = asObject(ref);
  if (type === 'ref/prompt' && typeof name === 'string') return { type, name };
  if (type === 'ref/resource' && typeof uri === 'string') return { type, uri };
  throw invalidParams('expected ref to be a ref/prompt with name or a ref/resource with uri');
}

function stringsOf(value: unknown, what: string): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value) || !areStrings(value)) throw invalidParams(`expected ${what} to be an object of strings`);
  return value;
}

function areStrings(value: Params): value is Record<string, string> {
  return Object.values(value).every((one) => typeof one === 'string');
}
