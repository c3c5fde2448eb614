// Owns the topics a session has seen, for completion and the topic tree: bounded, searchable by prefix.
// Must not keep payloads.

/** Topics remembered a session; further ones are not. About 100 bytes each. */
const MAX_KNOWN = 100_000;
/** Characters of all of them; stops a broker of endless names (65,535 bytes each [MQTT-4.7.3-3]) from filling memory. */
const MAX_CHARS = 16 * 1024 * 1024;
/** Unsorted topics, at most: a search looks at each of them. */
const MAX_TAIL = 512;
/** Sorted topics that are kept beside the many, at least, before they are merged in. */
const MIN_RECENT = 4096;

/**
 * A large sorted array, a small one, and an unsorted tail; each is merged into the one before when it has grown. Adding
 * costs O(log n) amortised, a search two binary ones and a look at the tail.
 */
export class KnownTopics {
  readonly #lastSeen = new Map<string, number>();
  readonly #epoch = Date.now();
  #many: string[] = [];
  #recent: string[] = [];
  #tail: string[] = [];
  #chars = 0;

  get size(): number {
    return this.#lastSeen.size;
  }

  /** True where the topic is new. */
  add(topic: string, at: number): boolean {
    const known = this.#lastSeen.has(topic);
    if (!known && (this.#lastSeen.size >= MAX_KNOWN || this.#chars + topic.length > MAX_CHARS)) return false;
    // Small integers are stored in the map itself, where a time in ms would be an object each.
    this.#lastSeen.set(topic, Math.round((at - this.#epoch) / 1000));
    if (known) return false;
    this.#chars += topic.length;
    this.#tail.push(topic);
    if (this.#tail.length > MAX_TAIL) this.#merge();
    return true;
  }

  /** When the topic last spoke, ms since the epoch, to the second. */
  lastSeen(topic: string): number | undefined {
    const seconds = this.#lastSeen.get(topic);
    return seconds === undefined ? undefined : this.#epoch + seconds * 1000;
  }

  /** In the order in which they were first seen; the iterator goes on with what is seen while it is in use. */
  topics(): Iterable<string> {
    return this.#lastSeen.keys();
  }

  /** Topics that begin with `prefix`, sorted, at most `limit`, and how many there are in all. */
  startingWith(prefix: string, limit: number): { values: string[]; total: number } {
    const many = range(this.#many, prefix);
    const recent = range(this.#recent, prefix);
    const last = this.#tail.filter((topic) => topic.startsWith(prefix));
    const first = ({ from, to }: Range) => Math.min(to, from + limit);
    const values = this.#many
      .slice(many.from, first(many))
      .concat(this.#recent.slice(recent.from, first(recent)), last);
    const total = many.to - many.from + recent.to - recent.from + last.length;
    return { values: values.sort().slice(0, limit), total };
  }

  #merge(): void {
    this.#recent = merged(this.#recent, this.#tail.sort());
    this.#tail = [];
    if (this.#recent.length < Math.max(MIN_RECENT, this.#many.length / 8)) return;
    this.#many = merged(this.#many, this.#recent);
    this.#recent = [];
  }
}

/** Both sorted, without a topic in common. */
function merged(one: string[], other: string[]): string[] {
  const all: string[] = [];
  let next = 0;
  for (const topic of one) {
    for (let before = other[next]; before !== undefined && before < topic; before = other[next]) {
      all.push(before);
      next += 1;
    }
    all.push(topic);
  }
  return all.concat(other.slice(next));
}

type Range = { from: number; to: number };

/** Where the topics that begin with `prefix` are in a sorted array. */
function range(sorted: string[], prefix: string): Range {
  const from = lowerBound(sorted, (topic) => topic < prefix);
  return { from, to: lowerBound(sorted, (topic) => topic < prefix || topic.startsWith(prefix)) };
}

/** Index of the first entry of a sorted array for which `before` is false. */
function lowerBound(sorted: string[], before: (topic: string) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(sorted[middle] ?? '')) low = middle + 1;
    else high = middle;
  }
  return low;
}
