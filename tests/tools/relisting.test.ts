// list_topics where the broker may have dropped retained messages: what it claims, and what it does to get them.
import { describe, expect, test } from 'vitest';
import { matches } from '../../src/mqtt/topic.ts';
import type { Census, ListenOptions, RetainedEnd, Sink, Subscription } from '../../src/mqtt/types.ts';
import { FakeSession } from '../support/fake-pool.ts';
import { bench, type Fields, LAB } from './bench.ts';

/** More than a broker surely holds for a client. */
const MANY = 1_000;

/** A broker that sends so many retained messages of a filter, drops the rest, and counts. */
class Dropping extends FakeSession {
  readonly topics: string[];
  limit = Number.POSITIVE_INFINITY;
  dropped = 0;
  /** Retained messages elsewhere, which the filter does not match. */
  others = 0;
  counts: (keyof Census)[] = ['retained', 'dropped'];
  /** Called when the next count is asked for. */
  onCount: () => void = () => {};
  counted = 0;

  constructor(topics: string[]) {
    super();
    this.topics = topics;
  }

  override async listen(filter: string, options: ListenOptions, sink: Sink): Promise<Subscription> {
    const subscription = await super.listen(filter, options, sink);
    const all = this.topics.filter((topic) => matches(filter, topic));
    const payload = Buffer.from('x');
    const kept = all.slice(0, this.limit);
    for (const topic of kept) sink({ topic, payload, size: 1, qos: 0, retain: true, dup: false, at: Date.now() });
    this.dropped += all.length - kept.length;
    const many: RetainedEnd = { complete: false, evidence: 'ordered', doubt: 'many' };
    const end: RetainedEnd = kept.length > 900 ? many : { complete: true, evidence: 'ordered' };
    return { ...subscription, retainedEnd: Promise.resolve(end) };
  }

  override async census(fresh = false): Promise<Census | undefined> {
    if (fresh) {
      this.counted += 1;
      this.onCount();
    }
    if (this.counts.length === 0) return undefined;
    const retained = this.counts.includes('retained') ? this.topics.length + this.others : undefined;
    return { retained, dropped: this.counts.includes('dropped') ? this.dropped : undefined };
  }

  get asked(): string[] {
    return this.listened.map(({ filter }) => filter);
  }
}

const topicsOf = (count: number) => Array.from({ length: count }, (_, n) => `a/${n % 10}/${n}`);

async function list(session: Dropping, more: Fields = {}) {
  const own = bench('allow', session);
  return own.call('list_topics', { session_id: LAB, duration_seconds: 0, ...more });
}

describe('many at once', () => {
  test('as many as the broker holds in all -> complete at once, asked for once', async () => {
    const session = new Dropping(topicsOf(MANY));
    const result = await list(session, { pattern: 'a/#' });
    expect(result).toMatchObject({ total_topics: MANY, retained_complete: true, retained_evidence: 'ordered' });
    expect([session.asked, session.counted]).toEqual([['a/#'], 0]);
    expect(result).not.toHaveProperty('narrower_filters');
  });

  test('the broker holds others too, and dropped nothing until its next count -> complete', async () => {
    const session = new Dropping(topicsOf(MANY));
    session.others = 5;
    const notes = [expect.stringMatching(/^This answer is long/)];
    expect(await list(session, { pattern: 'a/#' })).toMatchObject({ retained_complete: true, notes });
    expect([session.asked, session.counted]).toEqual([['a/#'], 1]);
  });

  test('the same without a count of what it holds -> complete by what it dropped', async () => {
    const session = new Dropping(topicsOf(MANY));
    session.counts = ['dropped'];
    expect(await list(session)).toMatchObject({ retained_complete: true });
  });

  test.each([[[]], [['retained']]] as const)('it counts %j, which tells nothing -> not complete', async (counts) => {
    const session = new Dropping(topicsOf(MANY));
    session.others = 5;
    session.counts = [...counts];
    const result = await list(session, { pattern: 'a/#' });
    expect(result).toMatchObject({ total_topics: MANY, retained_complete: false });
    expect(result.notes).toContainEqual(expect.stringMatching(/does not tell whether it dropped any/));
    expect(result.narrower_filters).toHaveLength(5);
    expect(result.narrower_filters).toContain('a/3/#');
  });
});

describe('some were dropped', () => {
  test('fewer than it holds came for # -> listed again by prefix, and complete', async () => {
    const session = new Dropping(topicsOf(5_000));
    session.limit = 2_000;
    const result = await list(session);
    expect(result).toMatchObject({ total_topics: 5_000, retained_complete: true, retained_evidence: 'ordered' });
    expect(result.notes).toContainEqual(expect.stringMatching(/3000 topics were found by listing again/));
    expect(session.counted).toBe(0);
    expect(session.listened.every(({ closed }) => closed)).toBe(true);
  });

  test('its counter rose -> listed again by prefix and as a whole; a clean count after that proves it', async () => {
    const session = new Dropping(topicsOf(5_000));
    session.others = 5;
    session.limit = 2_000;
    session.onCount = () => {
      session.limit = Number.POSITIVE_INFINITY;
    };
    const result = await list(session, { pattern: 'a/#' });
    expect(result).toMatchObject({ total_topics: 5_000, retained_complete: true });
    expect(session.asked.at(-1)).toBe('a/#');
    expect(session.counted).toBe(2);
  });

  test('it drops some each time -> not complete, by how many its counter rose, and narrower filters', async () => {
    const session = new Dropping(topicsOf(5_000));
    session.others = 5;
    session.limit = 2_000;
    const result = await list(session, { pattern: 'a/#' });
    expect(result).toMatchObject({ total_topics: 5_000, retained_complete: false });
    expect(result.notes).toContainEqual(expect.stringMatching(/dropped 3000 messages meanwhile.*from 3000 to 6000/));
    expect(result.narrower_filters).toHaveLength(5);
  });

  test('topics that have no prefix in common, all of one level -> not complete, and says how many it holds', async () => {
    const session = new Dropping(Array.from({ length: 3_000 }, (_, n) => `${n}`));
    session.limit = 1_000;
    const result = await list(session);
    expect(result).toMatchObject({ total_topics: 1_000, retained_complete: false });
    expect(result.notes).toContainEqual('The broker holds 3000 retained messages outside $SYS, 1000 came.');
    expect(result).not.toHaveProperty('narrower_filters');
  });

  test('a topic spoke meanwhile -> counted as often as it did, and the retained one once', async () => {
    const session = new Dropping(topicsOf(5_000));
    session.limit = 2_000;
    const result = await list(session, { max_topics: 1 });
    expect(result.topics).toMatchObject([{ topic: 'a/0/0', message_count: 1, retained: true }]);
  });
});

describe('a part of a broker that counts seldom', () => {
  /** Tells what it counted last, and nothing new in the time that the listing has. */
  class Seldom extends Dropping {
    override async census(fresh = false): Promise<Census | undefined> {
      return fresh ? undefined : super.census(false);
    }
  }

  test('nothing speaks for a loss -> all that came, not claimed to be complete, and how to have it proven', async () => {
    const session = new Seldom(topicsOf(MANY));
    session.others = 5;
    const result = await list(session, { pattern: 'a/#' });
    expect(result).toMatchObject({ total_topics: MANY, retained_complete: false });
    expect(result.notes).toContainEqual(expect.stringContaining('duration_seconds 12'));
    expect(session.asked.filter((filter) => filter !== 'a/#')).toEqual([]);
  });
});
