// Owns what is shown of subscribe_and_collect: charts of its numbers, its messages, what was left out.
// Must not know the host.
import type { SubscribeAndCollectResult } from '../generated/types.ts';
import { isList, isRecord } from '../payload/types.ts';
import { button, el, raw, section, table } from './dom.ts';
import { MessageList } from './message-list.ts';
import { SeriesSet } from './series.ts';
import { inSlices, turn } from './slices.ts';
import { count, number } from './text.ts';
import { absencePart, notesPart, type Stage, stopState, type View } from './view.ts';

/** Messages that are gathered page by page. */
const MAX_GATHERED = 20_000;

export function isCollection(result: unknown): result is SubscribeAndCollectResult {
  return isRecord(result) && isList(result.messages) && typeof result.message_count === 'number';
}

export function collectView(result: SubscribeAndCollectResult, stage: Stage): View {
  const list = new MessageList(result.messages, stage.signal);
  const charts = el('div', { class: 'charts' });
  const chart = (messages: SubscribeAndCollectResult['messages']) => chartInto(charts, messages, stage.signal);
  const { original_message_count: received, message_count, collection_duration_seconds: seconds, stopped_by } = result;
  const came = received === undefined || received === message_count ? '' : ` of ${number(received)}`;
  const facts = [
    `${number(message_count)}${came} ${message_count === 1 && came === '' ? 'message' : 'messages'}`,
    result.topics ? `on ${count(Object.keys(result.topics).length, 'topic')}` : '',
    seconds === undefined ? '' : `in ${number(seconds)} s`,
  ];
  return {
    tool: 'subscribe_and_collect',
    title: 'Messages',
    facts: facts.filter((fact) => fact !== '').join(' '),
    ...stopState(stopped_by),
    controls: restButton(result, stage, (messages) => {
      list.show(messages);
      void chart(messages);
    }),
    body: [
      charts,
      section('Messages', list.node),
      leftOutPart(result.pruning),
      absencePart(result.absence),
      notesPart(result.notes),
    ],
    placed: () => void chart(result.messages),
  };
}

async function chartInto(
  place: HTMLElement,
  messages: SubscribeAndCollectResult['messages'],
  signal: AbortSignal,
): Promise<void> {
  const series = new SeriesSet();
  if (!(await inSlices(messages, (message) => series.add(message), signal))) return;
  // Half of the document is the chart library: it is run where there is something to draw, in a turn of its own.
  const { chartPart } = await import('./chart.ts');
  await turn();
  if (signal.aborted) return;
  const part = chartPart(series.sorted(), signal);
  if (part) place.replaceChildren(part);
}

function leftOutPart(pruning: SubscribeAndCollectResult['pruning']): HTMLElement | undefined {
  if (!pruning) return undefined;
  const rows = Object.entries(pruning.by_topic).map(([topic, left]) => [raw(topic, 'topic'), number(left)]);
  const summary = el('summary', {}, `${count(pruning.omitted, 'message')} left out`);
  return el('details', {}, summary, table('Left out, by topic', ['Topic', 'Messages'], rows));
}

type Gathered = (messages: SubscribeAndCollectResult['messages']) => void;

/** The server keeps what it left out for ten minutes, in pages. */
function restButton(
  result: SubscribeAndCollectResult,
  { args, signal, call }: Stage,
  gathered: Gathered,
): HTMLElement[] {
  if (!call || result.next_cursor === undefined) return [];
  const gather = async () => {
    node.disabled = true;
    let all = result.messages;
    let cursor: string | undefined = result.next_cursor;
    while (cursor !== undefined && all.length < MAX_GATHERED && !signal.aborted) {
      const page = await call('subscribe_and_collect', { session_id: args.session_id, cursor });
      if (!isCollection(page)) break;
      all = [...all, ...page.messages];
      cursor = page.next_cursor;
      node.textContent = `${number(all.length)} messages`;
    }
    gathered(all.toSorted((a, b) => a.offset_ms - b.offset_ms));
  };
  const node = button(
    'The rest',
    () =>
      void gather().catch(() => {
        node.textContent = 'The rest is gone';
      }),
  );
  return [node];
}
