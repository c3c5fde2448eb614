// Owns who says that the device is there or gone, by which convention, since when; and the rules on that: bridge_offline,
// device_offline, flapping, availability_contradicted, device_alert.
import { sparkplugTopic } from '../conventions/sparkplug.ts';
import type { AvailabilityGroup, ConventionName, Presence } from '../conventions/types.ts';
import { duration, evidence, live, quoted } from './entries.ts';
import { once } from './memo.ts';
import type { Entry, Finding, Rule, Series, View } from './types.ts';

type Said = { entry: Entry; presence: Presence };

/** One who tells about presence, and all it told. */
export type Witness = {
  topic: string;
  by: ConventionName;
  of: 'device' | 'bridge';
  writtenBy: 'device' | 'bridge';
  said: Said[];
  /** The last thing it told. */
  presence: Presence;
  entry: Entry;
  /** When it changed to that within the window; undefined: before, nobody knows when. */
  since: number | undefined;
  /** Live changes from being there to being gone. */
  drops: number;
  /** It says gone, but by the mode of the description others decide, who are there. */
  overruled: boolean;
};

/** Those about the device first. Births and deaths of Sparkplug are one witness. */
export const witnesses = once((view: View): Witness[] => {
  const groups = new Map<string, Series[]>();
  for (const series of view.series) {
    const parts = sparkplugTopic(series.topic);
    const subject = parts === undefined ? series.topic : `${parts.node}/${parts.device ?? ''}/${series.role.of}`;
    groups.set(subject, [...(groups.get(subject) ?? []), series]);
  }
  const alone = [...groups.values()].flatMap((group) => witnessOf(group) ?? []);
  const all = alone.map((one) => ({
    ...one,
    overruled: gone(one.presence) && (isOverruled(one, alone, view) || isOfAnother(one, view)),
  }));
  return all.toSorted((a, b) => (a.of === b.of ? b.entry.seq - a.entry.seq : a.of === 'device' ? -1 : 1));
});

function witnessOf(group: Series[]): Witness | undefined {
  const said = group.flatMap(({ role, entries }) =>
    entries.flatMap((entry): Said[] => {
      const presence =
        entry.type === 'empty' && role.convention !== 'sparkplug' ? undefined : role.presence?.(entry.payload);
      return presence === undefined ? [] : [{ entry, presence }];
    }),
  );
  const ordered = said.toSorted((a, b) => a.entry.seq - b.entry.seq);
  const last = ordered.at(-1);
  const role = group.find(({ topic }) => topic === last?.entry.topic)?.role;
  if (last === undefined || role === undefined) return undefined;
  const changes = ordered.filter(({ entry, presence }, i) => {
    const before = ordered[i - 1]?.presence;
    return !entry.retain && (before === undefined || gone(before) !== gone(presence));
  });
  return {
    topic: last.entry.topic,
    by: role.convention,
    of: role.of ?? 'device',
    writtenBy: role.writtenBy ?? 'device',
    said: ordered,
    presence: last.presence,
    entry: last.entry,
    since: changes.at(-1)?.entry.at,
    overruled: false,
    drops: changes.filter(({ presence }, i) => gone(presence) && (i > 0 || ordered[0]?.presence !== 'offline')).length,
  };
}

/** Every description that names it names others beside it, and by its mode these decide that the device is there. */
function isOverruled(witness: Witness, all: readonly Witness[], view: View): boolean {
  const naming = groupsOf(witness, view);
  return (
    naming.length > 0 &&
    naming.every(({ topics, mode }) =>
      all.some((other) => {
        if (other === witness || gone(other.presence) || !topics.includes(other.topic)) return false;
        // Of two stored ones nobody knows which is the later.
        const later = other.entry.seq > witness.entry.seq || (other.entry.retain && witness.entry.retain);
        return mode === 'any' || (mode === 'latest' && later);
      }),
    )
  );
}

/** `connected` may be about a car or a headphone: not about the device, where nobody says so and it speaks. */
function isOfAnother(witness: Witness, view: View): boolean {
  const vague = witness.by === 'generic' && /\/connect(?:ed|ion)$/i.test(witness.topic);
  return vague && contradiction(witness, view) !== undefined;
}

function groupsOf({ topic }: Witness, { claims }: View): AvailabilityGroup[] {
  return claims.flatMap(({ availability }) => availability.filter(({ topics }) => topics.includes(topic)));
}

/** One is enough, and another one was never gone: the device was there all the time. */
function isSpare(witness: Witness, view: View): boolean {
  const naming = groupsOf(witness, view);
  const steady = ({ topic, said }: Witness) => topic !== witness.topic && said.every(({ presence }) => !gone(presence));
  return (
    naming.length > 0 &&
    naming.every(
      ({ topics, mode }) =>
        mode === 'any' && witnesses(view).some((other) => topics.includes(other.topic) && steady(other)),
    )
  );
}

function gone(presence: Presence): boolean {
  return presence === 'offline';
}

