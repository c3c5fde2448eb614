// Owns which of the held messages a schema is inferred from: fair to groups, then to the topics of a group. Pure.
import type { Sample } from './gather.ts';

/**
 * At most `max`, one of each list in turn; within a list one of each topic in turn, the oldest first. Lists that come
 * first are served first. Each list of the result is ordered by topic, then by time.
 */
export function chooseFairly(lists: readonly (readonly Sample[])[], max: number): Sample[][] {
  const turns = lists.map(inTurns);
  const taken = turns.map(() => 0);
  let left = max;
  for (let moved = true; moved && left > 0; ) {
    moved = false;
    for (let i = 0; i < turns.length && left > 0; i++) {
      const next = taken[i] ?? 0;
      if (next >= (turns[i]?.length ?? 0)) continue;
      taken[i] = next + 1;
      left -= 1;
      moved = true;
    }
  }
  return turns.map((turn, i) => turn.slice(0, taken[i]).sort(byTopicAndTime));
}

/** The first of every topic, then the second of every topic. */
function inTurns(samples: readonly Sample[]): Sample[] {
  const seen = new Map<string, number>();
  const turns: Sample[][] = [];
  for (const sample of [...samples].sort(byTopicAndTime)) {
    const turn = seen.get(sample.topic) ?? 0;
    seen.set(sample.topic, turn + 1);
    const list = turns[turn];
    if (list) list.push(sample);
    else turns[turn] = [sample];
  }
  return turns.flat();
}

function byTopicAndTime(a: Sample, b: Sample): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.at - b.at;
}
