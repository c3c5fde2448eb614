// Owns the frame around every view: what the host says, which view shows it, theme, size, the buttons of all views.
// Must not know what a view shows.
import { isRecord } from '../payload/types.ts';
import { changesView, isChanges } from './changes-view.ts';
import { collectView, isCollection } from './collect-view.ts';
import { deviceView, isDevice } from './device-view.ts';
import { button, el, pill } from './dom.ts';
import { Host } from './host.ts';
import { isPerformance, performanceView } from './performance-view.ts';
import { indented, inLine, number, useTimeZone, visible } from './text.ts';
import { isTopics, topicsView } from './topics-view.ts';
import { type Stage, structured, type View } from './view.ts';

const MAX_UNKNOWN = 20_000;
const TICK_MS = 500;

const place = document.getElementById('app') ?? document.body;
let args: Record<string, unknown> = {};
let canGoFull = false;
/** Ended with what is shown: its timers, its work, its listeners. */
let shown = new AbortController();

const host = new Host({
  input: (given) => {
    args = given;
    showWaiting();
  },
  result: showResult,
  cancelled: () => showPlain('Cancelled', 'The call was cancelled; there is nothing to show.'),
  context: adopt,
  teardown: () => shown.abort(),
});

/** The shape decides, not the name: a host need not say which tool was called. */
function viewOf(result: unknown, stage: Stage): View | undefined {
  if (isTopics(result)) return topicsView(result, stage);
  if (isCollection(result)) return collectView(result, stage);
  if (isChanges(result)) return changesView(result);
  if (isDevice(result)) return deviceView(result, stage);
  return isPerformance(result) ? performanceView(result) : undefined;
}

function showResult(answer: Record<string, unknown>): void {
  const signal = renewed();
  const result = structured(answer);
  const error = isRecord(result) && isRecord(result.error) ? result.error : undefined;
  const stage = { args, signal, call: host.canCall ? call : undefined };
  if (error) showPlain(inLine(error.message, 300), inLine(error.hint, 600), 'bad');
  else if (!showOwn(result, stage))
    showPlain('Result', '', 'plain', el('pre', {}, el('bdi', {}, indented(result, MAX_UNKNOWN))));
}

/** False where it is none of ours, or of another version: it is shown as it came. */
function showOwn(result: unknown, stage: Stage): boolean {
  try {
    const view = viewOf(result, stage);
    if (view) showView(view);
    return view !== undefined;
  } catch {
    return false;
  }
}

function showView(view: View): void {
  const state = view.state && pill(view.state.word, view.state.tone);
  const heading = el(
    'div',
    { class: 'title' },
    el('h1', {}, view.title),
    state,
    el('span', { class: 'dim' }, view.facts),
  );
  const controls = [...(view.controls ?? []), againButton(view.tool), fullButton()].filter((one) => one !== undefined);
  const head = el('header', {}, heading, el('div', { class: 'controls' }, ...controls));
  place.replaceChildren(head, ...view.body.filter((part) => part !== undefined));
  view.placed?.();
}

function showPlain(title: string, told: string, tone: 'plain' | 'bad' = 'plain', more?: HTMLElement): void {
  renewed();
  const heading = el('h1', { class: tone }, title);
  place.replaceChildren(heading, el('p', { role: tone === 'bad' ? 'alert' : 'status' }, told), ...(more ? [more] : []));
}

/** How long it listens is known, so how long there is to wait is. */
function showWaiting(): void {
  const signal = renewed();
  const seconds = typeof args.duration_seconds === 'number' ? args.duration_seconds : undefined;
  const bar = el('progress', { 'aria-label': 'Time listened', ...(seconds ? { max: String(seconds) } : {}) });
  const told = el(
    'p',
    { class: 'dim', role: 'status' },
    seconds ? `Listens for ${number(seconds)} s.` : 'Waits for the result.',
  );
  place.replaceChildren(el('h1', {}, 'MQTT'), told, bar);
  if (seconds === undefined) return;
  const began = performance.now();
  const ticker = setInterval(() => {
    bar.value = Math.min(seconds, (performance.now() - began) / 1_000);
  }, TICK_MS);
  signal.addEventListener('abort', () => clearInterval(ticker));
}

function renewed(): AbortSignal {
  shown.abort();
  shown = new AbortController();
  return shown.signal;
}

async function call(name: string, given: Record<string, unknown>): Promise<unknown> {
  return structured(await host.callTool(name, given));
}

/** Not where the call would publish: that is for whoever asked for it to decide. */
function againButton(tool: string): HTMLElement | undefined {
  if (!host.canCall || args.session_id === undefined || args.probe_topic !== undefined || args.cursor !== undefined)
    return undefined;
  const node = button('Again', () => {
    const given = args;
    showWaiting();
    host.callTool(tool, given).then(showResult, (error) => showPlain('No answer', visible(String(error)), 'bad'));
  });
  return node;
}

function fullButton(): HTMLElement | undefined {
  if (!canGoFull) return undefined;
  const isFull = () => document.documentElement.dataset.mode === 'fullscreen';
  const node = button('Full screen', () => void host.showAs(isFull() ? 'inline' : 'fullscreen').catch(() => {}));
  return node;
}

/** What changed of the host's surroundings. Its colours stay there: the contrast of these ones is tested. */
function adopt(context: Record<string, unknown>): void {
  const root = document.documentElement;
  const { theme, displayMode, availableDisplayModes, timeZone, styles } = context;
  if (theme === 'light' || theme === 'dark') {
    root.dataset.theme = theme;
    document.dispatchEvent(new Event('theme'));
  }
  if (typeof displayMode === 'string') root.dataset.mode = displayMode;
  if (Array.isArray(availableDisplayModes)) canGoFull = availableDisplayModes.includes('fullscreen');
  if (typeof timeZone === 'string') useTimeZone(timeZone);
  const variables = isRecord(styles) && isRecord(styles.variables) ? styles.variables : {};
  for (const name of ['--font-sans', '--font-mono']) {
    const value = variables[name];
    if (typeof value === 'string') root.style.setProperty(name, value);
  }
}

/** A host that is as high as what it shows. */
function tellSize(): void {
  const { width, height } = document.body.getBoundingClientRect();
  host.sizeChanged(Math.ceil(width), Math.ceil(height));
}

if (window.parent === window) {
  showPlain('MQTT', 'This page shows results inside of an MCP host; there is none around it.');
} else {
  showWaiting();
  host.connect().then(
    () => new ResizeObserver(tellSize).observe(document.body),
    () => showPlain('No host', 'What is around this page does not speak MCP Apps.'),
  );
}