/** It says that it is gone, and that decides. */
export function isGone({ presence, overruled }: Witness): boolean {
  return gone(presence) && !overruled;
}

/** bridge_offline: the last word about what stands between device and broker is that it is gone. */
export const bridgeOffline: Rule = (view) =>
  witnesses(view).flatMap((witness): Finding[] => {
    if (witness.of !== 'bridge' || !isGone(witness)) return [];
    return [
      {
        code: 'bridge_offline',
        severity: 'error',
        message: `The bridge is offline (${witness.by}), so nothing can come from the device behind it${sinceOf(witness)}.`,
        evidence: [evidence(witness.entry)],
        next: 'Look after the bridge first: is its process running, is its radio or network attached? The device may be well.',
      },
    ];
  });

/** device_offline: the last word about the device is that it is gone, and it did not speak after that. */
export const deviceOffline: Rule = (view) =>
  witnesses(view).flatMap((witness): Finding[] => {
    if (witness.of !== 'device' || !isGone(witness) || contradiction(witness, view)) return [];
    const how =
      witness.writtenBy === 'bridge'
        ? 'its bridge says that it does not reach it'
        : 'its connection broke and the broker published its last will, or it said good-bye';
    return [
      {
        code: 'device_offline',
        severity: 'error',
        message: `The device is offline by its ${witness.by} availability: ${how}${sinceOf(witness)}.`,
        evidence: [evidence(witness.entry)],
        next:
          witness.writtenBy === 'bridge'
            ? 'Check battery and radio range; wake the device and see whether its bridge hears it.'
            : 'Check power and Wi-Fi or network of the device, and whether its broker address and credentials still hold.',
      },
    ];
  });

function sinceOf({ since, entry }: Witness): string {
  if (since !== undefined) return `, since ${new Date(since).toISOString()}`;
  return entry.retain ? '; since when is not known (stored by the broker before)' : '';
}

/** flapping: it went from being there to being gone at least twice within the window, or changed three times. */
export const flapping: Rule = (view) =>
  witnesses(view).flatMap((witness): Finding[] => {
    const turns = witness.said.filter(
      ({ entry, presence }, i) =>
        i > 0 && !entry.retain && gone(presence) !== gone(witness.said[i - 1]?.presence ?? presence),
    );
    if ((witness.drops < 2 && turns.length < 3) || isSpare(witness, view)) return [];
    const times = Math.max(witness.drops, 1);
    return [
      {
        code: 'flapping',
        severity: 'error',
        message: `The availability of the ${witness.of} flaps: gone ${times} ${times === 1 ? 'time' : 'times'} and ${turns.length} changes within ${duration(view.ended - view.began)}.`,
        evidence: turns.slice(-3).map(({ entry }) => evidence(entry)),
        next: 'Two clients with one client id throw each other out; else look for a weak link, a power supply that sags, or a keepalive that is too short.',
      },
    ];
  });

/** availability_contradicted: it is said to be gone, and yet three messages of its own came after that, over 2 s. */
export const availabilityContradicted: Rule = (view) =>
  witnesses(view).flatMap((witness): Finding[] => {
    const after = isGone(witness) ? contradiction(witness, view) : undefined;
    if (after === undefined) return [];
    return [
      {
        code: 'availability_contradicted',
        severity: 'warning',
        message: `${quoted(witness.topic)} says offline, but the device speaks: ${after.length} live messages since.`,
        evidence: [evidence(witness.entry), ...after.slice(-2).map((entry) => evidence(entry))],
        next: 'The device did not renew its retained "online" after a reconnect, or a second client with its client id left the last will behind.',
      },
    ];
  });

function contradiction(witness: Witness, view: View): Entry[] | undefined {
  if (witness.of !== 'device' || view.series.length === 0) return undefined;
  const after = view.series
    .filter(({ role }) => role.role === 'state' || role.role === 'event')
    .flatMap((one) => live(one))
    .filter(({ seq, topic }) => seq > witness.entry.seq && topic !== witness.topic)
    .toSorted((a, b) => a.seq - b.seq);
  const first = after[0]?.at ?? 0;
  return after.length >= 3 && (after.at(-1)?.at ?? 0) - first >= 2_000 ? after : undefined;
}

/** device_alert: Homie's $state is "alert", or its $alert (5) holds something. */
export const deviceAlert: Rule = (view) =>
  view.series.flatMap(({ topic, role, entries }): Finding[] => {
    const last = entries.at(-1);
    if (role.convention !== 'homie' || last === undefined || last.type === 'empty') return [];
    const alert = (topic.endsWith('/$state') && last.payload === 'alert') || /\/\$alert(?:\/|$)/.test(topic);
    if (!alert) return [];
    return [
      {
        code: 'device_alert',
        severity: 'warning',
        message: `The device asks for somebody's attention on ${quoted(topic)}.`,
        evidence: [evidence(last)],
        next: 'Read its $alert topics and its own display or web page.',
      },
    ];
  });
