// Owns how figures are shown: rows with a ratio, a goal and whether it is met, as text and as Markdown.
import { cpus } from 'node:os';
import { mosquittoVersion } from './mosquitto.mjs';

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} [peerIs]
 * @property {string} [unit]
 * @property {number | string} ours
 * @property {number | string} [peer]
 * @property {number} [ratio]
 * @property {number[]} [spread] lowest and highest ratio of a round
 * @property {[('<=' | '>='), number] | [('<=' | '>='), number, 'ours']} [goal] for the ratio, or for our own figure
 * @property {string} [note]
 */
/** @typedef {{ what: string, unit: string, points: [size: number, cost: number][] }} Series */
/** @typedef {{ name: string, seconds: number, failure: string | undefined, rows: Row[], discarded?: number }} Section */

const columns = ['what', 'ours', 'peer', 'ratio (lowest to highest)', 'goal', 'met'];

/** CPU, cores, Node, mosquitto, date. */
export function machine() {
  const [cpu] = cpus();
  const date = new Date().toISOString().slice(0, 10);
  return `${cpu?.model.trim()}, ${cpus().length} cores · Node ${process.versions.node} · mosquitto ${mosquittoVersion()} · ${date}`;
}

/**
 * Whether the row's goal is met; undefined where it has none.
 * @param {Row} row
 */
function isMet({ goal, ratio, ours }) {
  if (goal === undefined) return undefined;
  const [sign, limit, of] = goal;
  const value = of === 'ours' ? Number(ours) : (ratio ?? Number.NaN);
  return sign === '<=' ? value <= limit : value >= limit;
}

/** @param {Row} row */
function cells(row) {
  const { what, ours, peer, unit = '', ratio, spread, goal, peerIs, note } = row;
  const met = isMet(row);
  const range = spread ? ` (${number(spread[0] ?? 0)} to ${number(spread[1] ?? 0)})` : '';
  const sign = goal?.[0] === '<=' ? '≤' : '≥';
  return [
    note === undefined ? what : `${what}; ${note}`,
    withUnit(ours, unit),
    peer === undefined ? '' : `${withUnit(peer, unit)}${peerIs ? ` ${peerIs}` : ''}`,
    ratio === undefined ? '' : `${number(ratio)}${range}`,
    goal === undefined ? '' : `${sign} ${number(goal[1])}${goal[2] === 'ours' ? ` ${unit}` : ' ×'}`,
    met === undefined ? '' : met ? 'yes' : 'NO',
  ];
}

/**
 * @param {number | string} value
 * @param {string} unit
 */
function withUnit(value, unit) {
  if (typeof value === 'string') return value;
  return unit === '/s' ? `${number(value)}/s` : `${number(value)} ${unit}`.trim();
}

/** @param {number} value */
function number(value) {
  if (!Number.isFinite(value)) return '?';
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return Math.abs(value) >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** @param {Section} section */
export function asText(section) {
  const rows = [columns, ...section.rows.map(cells)];
  const widths = columns.map((_, i) => Math.max(...rows.map((row) => [...(row[i] ?? '')].length)));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`\n${title(section)}`, ...(section.rows.length > 0 ? lines : []), ...trouble(section)].join('\n');
}

/**
 * @param {string} head
 * @param {Section[]} sections
 */
export function asMarkdown(head, sections) {
  const line = (/** @type {string[]} */ row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const tables = sections.flatMap((section) => [
    `\n## ${title(section)}\n`,
    ...(section.rows.length > 0
      ? [line(columns), line(columns.map(() => '---')), ...section.rows.map((row) => line(cells(row)))]
      : []),
    ...trouble(section),
  ]);
  const goals = sections.flatMap(({ rows }) => rows.map(isMet)).filter((met) => met !== undefined);
  const intro = [
    '# Results of `make bench`',
    `\n${head}`,
    `\n${goals.filter(Boolean).length} of ${goals.length} goals met. A ratio is ours to the peer's in the same round, the median of the rounds; a`,
    'round counts when the peer before and after it agrees within a third. Absolute figures belong to this machine.',
  ];
  return `${[...intro, ...tables].join('\n')}\n`;
}

/** @param {Section} section */
function title({ name, seconds, discarded = 0 }) {
  return `${name} (${Math.round(seconds)} s${discarded > 0 ? `, ${discarded} rounds discarded` : ''})`;
}

/** @param {Section} section */
function trouble({ failure }) {
  return failure === undefined ? [] : [`not available: ${failure.split('\n').slice(0, 4).join(' | ')}`];
}
