// Owns what every view is to the frame, and the parts that several results share. Must not know any tool's result.
import { isList, isRecord } from '../payload/types.ts';
import { el, section, type Tone } from './dom.ts';
import { visible, words } from './text.ts';

/** What a view is given beside its result. */
export type Stage = {
  readonly args: Record<string, unknown>;
  /** Aborted when the view is taken down. */
  readonly signal: AbortSignal;
  /** Another call of the same server; its structured result. Undefined where the host forbids calls. */
  readonly call: ((name: string, args: Record<string, unknown>) => Promise<unknown>) | undefined;
};

export type View = {
  tool: string;
  title: string;
  /** What a glance should tell, in words. */
  facts: string;
  state?: { word: string; tone: Tone };
  body: readonly (Node | undefined)[];
  /** Buttons of its own, beside those of every view. */
  controls?: readonly HTMLElement[];
  /** Called once the body is in the document. */
  placed?(): void;
};

type Absence = { grade: string; verdict: string; ruled_out: string[]; possible: string[]; evidence: string[] };

/** What ended it, where that was not the time it was given. */
export function stopState(stopped_by: string | undefined): Pick<View, 'state'> {
  if (stopped_by === undefined || stopped_by === 'duration') return {};
  return { state: { word: words(stopped_by), tone: stopped_by === 'disconnected' ? 'bad' : 'plain' } };
}

/** Where nothing came: what that means. */
export function absencePart(absence: Absence | undefined): HTMLElement | undefined {
  if (!absence) return undefined;
  const { grade, verdict, ruled_out, possible, evidence } = absence;
  const told = el('p', {}, `${visible(verdict)} (${grade})`);
  return section(
    'Nothing came',
    told,
    list('Possible', possible),
    list('Ruled out', ruled_out),
    list('Evidence', evidence),
  );
}

export function notesPart(notes: readonly string[]): HTMLElement | undefined {
  return notes.length === 0 ? undefined : section('Notes', bullets(notes));
}

function list(heading: string, items: readonly string[]): HTMLElement | undefined {
  return items.length === 0 ? undefined : el('div', {}, el('h3', {}, heading), bullets(items));
}

export function bullets(items: readonly string[]): HTMLElement {
  return el('ul', {}, ...items.map((item) => el('li', {}, visible(item))));
}

/** Name and value pairs, in columns as many as fit. */
export function figures(pairs: readonly (readonly [string, string])[]): HTMLElement {
  const one = ([name, value]: readonly [string, string]) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
  return el('dl', { class: 'figures' }, ...pairs.map(one));
}

/** The structured result, or what the text says where a host passes only that on. */
export function structured(result: Record<string, unknown>): unknown {
  if (isRecord(result.structuredContent)) return result.structuredContent;
  const first = isList(result.content) ? result.content[0] : undefined;
  if (!isRecord(first) || typeof first.text !== 'string') return undefined;
  try {
    return JSON.parse(first.text);
  } catch {
    return first.text;
  }
}
