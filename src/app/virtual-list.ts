// Owns a list of any length of which only what is in view is in the document, moved through by keyboard.
// Must not know what a row shows.
import { el, newId } from './dom.ts';

/** Rows drawn beyond each edge. */
const BEYOND = 8;
/** In the root's font size: rows grow with the reader's text. */
const ROW_REM = 2;

export type ListOptions = {
  label: string;
  role: 'listbox' | 'tree';
  /** Fills an empty row. */
  draw(index: number, row: HTMLElement): void;
  onActive?(index: number): void;
  /** Keys beyond those that move; true where it took one. */
  onKey?(key: string, index: number): boolean;
};

export class VirtualList {
  readonly node: HTMLElement;
  readonly #options: ListOptions;
  readonly #space = el('div', { class: 'space', role: 'presentation' });
  readonly #rowHeight: number;
  readonly #rows = new Map<number, HTMLElement>();
  readonly #id = newId('row');
  #count = 0;
  #active = -1;

  constructor(options: ListOptions) {
    this.#options = options;
    this.#rowHeight = ROW_REM * Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const { role, label } = options;
    this.node = el('div', { class: 'list', role, tabindex: '0', 'aria-label': label }, this.#space);
    this.node.addEventListener('scroll', () => this.#draw(), { passive: true });
    this.node.addEventListener('keydown', (event) => this.#pressed(event));
    this.node.addEventListener('click', (event) => this.#clicked(event));
    this.node.addEventListener('focus', () => this.#active < 0 && this.activate(0));
    new ResizeObserver(() => this.#draw()).observe(this.node);
  }

  get active(): number {
    return this.#active;
  }

  /** Everything may be different now. */
  reset(count: number): void {
    this.#count = count;
    this.#space.style.height = `${count * this.#rowHeight}px`;
    this.node.style.setProperty('--rows', String(Math.max(count, 3)));
    this.#active = Math.min(this.#active, count - 1);
    this.redraw();
  }

  redraw(): void {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#draw();
  }

  activate(index: number): void {
    if (this.#count === 0) return;
    const next = Math.min(Math.max(index, 0), this.#count - 1);
    const changed = next !== this.#active;
    this.#rows.get(this.#active)?.setAttribute('aria-selected', 'false');
    this.#active = next;
    this.#scrollTo(next);
    this.#draw();
    this.#rows.get(next)?.setAttribute('aria-selected', 'true');
    if (changed) this.#options.onActive?.(next);
  }

  #scrollTo(index: number): void {
    const top = index * this.#rowHeight;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop) this.node.scrollTop = top;
    else if (top + this.#rowHeight > scrollTop + clientHeight)
      this.node.scrollTop = top + this.#rowHeight - clientHeight;
  }

  #draw(): void {
    const first = Math.max(0, Math.floor(this.node.scrollTop / this.#rowHeight) - BEYOND);
    const last = Math.min(this.#count, first + this.#page() + 2 * BEYOND);
    for (const [index, row] of this.#rows) {
      if ((index >= first && index < last) || index === this.#active) continue;
      row.remove();
      this.#rows.delete(index);
    }
    const wanted = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
    // The active one stays in the document wherever the list is scrolled to: the list refers to it.
    for (const index of this.#active >= 0 ? [...wanted, this.#active] : wanted) this.#drawRow(index);
    if (this.#active >= 0) this.node.setAttribute('aria-activedescendant', `${this.#id}-${this.#active}`);
    else this.node.removeAttribute('aria-activedescendant');
  }

  #drawRow(index: number): void {
    if (this.#rows.has(index) || index >= this.#count) return;
    const row = el('div', {
      class: 'row',
      id: `${this.#id}-${index}`,
      role: this.#options.role === 'tree' ? 'treeitem' : 'option',
      'aria-selected': String(index === this.#active),
      'aria-setsize': String(this.#count),
      'aria-posinset': String(index + 1),
    });
    row.style.top = `${index * this.#rowHeight}px`;
    row.dataset.index = String(index);
    this.#options.draw(index, row);
    this.#rows.set(index, row);
    this.#space.append(row);
  }

  #page(): number {
    return Math.max(1, Math.ceil(this.node.clientHeight / this.#rowHeight));
  }

  #pressed(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const from = this.#active;
    const page = Math.max(1, this.#page() - 2);
    const places: Record<string, number> = {
      ArrowDown: from + 1,
      ArrowUp: from - 1,
      PageDown: from + page,
      PageUp: from - page,
      Home: 0,
      End: this.#count - 1,
    };
    const place = places[event.key];
    if (place !== undefined) this.activate(place);
    else if (!this.#options.onKey?.(event.key, from)) return;
    event.preventDefault();
  }

  #clicked(event: MouseEvent): void {
    const row = event.target instanceof Element ? event.target.closest('.row') : null;
    if (row instanceof HTMLElement) this.activate(Number(row.dataset.index));
  }
}
