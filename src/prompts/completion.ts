// Owns what an argument may be completed to: session names, topics seen so far, and names within them.
import type { Pool, Session } from '../mqtt/types.ts';
import { prompts } from './index.ts';

/** Values given at once. */
const MAX_VALUES = 100;
/** Topics looked at for the names of devices in them; keeps a completion under 5 ms. */
const MAX_SCANNED = 5_000;
const durations = ['10', '30', '60', '120', '300'];

type Request = {
  ref: { type: 'ref/prompt'; name: string } | { type: 'ref/resource'; uri: string };
  argument: { name: string; value: string };
  context: Record<string, string>;
};
type Completion = { values: string[]; total: number };

export function createCompletions(pool: Pool, templateUris: string[]) {
  return {
    complete: ({ ref, argument, context }: Request): Completion | undefined => {
      if (!argumentsOf(ref, templateUris)?.includes(argument.name)) return undefined;
      return valuesOf(argument.name, argument.value, sessionsFor(pool, context.session));
    },
  };
}

function argumentsOf(ref: Request['ref'], templateUris: string[]): string[] | undefined {
  if (ref.type === 'ref/prompt')
    return prompts.find(({ name }) => name === ref.name)?.arguments.map(({ name }) => name);
  if (!templateUris.includes(ref.uri)) return undefined;
  return [...ref.uri.matchAll(/\{\+?(\w+)\}/g)].flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** The session that was named already, or all of them. */
function sessionsFor(pool: Pool, name: string | undefined): { all: Session[]; chosen: Session[] } {
  const all = pool.list();
  const chosen = all.filter(({ facts }) => facts.name === name || facts.id === name);
  return { all, chosen: chosen.length > 0 ? chosen : all };
}

function valuesOf(name: string, value: string, { all, chosen }: { all: Session[]; chosen: Session[] }): Completion {
  if (name === 'session')
    return beginning(
      all.map(({ facts }) => facts.name),
      value,
    );
  if (name === 'topic' || name === 'pattern') return topics(chosen, value);
  if (name === 'device') return beginning(levels(chosen), value);
  if (name === 'seconds') return beginning(durations, value);
  return { values: [], total: 0 };
}

function beginning(candidates: Iterable<string>, prefix: string): Completion {
  const lower = prefix.toLowerCase();
  const values = [...new Set(candidates)].filter((one) => one.toLowerCase().startsWith(lower));
  return { values: values.slice(0, MAX_VALUES), total: values.length };
}

function topics(sessions: Session[], prefix: string): Completion {
  const found = sessions.map(({ known }) => known.startingWith(prefix, MAX_VALUES));
  const values = [...new Set(found.flatMap((one) => one.values))].sort().slice(0, MAX_VALUES);
  return { values, total: found.reduce((sum, one) => sum + one.total, 0) };
}

/** Names that stand in topics, the last level aside: that is a quantity more often than a device. */
function levels(sessions: Session[]): Set<string> {
  const names = new Set<string>();
  for (const { known } of sessions) {
    for (const topic of known.startingWith('', MAX_SCANNED).values) {
      for (const level of topic.split('/').slice(0, -1)) names.add(level);
    }
  }
  return names;
}
