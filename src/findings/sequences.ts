// Owns the rules on numbers that count messages: sequence_gap (Sparkplug's seq, and seq fields at large), bdseq_mismatch.
// Sources: Sparkplug 3.0.0, 6.4.3 (seq) and 6.4.16 (bdSeq).
import { sparkplugTopic } from '../conventions/sparkplug.ts';
import { isRecord } from '../payload/types.ts';
import { evidence, quoted } from './entries.ts';
import { fieldsOf, named, nameOf, numberSeries } from './fields.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';

const SEQ = /^(?:seq|sequence|seq_?(?:no|nr|num)|frame_?(?:counter|count)|f_?cnt|packet_?id|msg_?(?:id|no|count))$/i;
const WRAPS = [256, 65_536, 4_294_967_296];
/** A number that goes up by one most of the time counts messages. */
const COUNTS = 0.7;
const MIN_VALUES = 6;

/**
 * sequence_gap: seq of a Sparkplug edge node is not one more (mod 256) than in its message before, over all its devices,
 * or an NBIRTH has none of 0; or (below) a field named seq goes up by more than one where it goes up by one most of the time.
 * Not while messages may be missing on this side.
 */
export const sequenceGap: Rule = (view) => {
  if (view.lossy) return [];
  return nodesOf(view).flatMap(nodeGap);
};

/** Not while messages may be missing on this side. */
export const fieldSequenceGap: Rule = (view) => (view.lossy ? [] : view.series.flatMap(fieldGap));

/** `whole`: nothing was dropped. `parts`: its topics, by device; what only one device said has gaps by nature. */
type Node = { name: string; entries: Entry[]; whole: boolean; parts: Set<string> };

/** Everything of an edge node in order of arrival. */
function nodesOf(view: View): Node[] {
  const nodes = new Map<string, Node>();
  for (const { topic, entries, dropped } of view.series) {
    const parts = sparkplugTopic(topic);
    if (parts === undefined || parts.kind.endsWith('CMD')) continue;
    const node = nodes.get(parts.node) ?? { name: parts.node, entries: [], whole: true, parts: new Set() };
    node.entries.push(...entries);
    node.whole &&= dropped === 0;
    node.parts.add(parts.device ?? '');
    nodes.set(parts.node, node);
  }
  for (const node of nodes.values()) node.whole &&= isFollowed(node, view);
  for (const { entries } of nodes.values()) entries.sort((a, b) => a.seq - b.seq);
  return [...nodes.values()];
}

/** All its devices count together: by a description they are heard all, or the node or several of them were heard. */
function isFollowed({ name, parts }: Node, { claims }: View): boolean {
  const [group, edge] = name.split('/');
  const filter = `spBv1.0/${group}/+/${edge}/#`;
  return parts.has('') || parts.size > 1 || claims.some(({ related }) => related.includes(filter));
}

function nodeGap({ name, entries, whole }: Node): Finding[] {
  if (!whole) return [];
  const counted = entries.flatMap((entry) => {
    const seq = isRecord(entry.payload) && !entry.retain ? Number(entry.payload.seq ?? Number.NaN) : Number.NaN;
    const kind = sparkplugTopic(entry.topic)?.kind;
    return Number.isInteger(seq) && kind !== 'NDEATH' ? [{ entry, seq, birth: kind === 'NBIRTH' }] : [];
  });
  const gaps = counted.flatMap((one, i) => {
    const before = counted[i - 1];
    // Before the device was known by a message of its own, others of its node may have passed by unheard.
    const unsure = before === undefined || (i === 1 && before.birth);
    const due = one.birth ? 0 : unsure ? one.seq : (before.seq + 1) % 256;
    return one.seq === due ? [] : [{ ...one, due, before }];
  });
  const [first] = gaps;
  if (first === undefined) return [];
  const missing = gaps.reduce((sum, { seq, due }) => sum + ((seq - due + 256) % 256), 0);
  const shown = [first.before?.entry, first.entry].flatMap((entry) =>
    entry ? [evidence(entry, `seq ${seqOf(entry)}`)] : [],
  );
  return [
    {
      code: 'sequence_gap',
      severity: 'warning',
      message: `The sequence of edge node ${quoted(name)} has ${gaps.length} ${gaps.length === 1 ? 'gap' : 'gaps'} (${missing} messages): seq ${first.seq} came where ${first.due} was due.`,
      evidence: shown,
      next: 'Messages were lost between the node and the broker, or two nodes share one id; request a rebirth to have its state whole again.',
    },
  ];
}

function seqOf(entry: Entry): unknown {
  return isRecord(entry.payload) ? entry.payload.seq : undefined;
}

function fieldGap(series: Series): Finding[] {
  if (series.dropped > 0 || sparkplugTopic(series.topic) !== undefined) return [];
  return numberSeries(series).flatMap(({ path, values }): Finding[] => {
    if (!SEQ.test(nameOf({ topic: '', path })) || values.length < MIN_VALUES) return [];
    const steps = values
      .slice(1)
      .map(({ value, entry }, i) => ({ step: value - (values[i]?.value ?? value), value, entry, before: values[i] }));
    const ones = steps.filter(({ step, value }) => step === 1 || (value === 0 && WRAPS.includes(1 - step))).length;
    const jumps = steps.filter(({ step }) => step > 1 && step < 10_000);
    const [first] = jumps;
    if (first?.before === undefined || ones < COUNTS * steps.length) return [];
    const missing = jumps.reduce((sum, { step }) => sum + step - 1, 0);
    return [
      {
        code: 'sequence_gap',
        severity: 'warning',
        message: `${missing} messages are missing on ${quoted(series.topic)} by ${named(path)}: ${first.before.value} was followed by ${first.value}.`,
        evidence: [evidence(first.before.entry, first.before.value), evidence(first.entry, first.value)],
        next: 'Look for losses between device and broker: QoS 0 over a weak link, a queue that overflows, a device that restarts.',
      },
    ];
  });
}

/** bdseq_mismatch: an NDEATH carries another bdSeq than the NBIRTH before it: an old last will, of a session before. */
export const bdseqMismatch: Rule = (view) =>
  nodesOf(view).flatMap(({ name, entries }): Finding[] => {
    for (const [i, death] of entries.entries()) {
      if (sparkplugTopic(death.topic)?.kind !== 'NDEATH') continue;
      const birth = entries.slice(0, i).findLast(({ topic }) => sparkplugTopic(topic)?.kind === 'NBIRTH');
      const [born, died] = [birth && bdSeqOf(birth), bdSeqOf(death)];
      if (birth === undefined || born === undefined || died === undefined || born === died) continue;
      return [
        {
          code: 'bdseq_mismatch',
          severity: 'warning',
          message: `The NDEATH of edge node ${quoted(name)} has bdSeq ${died}, its NBIRTH had ${born}: it is the last will of another session.`,
          evidence: [evidence(birth, `bdSeq ${born}`), evidence(death, `bdSeq ${died}`)],
          next: 'A host must ignore this death; look for two nodes with one id, or a node that registers its last will before it counts bdSeq up.',
        },
      ];
    }
    return [];
  });

function bdSeqOf(entry: Entry): number | undefined {
  const fields = fieldsOf(entry.payload);
  const value = Number(fields.get('metrics.bdSeq') ?? fields.get('bdSeq') ?? Number.NaN);
  return Number.isInteger(value) ? value : undefined;
}
