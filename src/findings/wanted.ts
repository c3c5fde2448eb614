// Owns the question whether a state shows what a command wanted. Must not know topics.
import { isRecord } from '../payload/types.ts';

/** What a command asks for: one value, or values by field. undefined: it cannot be told (TOGGLE, a query, a script). */
export type Wanted = { value: Plain } | { fields: Map<string, Plain> } | undefined;
type Plain = number | string | boolean;

const MAX_FIELDS = 32;
const STATE_KEYS = ['state', 'power', 'value', 'output', 'ison', 'on', 'status'];
const WORDS =
  /^(?:on|off|true|false|open|opened|close|closed|lock|locked|unlock|unlocked|start|started|running|stop|stopped|\d+(?:\.\d+)?)$/i;

export function wantedOf(command: unknown): Wanted {
  if (isRecord(command)) {
    const fields = Object.entries(command).slice(0, MAX_FIELDS);
    const plain = fields.flatMap(([key, value]) => (isSaying(value) ? [[key, value] as const] : []));
    return plain.length === 0 ? undefined : { fields: new Map(plain) };
  }
  return isSaying(command) ? { value: command } : undefined;
}

/** A word that names a state, a truth or a number. */
function isSaying(value: unknown): value is Plain {
  return (
    typeof value === 'number' || typeof value === 'boolean' || (typeof value === 'string' && WORDS.test(value.trim()))
  );
}

/** undefined: the state says nothing about it. `field`: the last level of the command's topic, such as POWER. */
export function satisfies(state: unknown, wanted: Wanted, field: string): boolean | undefined {
  if (wanted === undefined) return undefined;
  if ('fields' in wanted) {
    const shown = [...wanted.fields].flatMap(([key, value]) => {
      const found = valueAt(state, [key]) ?? (wanted.fields.size === 1 ? bare(state) : undefined);
      const set = setpointsOf(state).some((setpoint) => equal(setpoint, value) === true);
      const same = set ? true : found === undefined ? undefined : equal(found, value);
      return same === undefined ? [] : [same];
    });
    return shown.length === 0 ? undefined : shown.every((same) => same);
  }
  const found = bare(state) ?? valueAt(state, [field, ...STATE_KEYS]);
  return found === undefined ? undefined : equal(found, wanted.value);
}

/** A thermostat may show what it measures under the name by which it is set. */
const SETPOINT = /set_?point|target|desired|(?:^|_)set(?:_|$)/i;

function setpointsOf(state: unknown): number[] {
  if (!isRecord(state)) return [];
  return Object.entries(state).flatMap(([key, value]) =>
    SETPOINT.test(key) && typeof value === 'number' ? [value] : [],
  );
}

function bare(state: unknown): Plain | undefined {
  return isSaying(state) ? state : undefined;
}

function valueAt(state: unknown, keys: readonly string[]): Plain | undefined {
  if (!isRecord(state)) return undefined;
  for (const key of keys) {
    const name = Object.keys(state).find((one) => one.toLowerCase() === key.toLowerCase());
    const value = name === undefined ? undefined : state[name];
    if (isSaying(value)) return value;
  }
  return undefined;
}

/** Words that mean the same, by the pair they belong to: STOP says nothing about open or closed. */
const MEANING = new Map([
  ...pair('switch', 'on true 1 start started running', 'off false 0 stop stopped'),
  ...pair('opening', 'open opened', 'close closed'),
  ...pair('lock', 'lock locked', 'unlock unlocked'),
]);

function pair(of: string, yes: string, no: string): [word: string, meaning: { of: string; yes: boolean }][] {
  const words = (list: string, is: boolean) =>
    list.split(' ').map((word): [string, { of: string; yes: boolean }] => [word, { of, yes: is }]);
  return [...words(yes, true), ...words(no, false)];
}

/** undefined: they cannot be compared. */
function equal(a: Plain, b: Plain): boolean | undefined {
  const [x, y] = [Number(a), Number(b)];
  if (typeof a !== 'boolean' && typeof b !== 'boolean' && !Number.isNaN(x) && !Number.isNaN(y)) {
    return Math.abs(x - y) <= Math.max(1e-9, 0.02 * Math.max(Math.abs(x), Math.abs(y)));
  }
  const [one, other] = [meaningOf(a), meaningOf(b)];
  return one === undefined || one.of !== other?.of ? undefined : one.yes === other.yes;
}

function meaningOf(value: Plain) {
  return MEANING.get(String(value).trim().toLowerCase());
}
