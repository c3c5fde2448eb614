// Owns a person's consent to one dangerous write: asked through the client where that can ask, else by a token that
// is shown with a preview and works once. Must not know what is dangerous.
import { ToolError } from '../errors.ts';
import { fingerprint } from '../payload/fingerprint.ts';
import type { CallContext, Question } from './tool.ts';

/** How long a token is good, ms. */
const TOKEN_TTL_MS = 120_000;
/** Tokens outstanding, and characters of their writes, a payload of 1 MiB each at worst; the oldest goes first. */
const MAX_TOKENS = 100;
const MAX_CHARS = 16 * 1024 * 1024;

export type Consent = {
  /** A single-use token for exactly this write. */
  issue(write: string): { token: string; expiresAt: number };
  /** Uses a token up. True where it was issued for exactly this write and has not expired. */
  redeem(token: string, write: string): boolean;
  /** The name of a question, which counts once: what was answered with it before is asked again. */
  ask(): string;
  /** Uses a question up. False where it was never asked, or answered already. */
  answer(question: string): boolean;
};

/** `write` says everything about a write, byte for byte. */
export function createConsent(newToken: () => string, now: () => number = Date.now): Consent {
  const issued = new Map<string, { write: string; expiresAt: number }>();
  const makeRoom = (chars: number) => {
    let left = MAX_CHARS - chars - [...issued.values()].reduce((sum, { write }) => sum + write.length, 0);
    for (const [token, { write }] of issued) {
      if (issued.size < MAX_TOKENS && left >= 0) return;
      issued.delete(token);
      left += write.length;
    }
  };
  const asked = new Set<string>();
  return {
    ask: () => {
      for (const question of asked) if (asked.size >= MAX_TOKENS) asked.delete(question);
      const question = newToken();
      asked.add(question);
      return question;
    },
    answer: (question) => asked.delete(question),
    issue: (write) => {
      makeRoom(write.length);
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

type Asked = Pick<CallContext, 'answers' | 'state'> & { consent: Consent };

/** Puts it to the person. */
export function question(consent: Consent, write: string, message: string): Question {
  const confirm = { type: 'boolean', title: 'Send it', description: 'Yes, publish this message.', default: false };
  const requestedSchema = { type: 'object', properties: { confirm }, required: ['confirm'] };
  return {
    input: { [KEY]: { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } } },
    state: [consent.ask(), short(write)],
  };
}

/**
 * Whether the person said yes to this very write; false: not asked, or answered once already. Throws policy_denied
 * where he said no. Uses the answer up.
 */
export function agreed({ answers, state, consent }: Asked, write: string): boolean {
  if (answers[KEY] === undefined || !Array.isArray(state)) return false;
  const [name, about] = state;
  if (typeof name !== 'string' || about !== short(write) || !consent.answer(name)) return false;
  if (isYes(answers[KEY])) return true;
  throw new ToolError('policy_denied', 'The person asked did not agree.', 'Do not try again unless you are told to.');
}

/** A name is enough: a state comes back with the very arguments it was made for, only the session could be another. */
function short(write: string): string {
  return `${write.length}-${fingerprint(write)}`;
}

/** `{action: 'accept', content: {confirm: true}}`, whatever else a client may send. */
function isYes(answer: unknown): boolean {
  if (typeof answer !== 'object' || answer === null || !('action' in answer) || !('content' in answer)) return false;
  const { action, content } = answer;
  return (
    action === 'accept' && typeof content === 'object' && content !== null && KEY in content && content[KEY] === true
  );
}
