// Owns the judgement of whole conversations: every line against the official SDKs (tests/mcp/official.ts), and what no
// schema says: that no era borrows from the other, that progress rises and ends with its call, that a listen stream is
// acknowledged first, that a tool's result is what its outputSchema describes. Must not know what a test is about.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { specTypeSchemas } from '@modelcontextprotocol/client';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { expect, onTestFinished } from 'vitest';
import { isObject } from '../../src/rpc/message.ts';
import { objections } from '../mcp/official.ts';
import { dig, type Message } from './streams.ts';

/** Both directions of a conversation, as lines. */
export type Lines = { readonly sent: string[]; readonly received: string[] };

/** At the end of the test: fails it where a line is not what its version allows. */
export function judged<T extends Lines>(lines: T): T {
  onTestFinished(async () => {
    expect(await faults(lines)).toEqual([]);
  });
  return lines;
}

/** What is wrong with what the server said; empty where all is well. */
export async function faults({ sent, received }: Lines): Promise<string[]> {
  // The SDKs know nothing of the tasks extension, whose ttlMs is none of the cache.
  const known = received.filter((line) => parsed(line).every((one) => !isTask(one.result)));
  return [...(await objections(sent, known)), ...disorder(sent, received)];
}

const isTask = (result: unknown) => typeof dig(result, 'taskId') === 'string';

const P = 'io.modelcontextprotocol/';
const subscriptionId = `${P}subscriptionId`;

/** Legacy answers never have these, wherever the protocol speaks; the content of tools and resources may. */
const modernKeys = ['resultType', 'ttlMs', 'cacheScope', 'inputRequests', 'requestState', 'pollIntervalMs'];
/** Modern answers never have these. */
const legacyKeys = ['execution', 'elicitationId', 'protocolVersion', 'serverInfo'];
const ofOthers = new Set(['structuredContent', 'inputSchema', 'outputSchema', 'requestedSchema', 'data', 'text']);
const modernErrors = [-32_020, -32_021, -32_022];
const legacyErrors = [-32_002, -32_042];

function disorder(sent: string[], received: string[]): string[] {
  const asked = sent.flatMap(parsed).filter((one) => 'id' in one && 'method' in one);
  const found: string[] = [];
  const progress = new Map<unknown, number>();
  const acknowledged = new Set<unknown>();
  const over = new Set<unknown>();
  for (const message of received.flatMap(parsed)) {
    const say = (why: string) => void found.push(`${why}: ${JSON.stringify(message).slice(0, 300)}`);
    const request = 'method' in message ? undefined : asked.find(({ id }) => id === message.id);
    if (request) {
      mixedEras(request, message).forEach(say);
      wrongResult(request, message).forEach(say);
      over.add(message.id);
    } else if (message.method === 'notifications/progress') {
      const token = dig(message, 'params', 'progressToken');
      const value = Number(dig(message, 'params', 'progress'));
      if (!(value > (progress.get(token) ?? Number.NEGATIVE_INFINITY))) say('progress does not rise');
      progress.set(token, value);
      if (askedWith(token, asked).every(({ id }) => over.has(id))) say('progress of a call that is over');
    } else if ('method' in message) {
      wrongPush(message).forEach(say);
      const id = dig(message, 'params', '_meta', subscriptionId);
      if (message.method === 'notifications/subscriptions/acknowledged') acknowledged.add(id);
      else if (id !== undefined && !acknowledged.has(id)) say('not acknowledged yet');
      if (id !== undefined && over.has(id)) say('on a stream that is over');
    }
  }
  return found;
}

function askedWith(token: unknown, asked: Message[]): Message[] {
  return asked.filter((one) => dig(one, 'params', '_meta', 'progressToken') === token);
}

function mixedEras(request: Message, answer: Message): string[] {
  const modern = Object.keys(Object(dig(request, 'params', '_meta'))).some((key) => claims.has(key));
  const code = dig(answer, 'error', 'code');
  const wrongCode = (modern ? legacyErrors : modernErrors).some((one) => one === code);
  const keys = keysOf(answer.result);
  const wrong = modern
    ? [...keys].filter((key) => legacyKeys.includes(key))
    : [...keys].filter((key) => modernKeys.includes(key) || key.startsWith(P));
  // The handshake's own; MCP Apps are negotiated in both eras.
  const allowed = request.method === 'initialize' ? [...legacyKeys, `${P}ui`] : [];
  const odd = wrong.filter((key) => !allowed.includes(key));
  return [
    ...(wrongCode ? [`error ${code} is of the other era`] : []),
    ...odd.map((key) => `${key} is of the other era`),
  ];
}

