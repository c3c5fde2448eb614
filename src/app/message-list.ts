// Owns messages as they are read: a list that can be searched, and beside it the chosen one with what changed since the
// one before it on its topic. Must not know where the messages are from.
import type { SubscribeAndCollectResult } from '../generated/types.ts';
import { type Change, differences } from '../payload/difference.ts';
import { type Child, el, newId, raw, table } from './dom.ts';
import { inSlices } from './slices.ts';
import { bytes, clock, count, indented, inLine, number, words } from './text.ts';
import { VirtualList } from './virtual-list.ts';

type Message = SubscribeAndCollectResult['messages'][number];
export type Shown = Pick<Message, 'topic' | 'payload' | 'retain' | 'timestamp' | 'offset_ms'> & {
  payload_type: string;
} & Partial<Omit<Message, 'payload_type'>>;

/** Of a payload, characters: in its row, searched, and shown whole. */
const ROW_CHARACTERS = 160;
const SEARCHED_CHARACTERS = 2_000;
const WHOLE_CHARACTERS = 20_000;

export class MessageList {
  readonly node: HTMLElement;
  readonly #signal: AbortSignal;
  readonly #list: VirtualList;
  readonly #filter: HTMLInputElement;
  readonly #shown = el('span', { class: 'dim', role: 'status' });
  readonly #detail = el('div', { class: 'detail', role: 'region', tabindex: '0', 'aria-label': 'Chosen message' });
  #all: readonly Shown[] = [];
  /** Of all, those that are listed. */
  #listed: readonly Shown[] = [];
  #search = new AbortController();

  constructor(messages: readonly Shown[], signal: AbortSignal) {
    this.#signal = signal;
    const id = newId('filter');
    this.#filter = el('input', { id, type: 'search', autocomplete: 'off', spellcheck: 'false' });
    this.#filter.addEventListener('input', () => void this.#arrange());
    this.#list = new VirtualList({
      label: 'Messages',
      role: 'listbox',
      draw: (index, row) => this.#draw(index, row),
      onActive: (index) => this.#choose(index),
    });
    const bar = el('div', { class: 'bar' }, el('label', { for: id }, 'Find'), this.#filter, this.#shown);
    this.#detail.append(el('p', { class: 'dim' }, 'Choose a message to see it whole, and what it changed.'));
    this.node = el('div', {}, bar, el('div', { class: 'pair' }, this.#list.node, this.#detail));
    this.show(messages);
  }

  show(messages: readonly Shown[]): void {
    this.#all = messages;
    void this.#arrange();
  }

  async #arrange(): Promise<void> {
    this.#search.abort();
    this.#search = new AbortController();
    const wanted = this.#filter.value.toLowerCase();
    if (wanted === '') return this.#place(this.#all);
    const found: Shown[] = [];
    const look = (one: Shown) => {
      if (matches(one, wanted)) found.push(one);
    };
    const signal = AbortSignal.any([this.#search.signal, this.#signal]);
    if (await inSlices(this.#all, look, signal)) this.#place(found);
  }

  #place(listed: readonly Shown[]): void {
    this.#listed = listed;
    this.#list.reset(listed.length);
    const all = count(this.#all.length, 'message');
    this.#shown.textContent = listed === this.#all ? all : `${number(listed.length)} of ${all}`;
  }

  #draw(index: number, row: HTMLElement): void {
    const one = this.#listed[index];
    if (!one) return;
    row.classList.add('message');
    row.append(
      el('span', { class: 'time' }, clock(one.timestamp)),
      raw(one.topic, 'topic'),
      raw(inLine(one.payload, ROW_CHARACTERS), 'payload'),
      ...tagsOf(one),
    );
  }

  #choose(index: number): void {
    const one = this.#listed[index];
    if (!one) return;
    const before = this.#before(one);
    const facts = [
      clock(one.timestamp),
      one.qos === undefined ? undefined : `QoS ${one.qos}`,
      one.size_bytes === undefined ? undefined : bytes(one.size_bytes),
      one.payload_format === undefined ? one.payload_type : `${one.payload_format} (${one.payload_type})`,
      one.payload_detail,
      one.payload_truncated ? 'shown in part' : undefined,
    ];
    const told = facts.filter((fact) => fact !== undefined).join(' · ');
    this.#detail.replaceChildren(
      el('h3', {}, raw(one.topic, 'topic')),
      el('p', { class: 'dim' }, raw(told), ' ', ...tagsOf(one)),
      ...(before ? changesSince(before, one) : [el('p', { class: 'dim' }, 'The first of its topic here.')]),
      el('h4', {}, 'Payload'),
      el('pre', {}, el('bdi', {}, indented(one.payload, WHOLE_CHARACTERS))),
      ...(one.properties ? propertiesOf(one.properties) : []),
    );
    this.#detail.scrollTop = 0;
  }

  #before(one: Shown): Shown | undefined {
    const at = this.#all.lastIndexOf(one);
    for (let i = at - 1; i >= 0; i -= 1) if (this.#all[i]?.topic === one.topic) return this.#all[i];
    return undefined;
  }
}

function matches({ topic, payload }: Shown, wanted: string): boolean {
  return topic.toLowerCase().includes(wanted) || inLine(payload, SEARCHED_CHARACTERS).toLowerCase().includes(wanted);
}

function tagsOf({ retain, dup, kept_because }: Shown): HTMLElement[] {
  const important = kept_because === 'error' ? 'error' : undefined;
  const names = [retain ? 'retained' : undefined, dup ? 'dup' : undefined, important];
  return names.flatMap((name) => (name ? [el('span', { class: name === 'error' ? 'tag bad' : 'tag' }, name)] : []));
}

function changesSince(before: Shown, after: Shown): HTMLElement[] {
  const { changes, more } = differences(before.payload, after.payload);
  const heading = el('h4', {}, `Since ${clock(before.timestamp)}`);
  if (changes.length === 0) return [heading, el('p', { class: 'dim' }, 'The payload is the same.')];
  const rows = changes.map((change) => [kindOf(change), raw(change.path, 'path'), old(change), fresh(change)]);
  const label = 'What changed since the message before';
  const rest = more ? el('p', { class: 'dim' }, 'There is more that differs.') : undefined;
  return [heading, table(label, ['Change', 'Field', 'Before', 'After'], rows), rest].filter(
    (part) => part !== undefined,
  );
}

/** A word, not only a colour. */
function kindOf(change: Change): HTMLElement {
  if (!('before' in change)) return el('span', { class: 'tag good' }, 'new');
  return 'after' in change ? el('span', { class: 'tag' }, 'changed') : el('span', { class: 'tag bad' }, 'gone');
}

function old(change: Change): Child {
  return 'before' in change ? el('del', {}, raw(inLine(change.before))) : undefined;
}

export function fresh(change: Change): Child {
  if (!('after' in change)) return undefined;
  const { delta } = change;
  const by = delta === undefined ? undefined : el('span', { class: 'dim' }, ` ${delta > 0 ? '+' : ''}${number(delta)}`);
  return el('span', {}, el('ins', {}, raw(inLine(change.after))), by);
}

function propertiesOf(properties: object): HTMLElement[] {
  const rows = Object.entries(properties).map(([name, value]) => [raw(words(name)), raw(inLine(value))]);
  return [el('h4', {}, 'Properties'), table('Properties', ['Name', 'Value'], rows)];
}
