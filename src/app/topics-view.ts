// Owns what is shown of list_topics: the tree with counts and ages, and keeping it alive. Must not know the host.
import type { ListTopicsResult } from '../generated/types.ts';
import { isList, isRecord } from '../payload/types.ts';
import { button, el, newId, raw, section, table, unseen } from './dom.ts';
import { age, bytes, count, number } from './text.ts';
import { addListing, type Level, type Row, rowsOf, type Topic, treeOf } from './topics.ts';
import { absencePart, notesPart, type Stage, type View } from './view.ts';
import { VirtualList } from './virtual-list.ts';

/** Trees up to this size are shown open. */
const ALL_OPEN = 80;
/** One listing of a live tree, s; and how long a tree that nobody switches off stays live, ms. */
const LIVE_SECONDS = 5;
const LIVE_MS = 10 * 60 * 1_000;
/** Topics that a live tree gathers: what a broker invents from listing to listing is not kept for ever. */
const MAX_KNOWN = 10_000;
const AGE_MS = 1_000;

export function isTopics(result: unknown): result is ListTopicsResult {
  return isRecord(result) && isList(result.topics) && typeof result.total_topics === 'number';
}

export function topicsView(result: ListTopicsResult, stage: Stage): View {
  const tree = new Tree(result, stage.signal);
  const { retained_complete, topic_count, total_topics, truncated } = result;
  const seen = truncated ? `${number(topic_count)} of ${count(total_topics, 'topic')}` : count(total_topics, 'topic');
  return {
    tool: 'list_topics',
    title: 'Topics',
    facts: `${seen}, listened for ${number(result.discovery_duration_seconds)} s`,
    state: retained_complete
      ? { word: 'all retained listed', tone: 'good' }
      : { word: 'retained may be missing', tone: 'warn' },
    controls: stage.call ? [liveButton(tree, stage, stage.call)] : [],
    body: [
      tree.node,
      prefixesPart(result.tree),
      result.narrower_filters && section('List these one by one instead', paths(result.narrower_filters)),
      absencePart(result.absence),
      notesPart(result.notes),
    ],
  };
}

/** What was left out of the list, by prefix. */
function prefixesPart(tree: ListTopicsResult['tree']): HTMLElement | undefined {
  if (!tree) return undefined;
  const rows = Object.entries(tree).map(([prefix, topics]) => [raw(prefix, 'topic'), number(topics)]);
  return section('All topics by prefix', table('All topics by prefix', ['Prefix', 'Topics'], rows));
}

function paths(filters: readonly string[]): HTMLElement {
  return el('ul', {}, ...filters.map((filter) => el('li', {}, raw(filter, 'topic'))));
}

class Tree {
  readonly node: HTMLElement;
  readonly #known = new Map<string, Topic>();
  readonly #flipped = new Set<string>();
  readonly #list: VirtualList;
  readonly #filter: HTMLInputElement;
  readonly #shown = el('span', { class: 'dim', role: 'status' });
  #root: Level;
  #rows: Row[] = [];

