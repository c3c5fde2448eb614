// Owns the charts: a strip a series, so that each has a scale of its own, over one time axis with one cursor.
// The only import of uPlot. Must not know messages.
import uPlot from 'uplot';
import { el, newId, raw, section } from './dom.ts';
import { nearest, type Series } from './series.ts';
import { clock, count, number, visible } from './text.ts';

/** Strips at once, and how many the first look has. */
const MAX_STRIPS = 6;
const FIRST_STRIPS = 4;
const STRIP_PX = 72;
const AXIS_PX = 26;
const SCALE_PX = 58;
/** Points of which each is marked. */
const MAX_MARKED = 80;

type Strip = { series: Series; plot: uPlot; value: HTMLElement };

/** Undefined where no number has a course. */
export function chartPart(all: readonly Series[], signal: AbortSignal): HTMLElement | undefined {
  return all.length === 0 ? undefined : new Chart(all, signal).node;
}

class Chart {
  readonly node: HTMLElement;
  readonly #all: readonly Series[];
  readonly #chosen: Set<Series>;
  readonly #strips: HTMLElement;
  readonly #told = el('p', { class: 'dim', role: 'status' }, ' ');
  #drawn: Strip[] = [];
  #times: number[] = [];
  #at = -1;

  constructor(all: readonly Series[], signal: AbortSignal) {
    this.#all = all;
    this.#chosen = new Set(all.slice(0, FIRST_STRIPS));
    const label = 'Charts over time; arrow keys move the cursor';
    this.#strips = el('div', { class: 'strips', role: 'group', tabindex: '0', 'aria-label': label });
    this.#strips.addEventListener('keydown', (event) => this.#pressed(event));
    this.node = section('Numbers over time', this.#picker(), this.#strips, this.#told);
    const resized = new ResizeObserver(() => this.#fit());
    resized.observe(this.#strips);
    const repaint = () => this.#redraw();
    document.addEventListener('theme', repaint, { signal });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint, { signal });
    signal.addEventListener('abort', () => resized.disconnect());
    this.#plot();
  }

  #picker(): HTMLElement {
    const boxes = this.#all.map((series) => {
      const box = el('input', { type: 'checkbox', ...(this.#chosen.has(series) ? { checked: '' } : {}) });
      box.addEventListener('change', () => this.#choose(series, box));
      return el('li', {}, el('label', {}, box, nameOf(series), el('span', { class: 'dim' }, ` ${rangeOf(series)}`)));
    });
    const hint = `${count(this.#all.length, 'series', 'series')}; up to ${MAX_STRIPS} at once`;
    return el('details', { class: 'picker' }, el('summary', {}, hint), el('ul', {}, ...boxes));
  }

  #choose(series: Series, box: HTMLInputElement): void {
    if (!box.checked) this.#chosen.delete(series);
    else if (this.#chosen.size < MAX_STRIPS) this.#chosen.add(series);
    else {
      box.checked = false;
      this.#told.textContent = `${MAX_STRIPS} at once; take one away first.`;
      return;
    }
    this.#plot();
  }

  #plot(): void {
    for (const { plot } of this.#drawn) plot.destroy();
    const chosen = this.#all.filter((series) => this.#chosen.has(series));
    this.#times = [];
    this.#at = -1;
    const from = chosen.reduce((low, { times }) => Math.min(low, times[0] ?? low), Number.POSITIVE_INFINITY);
    const to = chosen.reduce((high, { times }) => Math.max(high, times.at(-1) ?? high), Number.NEGATIVE_INFINITY);
    const sync = newId('sync');
    const parts = chosen.map((series, i) => {
      const isLast = i === chosen.length - 1;
      const value = el('span', { class: 'value' }, number(series.values.at(-1)));
      const head = el(
        'div',
        { class: 'strip-head' },
        nameOf(series),
        value,
        el('span', { class: 'dim' }, rangeOf(series)),
      );
      const label = `${visible(series.topic)} ${visible(series.path)}: ${count(series.times.length, 'point')}, ${rangeOf(series)}`;
      const canvas = el('div', { class: `canvas hue-${i % MAX_STRIPS}`, role: 'img', 'aria-label': label });
      return { series, value, canvas, isLast, node: el('div', {}, head, canvas) };
    });
    this.#strips.replaceChildren(...parts.map(({ node }) => node));
    this.#drawn = parts.map(({ series, value, canvas, isLast }) => {
      const options = optionsOf(canvas, { points: series.times.length, from, to, isLast, sync });
      const hooks = { setCursor: [(plot: uPlot) => showValue(plot, series, value)] };
      const data: uPlot.AlignedData = [series.times, series.values];
      return { series, value, plot: new uPlot({ ...options, width: this.#width(), hooks }, data, canvas) };
    });
  }

  #width(): number {
    return Math.max(200, this.#strips.clientWidth - 8);
  }

  #fit(): void {
    const width = this.#width();
    for (const { plot } of this.#drawn) if (plot.width !== width) plot.setSize({ width, height: plot.height });
  }

  #redraw(): void {
    for (const { plot } of this.#drawn) plot.redraw(false, true);
  }

  #pressed(event: KeyboardEvent): void {
    if (this.#times.length === 0) {
      const all = new Set(this.#drawn.flatMap(({ series }) => series.times));
      this.#times = [...all].sort((a, b) => a - b);
    }
    const last = this.#times.length - 1;
    const from = this.#at < 0 ? last + 1 : this.#at;
    const steps: Record<string, number> = {
      ArrowLeft: from - 1,
      ArrowRight: from + 1,
      PageUp: from - 10,
      PageDown: from + 10,
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#at = Math.min(Math.max(to, 0), last);
    this.#pointAt(this.#times[this.#at] ?? 0);
  }

  #pointAt(time: number): void {
    const told = this.#drawn.map(({ series, plot, value }) => {
      plot.setCursor({ left: plot.valToPos(time, 'x'), top: 0 }, false);
      const there = series.values[nearest(series.times, time)];
      value.textContent = number(there);
      return `${visible(series.topic.split('/').at(-1) ?? '')}${visible(series.path)} ${number(there)}`;
    });
    this.#told.textContent = `${clock(time * 1_000)}: ${told.join(', ')}`;
  }
}

function nameOf({ topic, path }: Series): HTMLElement {
  return el(
    'span',
    { class: 'strip-name' },
    raw(topic, 'topic'),
    path === '' ? undefined : raw(path.replace(/^\./, ' '), 'path'),
  );
}

function rangeOf({ minimum, maximum }: Series): string {
  return minimum === maximum ? `always ${number(minimum)}` : `${number(minimum)} to ${number(maximum)}`;
}

function showValue({ cursor }: uPlot, { values }: Series, value: HTMLElement): void {
  value.textContent = number(typeof cursor.idx === 'number' ? values[cursor.idx] : values.at(-1));
}

type Shape = { points: number; from: number; to: number; isLast: boolean; sync: string };

/** Colours are asked for whenever it is drawn: the theme may have changed. */
function optionsOf(canvas: HTMLElement, { points, from, to, isLast, sync }: Shape): Omit<uPlot.Options, 'width'> {
  const style = () => getComputedStyle(canvas);
  const axis = { stroke: () => style().getPropertyValue('outline-color'), font: '11px system-ui, sans-serif' };
  const grid = { stroke: () => style().borderTopColor, width: 1 };
  return {
    height: STRIP_PX + (isLast ? AXIS_PX : 0),
    legend: { show: false },
    // The same for all, or their times would not lie above each other.
    padding: [6, 14, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: sync } },
    scales: { x: { time: true, range: [from, to] } },
    series: [{}, { stroke: () => style().color, width: 1.5, points: { show: points <= MAX_MARKED, size: 4 } }],
    axes: [
      {
        ...axis,
        grid,
        show: isLast,
        size: AXIS_PX,
        values: (_, splits) => splits.map((at) => clock(at * 1_000).slice(0, 8)),
      },
      { ...axis, grid, size: SCALE_PX, values: (_, splits) => splits.map((value) => number(value)), space: 16 },
    ],
  };
}
