// Owns the judgement of the official SDKs on every line of a conversation: v1's schemas for the legacy era, the wire
// codec of v2's client for 2026-07-28. Must not know our own code's idea of a good answer.
import {
  Client,
  type DiscoverResult,
  InMemoryTransport,
  isInputRequiredResult,
  specTypeSchemas,
} from '@modelcontextprotocol/client';
import * as v1 from '@modelcontextprotocol/sdk/types.js';
import { dig, type Message } from '../support/streams.ts';

type Check = { safeParse(value: unknown): { success: boolean; error?: unknown } };

const legacyResults: Record<string, Check> = {
  initialize: v1.InitializeResultSchema,
  ping: v1.EmptyResultSchema,
  'logging/setLevel': v1.EmptyResultSchema,
  'resources/subscribe': v1.EmptyResultSchema,
  'resources/unsubscribe': v1.EmptyResultSchema,
  'tools/list': v1.ListToolsResultSchema,
  'tools/call': v1.CallToolResultSchema,
  'resources/list': v1.ListResourcesResultSchema,
  'resources/templates/list': v1.ListResourceTemplatesResultSchema,
  'resources/read': v1.ReadResourceResultSchema,
  'prompts/list': v1.ListPromptsResultSchema,
  'prompts/get': v1.GetPromptResultSchema,
  'completion/complete': v1.CompleteResultSchema,
};

const cacheable = new Set(['server/discover', ...Object.keys(legacyResults).filter((name) => /list|read/.test(name))]);
const prefix = 'io.modelcontextprotocol/';
const envelopeKeys = ['protocolVersion', 'clientCapabilities', 'clientInfo', 'logLevel'].map((name) => prefix + name);

/** What the SDKs object to in the lines that a server has `received` and answered; empty where all is well. */
export async function objections(sent: string[], received: string[]): Promise<string[]> {
  const asked = messagesOf(sent).filter((one) => 'id' in one && 'method' in one);
  const found: string[] = [];
  for (const message of messagesOf(received)) {
    const why = await objection(message, asked);
    if (why !== undefined) found.push(`${why}: ${JSON.stringify(message).slice(0, 500)}`);
  }
  return found;
}

async function objection(message: Message, asked: Message[]): Promise<string | undefined> {
  const whole = rejected(v1.JSONRPCMessageSchema, message);
  if (whole !== undefined) return whole;
  if ('method' in message) return objectionToPush(message);
  const candidates = asked.filter(({ id }) => id === message.id);
  if (candidates.length === 0) {
    return 'error' in message && !('id' in message) ? undefined : 'nobody asked for this answer';
  }
  let why: string | undefined;
  // An id used twice: it answers one of them, and rather the one whose answers have a schema.
  const judged = (request: Message) => Number(String(request.method) in legacyResults);
  for (const request of candidates.sort((a, b) => judged(b) - judged(a))) {
    why = await objectionToAnswer(request, message);
    if (why !== undefined) continue;
    asked.splice(asked.indexOf(request), 1);
    return undefined;
  }
  return why;
}

async function objectionToAnswer(request: Message, answer: Message): Promise<string | undefined> {
  if ('error' in answer) return rejectedByV2('JSONRPCErrorResponse', answer);
  return isModern(request) ? objectionToModern(request, answer.result) : objectionToLegacy(request, answer.result);
}

function objectionToPush(message: Message): string | undefined {
  if ('id' in message) return rejected(v1.ServerRequestSchema, message);
  const modern = dig(message, 'params', '_meta', `${prefix}subscriptionId`) !== undefined;
  return modern ? rejectedByV2('JSONRPCNotification', message) : rejected(v1.ServerNotificationSchema, message);
}

function objectionToLegacy({ method }: Message, result: unknown): string | undefined {
  const names = ['resultType', 'ttlMs', 'cacheScope'].filter((name) => dig(result, name) !== undefined);
  if (names.length > 0) return `a legacy result has ${names.join(', ')}`;
  if (dig(result, '_meta', `${prefix}serverInfo`) !== undefined) return 'a legacy result has serverInfo in _meta';
  const schema = legacyResults[String(method)];
  return schema ? rejected(schema, result) : undefined;
}

async function objectionToModern({ method, params }: Message, result: unknown): Promise<string | undefined> {
  if (dig(result, '_meta', `${prefix}serverInfo`) === undefined) return 'a modern result lacks serverInfo';
  const type = dig(result, 'resultType');
  // A task has a ttlMs of its own.
  const lives = dig(result, 'ttlMs') !== undefined && dig(result, 'taskId') === undefined;
  const cached = lives || dig(result, 'cacheScope') !== undefined;
  if (cached !== (type === 'complete' && cacheable.has(String(method)))) return 'cache fields missing or misplaced';
  if (type === 'input_required') return isInputRequiredResult(result) ? undefined : 'no InputRequiredResult';
  // The plain client knows no tasks.
  if (type === 'task') return undefined;
  const { client, answerWith } = await modernClient();
  answerWith(result);
  try {
    const own = Object.entries(isRecord(params) ? params : {}).filter(([name]) => name !== '_meta');
    const request = { method: String(method), params: Object.fromEntries(own) };
    await client.request(request, specTypeSchemas.Result, { timeout: 1_000 });
    return undefined;
  } catch (error) {
    return String(error);
  } finally {
    await client.close();
  }
}

/** A v2 client in the modern era, whose server answers everything with what it is given. */
async function modernClient() {
  let answer: unknown = {};
  const [near, far] = InMemoryTransport.createLinkedPair();
  far.onmessage = (message) => {
    if (!('method' in message && 'id' in message)) return;
    void far.send(JSON.parse(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: answer })));
  };
  const client = new Client({ name: 'judge', version: '1' });
  const discover: DiscoverResult = {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {}, resources: {}, prompts: {}, completions: {}, logging: {} },
    ttlMs: 0,
    cacheScope: 'private',
  };
  await client.connect(near, { prior: { kind: 'modern', discover } });
  const answerWith = (result: unknown) => {
    answer = result;
  };
  return { client, answerWith };
}

function isModern(request: Message): boolean {
  return envelopeKeys.some((key) => dig(request, 'params', '_meta', key) !== undefined);
}

function rejected(schema: Check, value: unknown): string | undefined {
  const { success, error } = schema.safeParse(value);
  return success ? undefined : `SDK v1: ${String(error)}`;
}

function rejectedByV2(name: 'JSONRPCErrorResponse' | 'JSONRPCNotification', value: unknown): string | undefined {
  const { issues } = specTypeSchemas[name]['~standard'].validate(value);
  return issues ? `SDK v2: ${JSON.stringify(issues)}` : undefined;
}

/** Every JSON object of these lines; batches are taken apart, what is no JSON is left out. */
function messagesOf(lines: string[]): Message[] {
  return lines.flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return (Array.isArray(value) ? value : [value]).filter(isRecord);
    } catch {
      return [];
    }
  });
}

function isRecord(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
