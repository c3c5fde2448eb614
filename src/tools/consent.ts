// Owns a person's consent to one dangerous write: asked through the client where that can ask, else by a token that
// is shown with a preview and works once. Must not know what is dangerous.
import { ToolError } from '../errors.ts';
import type { CallContext, Question } from './tool.ts';

/** How long a token is good, ms. */
const TOKEN_TTL_MS = 120_000;
/** Tokens outstanding; the oldest goes first. */
const MAX_TOKENS = 100;

export type Consent = {
  /** A single-use token for exactly this write. */
  issue(write: string): { token: string; expiresAt: number };
  /** Uses a token up. True where it was issued for exactly this write and has not expired. */
  redeem(token: string, write: string): boolean;
};

/** `write` says everything about a write, byte for byte. */
export function createConsent(newToken: () => string, now: () => number = Date.now): Consent {
  const issued = new Map<string, { write: string; expiresAt: number }>();
  return {
    issue: (write) => {
      for (const token of issued.keys()) if (issued.size >= MAX_TOKENS) issued.delete(token);
      const token = newToken();
      const expiresAt = now() + TOKEN_TTL_MS;
      issued.set(token, { write, expiresAt });
      return { token, expiresAt };
    },
    redeem: (token, write) => {
      const found = issued.get(token);
      issued.delete(token);
      return found !== undefined && found.write === write && found.expiresAt > now();
    },
  };
}

const KEY = 'confirm';

/** Puts it to the person: yes lets the call go on, no ends it with policy_denied. Undefined: go on. */
export function askPerson(context: CallContext, write: string, message: string): Question | undefined {
  if (!isAnswered(context, write)) return question(write, message);
  if (isYes(context.answers[KEY])) return undefined;
  throw new ToolError('policy_denied', 'The person asked did not agree.', 'Do not try again unless you are told to.');
}

/** An answer counts for the very write that was asked about. */
export function isAnswered({ answers, state }: CallContext, write: string): boolean {
  return answers[KEY] !== undefined && state === write;
}

function question(write: string, message: string): Question {
  const confirm = { type: 'boolean', title: 'Send it', description: 'Yes, publish this message.', default: false };
  const requestedSchema = { type: 'object', properties: { confirm }, required: ['confirm'] };
  return {
    input: { [KEY]: { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } } },
    state: write,
  };
}

/** `{action: 'accept', content: {confirm: true}}`, whatever else a client may send. */
function isYes(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('action' in answer) || !('content' in answer)) return false;
  const { action, content } = answer;
  return (
    action === 'accept' && typeof content === 'object' && content !== null && KEY in content && content[KEY] === true
  );
}
