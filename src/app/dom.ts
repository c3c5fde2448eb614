// Owns the making of elements: what comes from outside becomes text, never markup. Nothing else in here creates any.
import { visible } from './text.ts';

export type Child = Node | string | undefined;

/** Strings become text nodes. Attribute names are ours, their values may be anybody's. */
export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children.filter((child) => child !== undefined));
  return node;
}

/** Words of a broker: isolated, so that right-to-left text moves nothing beside it, and with nothing invisible in it. */
export function raw(text: string, kind = 'raw'): HTMLElement {
  return el('bdi', { class: kind }, visible(text));
}

export function button(label: string, onClick: () => void, attributes: Record<string, string> = {}): HTMLButtonElement {
  const node = el('button', { type: 'button', ...attributes }, label);
  node.addEventListener('click', onClick);
  return node;
}

/** A part with a heading of its own. */
export function section(heading: string, ...children: Child[]): HTMLElement {
  return el('section', {}, el('h2', {}, heading), ...children);
}

/** Rows that are scrolled sideways where they do not fit, by keyboard too. */
export function table(label: string, head: readonly string[], rows: readonly (readonly Child[])[]): HTMLElement {
  const cells = (row: readonly Child[]) => row.map((cell) => el('td', {}, cell));
  const top = el('tr', {}, ...head.map((name) => el('th', { scope: 'col' }, name)));
  const body = el('tbody', {}, ...rows.map((row) => el('tr', {}, ...cells(row))));
  const whole = el('table', {}, el('thead', {}, top), body);
  return el('div', { class: 'wide', role: 'group', tabindex: '0', 'aria-label': label }, whole);
}

/** A word on a coloured ground; the word alone says all. */
export function pill(word: string, tone: Tone): HTMLElement {
  return el('span', { class: `pill ${tone}` }, word);
}

/** For those who listen instead of looking. */
export function unseen(text: string): HTMLElement {
  return el('span', { class: 'unseen' }, text);
}

export type Tone = 'good' | 'bad' | 'warn' | 'plain';

let ids = 0;

export function newId(kind: string): string {
  ids += 1;
  return `${kind}-${ids}`;
}
