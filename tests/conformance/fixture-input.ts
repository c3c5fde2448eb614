// Owns the questions that fixture tools and prompts put to the client, and the reading of the answers.
import type { InputRequest } from '../../src/mcp/catalog.ts';
import { isObject, type Params } from '../../src/rpc/message.ts';

/** Elicitation by form. All fields are required unless others are named. */
export function form(message: string, properties: Params, required: string[] = Object.keys(properties)): InputRequest {
  return {
    method: 'elicitation/create',
    params: { mode: 'form', message, requestedSchema: { type: 'object', properties, required } },
  };
}

export function sampling(text: string, maxTokens = 100): InputRequest {
  const messages = [{ role: 'user', content: { type: 'text', text } }];
  return { method: 'sampling/createMessage', params: { messages, maxTokens } };
}

export function roots(): InputRequest {
  return { method: 'roots/list', params: {} };
}

/** The form's content, where the user accepted. */
export function accepted(answer: unknown): Params | undefined {
  return isObject(answer) && answer.action === 'accept' && isObject(answer.content) ? answer.content : undefined;
}

/** What the user did with a form, and what he wrote; undefined where this is no answer at all. */
export function told(answer: unknown): string | undefined {
  if (!isObject(answer) || typeof answer.action !== 'string') return undefined;
  return `action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`;
}

/** The text a sampling answered with. */
export function sampled(answer: unknown): string | undefined {
  if (!isObject(answer) || !isObject(answer.content)) return undefined;
  return typeof answer.content.text === 'string' ? answer.content.text : undefined;
}

/** The URIs of a roots answer. */
export function rootUris(answer: unknown): string[] | undefined {
  if (!isObject(answer) || !Array.isArray(answer.roots)) return undefined;
  return answer.roots.map((root: unknown) => (isObject(root) ? String(root.uri) : ''));
}
