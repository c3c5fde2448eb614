// Owns what an argument may be completed to: session names, topics seen so far, and names within them.
import { isVisible } from '../mqtt/topic.ts';
import type { Known, Pool, Session } from '../mqtt/types.ts';
import { prompts } from './index.ts';

/** Values given at once. */
const MAX_VALUES = 100;
/** Topics looked at in one go for the names of devices in them, and names kept; both keep a completion under 5 ms. */
const MAX_SCANNED = 1_000;
const MAX_NAMES = 10_000;
const durations = ['10', '30', '60', '120', '300'];

type Request = {
  ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };
  argument: { name: string; value: string };
  context: Record<string, string>;
};
type Completion = { values: string[]; total: number };

export type Completions = { complete(request: Request): Completion | undefined };

export function createCompletions(pool: Pool, templateUris: string[]): Completions {
  const levels = createLevels();
  return {
    complete: ({ ref, argument, context }) => {
      if (!argumentsOf(ref, templateUris)?.includes(argument.name)) return undefined;
      const { all, chosen } = sessionsFor(pool, context.session);
      const { name, value } = argument;
      if (name === 'session') return beginning(new Set(all.map(({ facts }) => facts.name)), value);
      if (name === 'topic' || name === 'pattern') return seen(topics(chosen, value));
      if (name === 'device') return beginning(levels(chosen), value);
      return beginning(new Set(name === 'seconds' ? durations : []), value);
    },
  };
}

function argumentsOf(ref: Request['ref'], templateUris: string[]): string[] | undefined {
  if (ref.type === 'ref/prompt')
    return prompts.find(({ name }) => name === ref.name)?.arguments.map(({ name }) => name);
  if (!templateUris.includes(ref.uri)) return undefined;
  return [...ref.uri.matchAll(/\{\+?(\w+)\}/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/**
 * A value is put into a prompt or an address as it is, so a name with characters that nobody sees is left out: escaped it
 * would be another name, and as it is a person would choose what he cannot read. list_topics shows it, escaped.
 */
function seen({ values, total }: Completion): Completion {
  const visible = values.filter(isVisible);
  return { values: visible, total: total - (values.length - visible.length) };
}

/** The session that was named already, or all of them. */
function sessionsFor(pool: Pool, name: string | undefined): { all: Session[]; chosen: Session[] } {
  const all = pool.list();
  const chosen = all.filter(({ facts }) => facts.name === name || facts.id === name);
  return { all, chosen: chosen.length > 0 ? chosen : all };
}

function beginning(candidates: Set<string>, prefix: string): Completion {
  const lower = prefix.toLowerCase();
  const values = [...candidates].filter((one) => one.toLowerCase().startsWith(lower) && isVisible(one));
  return { values: values.slice(0, MAX_VALUES), total: values.length };
}

function topics(sessions: Session[], prefix: string): Completion {
  const found = sessions.map(({ known }) => known.startingWith(prefix, MAX_VALUES));
  const values = [...new Set(found.flatMap((one) => one.values))].sort().slice(0, MAX_VALUES);
  return { values, total: found.reduce((sum, one) => sum + one.total, 0) };
}

type Scan = { rest: Iterator<string>; scanned: number; names: Set<string>; going: boolean };

/**
 * Names that stand in topics, the last level aside: that is a quantity more often than a device. What one go does not
 * get to is looked at right after the answer, so that a person who types has them all soon, and never waits.
 */
function createLevels() {
  const scans = new WeakMap<Known, Scan>();
  return (sessions: Session[]): Set<string> => {
    const found = sessions.map(({ known }) => {
      const scan = scans.get(known) ?? newScan(known);
      scans.set(known, scan);
      if (!scan.going) goOn(scan, known);
      return scan.names;
    });
    const [first] = found;
    return first && found.length === 1 ? first : new Set(found.flatMap((names) => [...names]));
  };
}

function newScan(known: Known): Scan {
  return { rest: known.topics()[Symbol.iterator](), scanned: 0, names: new Set(), going: false };
}

/** Looks at no more topics than are known by now: an iterator that came to its end would stay there. */
function goOn(scan: Scan, known: Known): void {
  const until = Math.min(known.size, scan.scanned + MAX_SCANNED);
  for (; scan.scanned < until && scan.names.size < MAX_NAMES; scan.scanned += 1) {
    const topic: unknown = scan.rest.next().value;
    if (typeof topic === 'string') addLevels(topic, scan.names);
  }
  scan.going = scan.scanned < known.size && scan.names.size < MAX_NAMES;
  if (scan.going) setImmediate(() => goOn(scan, known)).unref();
}

function addLevels(topic: string, names: Set<string>): void {
  let from = 0;
  for (let to = topic.indexOf('/'); to !== -1 && names.size < MAX_NAMES; to = topic.indexOf('/', from)) {
    if (to > from) names.add(topic.slice(from, to));
    from = to + 1;
  }
}
