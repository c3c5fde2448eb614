// Owns a fair sample of a stream of groups: every group gets its share, however loud the others are. Deterministic:
// its random numbers come from a fixed seed.

type Group<T> = { seen: number; nextAt: number; items: T[] };

/**
 * At most `limit` items. While there are fewer groups than places, each has a reservoir of limit / groups; the shares
 * shrink as groups come. More groups than places: as many groups as there are places, chosen evenly, have one each.
 */
export class FairReservoir<Key extends object, T> {
  #limit: number;
  readonly #groups = new Map<Key, Group<T>>();
  #share: number;
  #groupsSeen = 0;
  /** Items held; the share of each leaves a remainder, which some groups have one more of. */
  #held = 0;
  #seed = 0x9e3779b9;

  constructor(limit: number) {
    this.#limit = limit;
    this.#share = limit;
  }

  /** At most so many from now on; never more than before. */
  narrow(limit: number): void {
    if (limit >= this.#limit) return;
    this.#limit = limit;
    while (this.#groups.size > limit) this.#evict();
    this.#shrink(Math.max(1, Math.floor(limit / Math.max(1, this.#groups.size))));
    this.#trim(limit);
  }

  /** `copy` is called only where the item is taken. */
  offer(key: Key, copy: () => T): void {
    const group = this.#groups.get(key) ?? this.#admit(key);
    if (!group) return;
    group.seen += 1;
    if (this.#mayHaveMore(group)) {
      this.#trim(this.#limit - 1);
      group.items.push(copy());
      this.#held += 1;
    } else if (group.seen >= group.nextAt) group.items[this.#below(group.items.length)] = copy();
    else return;
    // Vitter's Z in its simplest form: skip about seen / share before the next one is taken.
    group.nextAt = group.seen + 1 + Math.floor((group.seen / this.#share) * this.#fraction() * 2);
  }

  items(): T[] {
    return [...this.#groups.values()].flatMap(({ items }) => items);
  }

  #admit(key: Key): Group<T> | undefined {
    // A group that was refused once is not remembered: its next message asks again, at the same small chance.
    this.#groupsSeen += 1;
    if (this.#groups.size >= this.#limit) {
      if (this.#below(this.#groupsSeen) >= this.#limit) return undefined;
      this.#evict();
    }
    const group: Group<T> = { seen: 0, nextAt: 0, items: [] };
    this.#groups.set(key, group);
    this.#shrink(Math.max(1, Math.floor(this.#limit / this.#groups.size)));
    return group;
  }

  #evict(): void {
    const victim = [...this.#groups.keys()][this.#below(this.#groups.size)];
    if (!victim) return;
    this.#held -= this.#groups.get(victim)?.items.length ?? 0;
    this.#groups.delete(victim);
  }

  #shrink(share: number): void {
    if (share >= this.#share) return;
    this.#share = share;
    for (const { items } of this.#groups.values()) {
      while (items.length > share) this.#dropOne(items);
    }
  }

  #mayHaveMore({ items }: Group<T>): boolean {
    return items.length < this.#share || (items.length === this.#share && this.#held < this.#limit);
  }

  /** Takes what groups have beyond their share until so many are held at most. */
  #trim(most: number): void {
    if (this.#held <= most) return;
    for (const { items } of this.#groups.values()) {
      if (this.#held <= most) return;
      if (items.length > this.#share) this.#dropOne(items);
    }
  }

  #dropOne(items: T[]): void {
    items.splice(this.#below(items.length), 1);
    this.#held -= 1;
  }

  #below(limit: number): number {
    return Math.floor(this.#fraction() * limit);
  }

  /** mulberry32, 0 to below 1. */
  #fraction(): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}