  constructor(result: ListTopicsResult, signal: AbortSignal) {
    addListing(this.#known, result.topics);
    this.#root = treeOf(this.#known.values());
    const id = newId('filter');
    this.#filter = el('input', { id, type: 'search', autocomplete: 'off', spellcheck: 'false' });
    this.#filter.addEventListener('input', () => this.#arrange());
    this.#list = new VirtualList({
      label: 'Topic tree',
      role: 'tree',
      draw: (index, row) => this.#draw(index, row),
      onKey: (key, index) => this.#pressed(key, index),
    });
    this.#list.node.addEventListener('click', (event) => {
      if (event.target instanceof Element && event.target.closest('.twist')) this.#flip(this.#list.active);
    });
    const head = el('div', { class: 'bar' }, el('label', { for: id }, 'Find'), this.#filter, this.#shown);
    const columns = el('div', { class: 'row head', 'aria-hidden': 'true' });
    columns.append(...cells('Topic', 'messages', 'size', 'age'));
    this.node = el('div', { class: 'tree' }, head, columns, this.#list.node);
    this.#arrange();
    const ticker = setInterval(() => document.hidden || this.#list.redraw(), AGE_MS);
    signal.addEventListener('abort', () => clearInterval(ticker));
  }

  /** False where there is no room for more. */
  add(result: ListTopicsResult): boolean {
    addListing(this.#known, result.topics);
    this.#root = treeOf(this.#known.values());
    this.#arrange();
    return this.#known.size <= MAX_KNOWN;
  }

  #isOpen = (level: Level): boolean => {
    const open = this.#root.topics <= ALL_OPEN || level.depth < 1;
    return this.#flipped.has(level.path) !== open;
  };

  #arrange(): void {
    const at = this.#rows[this.#list.active]?.level.path;
    this.#rows = rowsOf(this.#root, this.#isOpen, this.#filter.value);
    this.#list.reset(this.#rows.length);
    this.#shown.textContent = this.#filter.value === '' ? '' : count(this.#rows.length, 'row');
    const again = this.#rows.findIndex(({ level }) => level.path === at);
    if (again >= 0 && again !== this.#list.active) this.#list.activate(again);
  }

  #flip(index: number): void {
    const path = this.#rows[index]?.level.path;
    if (path === undefined) return;
    if (!this.#flipped.delete(path)) this.#flipped.add(path);
    this.#arrange();
  }

  /** As trees are moved through everywhere: WAI-ARIA, Tree View. */
  #pressed(key: string, index: number): boolean {
    const row = this.#rows[index];
    if (!row) return false;
    const { level, open } = row;
    const branch = level.children.size > 0;
    if (key === 'Enter' || key === ' ' || (key === 'ArrowRight' && !open) || (key === 'ArrowLeft' && open)) {
      if (branch) this.#flip(index);
      else if (key === 'ArrowLeft') this.#toParent(index, level.depth);
    } else if (key === 'ArrowRight') this.#list.activate(index + 1);
    else if (key === 'ArrowLeft') this.#toParent(index, level.depth);
    else return false;
    return true;
  }

  #toParent(index: number, depth: number): void {
    const parent = this.#rows.slice(0, index).findLastIndex(({ level }) => level.depth === depth - 1);
    if (parent >= 0) this.#list.activate(parent);
  }

  #draw(index: number, row: HTMLElement): void {
    const entry = this.#rows[index];
    if (!entry) return;
    const { level, open, place, of } = entry;
    const { topic, name, depth, messages, heard } = level;
    const branch = level.children.size > 0;
    row.setAttribute('aria-level', String(depth + 1));
    row.setAttribute('aria-posinset', String(place));
    row.setAttribute('aria-setsize', String(of));
    if (branch) row.setAttribute('aria-expanded', String(open));
    const last = heard === '' ? 'stored' : age(heard, Date.now());
    const size = bytes(branch && !topic ? level.bytes : topic?.payload_bytes);
    const twist = el('span', { class: 'twist', 'aria-hidden': 'true' }, branch ? (open ? '▾' : '▸') : '');
    const label = el('span', { class: 'name' }, twist, raw(name === '' ? '(empty)' : name, 'topic'));
    label.style.paddingInlineStart = `${Math.min(depth, 12)}em`;
    if (branch) label.append(el('span', { class: 'dim' }, ` ${count(level.topics, 'topic')}`));
    if (topic?.retained) label.append(el('span', { class: 'tag' }, 'retained'));
    row.append(
      ...cells(label, told(messages, 'message'), size, last === 'stored' ? last : el('span', {}, last, unseen(' ago'))),
    );
  }
}

function cells(name: string | Node, ...rest: (string | Node)[]): HTMLElement[] {
  return [el('span', { class: 'first' }, name), ...rest.map((content) => el('span', { class: 'cell' }, content))];
}

/** The head of the column says what the number counts to whoever sees it. */
function told(value: number, one: string): HTMLElement {
  return el('span', {}, number(value), unseen(value === 1 ? ` ${one}` : ` ${one}s`));
}

/** Lists again and again while it is pressed, somebody looks, and the view is there. */
function liveButton(tree: Tree, stage: Stage, call: NonNullable<Stage['call']>): HTMLElement {
  let until = 0;
  const isOn = () => performance.now() < until && !stage.signal.aborted;
  const set = (on: boolean) => {
    until = on ? performance.now() + LIVE_MS : 0;
    node.setAttribute('aria-pressed', String(on));
  };
  const run = async () => {
    while (isOn()) {
      const result = await call('list_topics', { ...stage.args, duration_seconds: LIVE_SECONDS });
      if (!isTopics(result) || !tree.add(result)) break;
      if (document.hidden) break;
    }
  };
  const node = button('Live', () => {
    const on = !isOn();
    set(on);
    if (on) void run().finally(() => set(false));
  });
  node.setAttribute('aria-pressed', 'false');
  return node;
}
