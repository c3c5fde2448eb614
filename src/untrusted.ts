// Owns the one place that everything read from a broker passes on its way out: what is invisible is counted, what
// reads like instructions is named, secrets are taken out where whoever runs it wants that. Must not know any tool.
import { questionOut, secretsOut } from './redact.ts';
import { looksLikeInstructions } from './suspects.ts';

/** Added to a result only where there is something to say. */
export type Distrust = {
  escaped_characters?: number;
  redacted_secrets?: number;
  injection_suspects?: { where: string; topic?: string; excerpt: string }[];
  injection_suspects_omitted?: number;
};

/** Named at most; stops a broker of nothing but such texts from filling the result. */
const MAX_SUSPECTS = 10;
const EXCERPT = 120;
/** Parts of a path that are shown, and their length: both are chosen by who publishes. */
const MAX_WHERE = 120;

/** Code units that toJson writes as escapes, without tab, line feed and carriage return, which ordinary text has. */
const HIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]|\u034f|\u17b4|\u17b5|\u180b|\u180c|\u180d|\udb40[\udc00-\uddef]/g;

/** The value as it may leave; the very same object where nothing is to be said and nothing was taken out. */
export function examined(value: object, redact: boolean): object {
  const out = redact ? secretsOut(value) : { value, count: 0 };
  const found: Distrust = {};
  const look = { escaped: 0, suspects: 0, named: named(found) };
  walk(out.value, '', undefined, look);
  if (look.escaped > 0) found.escaped_characters = look.escaped;
  if (out.count > 0) found.redacted_secrets = out.count;
  if (look.suspects > MAX_SUSPECTS) found.injection_suspects_omitted = look.suspects - MAX_SUSPECTS;
  return Object.keys(found).length === 0 ? out.value : { ...out.value, untrusted: found };
}

/** A text without secrets, for what has no place for a count. */
export function redacted(text: string): string {
  const { value } = secretsOut({ text });
  return 'text' in value && typeof value.text === 'string' ? value.text : text;
}

/** What a person is asked, without secrets. */
export const redactedQuestion = questionOut;

type Look = {
  escaped: number;
  suspects: number;
  named: (where: string, topic: string | undefined, text: string) => void;
};

function named(found: Distrust): Look['named'] {
  return (where, topic, text) => {
    found.injection_suspects ??= [];
    if (found.injection_suspects.length === MAX_SUSPECTS) return;
    const of = topic === undefined ? {} : { topic: topic.slice(0, MAX_WHERE) };
    found.injection_suspects.push({ where: where.slice(0, MAX_WHERE), ...of, excerpt: text.slice(0, EXCERPT) });
  };
}

/** What we say ourselves: it names tools, and topics only as other fields have them too. */
const OWN_PROSE = new Set(['note', 'notes', 'hint', 'summary']);

function walk(value: unknown, where: string, topic: string | undefined, look: Look): void {
  if (typeof value === 'string') weigh(value, where, topic, look);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const [at, element] of value.entries()) walk(element, below(where, at), topic, look);
    return;
  }
  const own = 'topic' in value && typeof value.topic === 'string' ? value.topic : topic;
  for (const [key, field] of Object.entries(value)) {
    if (where === '' && OWN_PROSE.has(key)) continue;
    weighName(key, where, own, look);
    walk(field, below(where, key), own, look);
  }
}

/** Cut: a deep payload would otherwise cost its depth squared. */
function below(where: string, key: string | number): string {
  return where.length > MAX_WHERE ? where : `${where}/${key}`;
}

/** Names that were found plain: those of results come again and again. Bounded, as a payload has names, too. */
const plain = new Set<string>();
const MAX_PLAIN = 2_000;
const MAX_PLAIN_LENGTH = 40;

function weighName(name: string, where: string, topic: string | undefined, look: Look): void {
  if (plain.has(name)) return;
  const before = look.escaped + look.suspects;
  weigh(name, where, topic, look);
  if (look.escaped + look.suspects > before || name.length > MAX_PLAIN_LENGTH || plain.size === MAX_PLAIN) return;
  plain.add(name);
}

/** Times and numbers as text. */
const DIGITS = /^[\d\-T:.Z]+$/;

function weigh(text: string, where: string, topic: string | undefined, look: Look): void {
  if (DIGITS.test(text)) return;
  HIDDEN.lastIndex = 0;
  // Matches kept would take a hundred times the text.
  while (HIDDEN.test(text)) look.escaped += 1;
  const clue = looksLikeInstructions(text);
  if (clue === undefined) return;
  look.suspects += 1;
  look.named(where, topic, text.slice(clue));
}