const claims = new Set(['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel'].map((name) => P + name));

/** Every key of a result, however deep, but those of what is only carried. */
function keysOf(value: unknown, keys = new Set<string>()): Set<string> {
  if (Array.isArray(value)) for (const one of value) keysOf(one, keys);
  if (!isObject(value)) return keys;
  for (const [key, inner] of Object.entries(value)) {
    keys.add(key);
    if (!ofOthers.has(key)) keysOf(inner, keys);
  }
  return keys;
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });
const schemas = join(import.meta.dirname, '../../schemas');
const outputs = new Map<string, ValidateFunction>(
  readdirSync(schemas).map((file) => {
    const { name, outputSchema } = JSON.parse(readFileSync(join(schemas, file), 'utf8'));
    return [String(name), ajv.compile(outputSchema)];
  }),
);

/** Results of tools, of direct methods and of tasks, against the schema that the tool itself publishes. */
function wrongResult(request: Message, answer: Message): string[] {
  const { method } = request;
  if (!isObject(answer.result)) return [];
  if (outputs.has(String(method))) return wrongOutput(String(method), answer.result);
  const name = String(dig(request, 'params', 'name'));
  if (method === 'tools/call' && dig(answer, 'result', 'content') !== undefined) return wrongCall(name, answer.result);
  if (!isTask(answer.result)) return [];
  const type = method === 'tools/call' ? 'task' : 'complete';
  const wrong = answer.result.resultType === type ? [] : [`resultType is not ${type}`];
  const result = answer.result.result;
  if (result !== undefined && !CallToolResultSchema.safeParse(result).success) wrong.push('no result of a tool');
  return [...wrong, ...wrongTask(answer.result)];
}

function wrongCall(name: string, result: Message): string[] {
  if (result.isError === true || !outputs.has(name)) return [];
  const text = dig(result, 'content', 0, 'text');
  const same =
    typeof text === 'string' && JSON.stringify(JSON.parse(text)) === JSON.stringify(result.structuredContent);
  return [...(same ? [] : ['the text is not the structuredContent']), ...wrongOutput(name, result.structuredContent)];
}

function wrongOutput(name: string, value: unknown): string[] {
  const check = outputs.get(name);
  return check?.(value) ? [] : [`outputSchema of ${name}: ${ajv.errorsText(check?.errors)}`];
}

const pushes = {
  'notifications/subscriptions/acknowledged': specTypeSchemas.SubscriptionsAcknowledgedNotification,
  'notifications/resources/updated': specTypeSchemas.ResourceUpdatedNotification,
  'notifications/message': specTypeSchemas.LoggingMessageNotification,
  'notifications/cancelled': specTypeSchemas.CancelledNotification,
  'notifications/tools/list_changed': specTypeSchemas.ToolListChangedNotification,
  'notifications/prompts/list_changed': specTypeSchemas.PromptListChangedNotification,
  'notifications/resources/list_changed': specTypeSchemas.ResourceListChangedNotification,
  'elicitation/create': specTypeSchemas.ElicitRequest,
};

/** What the server says unasked, against the SDK v2's schema of that very method. */
function wrongPush(message: Message): string[] {
  const { method, params } = message;
  if (method === 'notifications/tasks') return wrongTask(params);
  const schema = Object.entries(pushes).find(([name]) => name === method)?.[1];
  if (!schema) return [`${String(method)} was not expected`];
  const outcome = schema['~standard'].validate(params === undefined ? { method } : { method, params });
  return 'issues' in outcome && outcome.issues ? [`SDK v2: ${JSON.stringify(outcome.issues)}`] : [];
}

/** SEP-1686 as an extension: flat, and only what belongs to the status. */
function wrongTask(params: unknown): string[] {
  const texts: string[] = ['taskId', 'status', 'createdAt', 'lastUpdatedAt'].filter(
    (key) => typeof dig(params, key) !== 'string',
  );
  const status = dig(params, 'status');
  const fits = { result: 'completed', error: 'failed', inputRequests: 'input_required' };
  const odd = Object.entries(fits).filter(([key, wanted]) => (dig(params, key) !== undefined) !== (status === wanted));
  if (typeof dig(params, 'ttlMs') !== 'number') texts.push('ttlMs');
  return [...texts, ...odd.map(([key]) => key)].map((key) => `a task: ${key}`);
}

function parsed(line: string): Message[] {
  try {
    const value: unknown = JSON.parse(line);
    return (Array.isArray(value) ? value : [value]).filter(isObject);
  } catch {
    return [];
  }
}
