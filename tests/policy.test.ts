import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ToolError, type ToolErrorData } from '../src/errors.ts';
import { checkFilter, checkTopicName } from '../src/mqtt/topic.ts';
import { createPolicy, type Policy, type Rules } from '../src/policy.ts';
import { createQuota, type Quota } from '../src/quota.ts';

const policy = (rules: Rules) => createPolicy({ readOnly: false, rules });

/** What was refused, or undefined. */
function refusal(act: () => void): ToolErrorData | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    expect(error.data.code).toBe('policy_denied');
    return error.data;
  }
}

const passes = (act: () => void) => refusal(act) === undefined;

test('read-only -> nothing may be published, whatever the lists say', () => {
  const readOnly = createPolicy({ readOnly: true, rules: { publish: { allow: ['#'] } } });
  expect(refusal(() => readOnly.mayPublish('a'))).toMatchObject({ retryable: false });
  expect(passes(() => createPolicy({ readOnly: false }).mayPublish('a'))).toBe(true);
});

describe('publishing', () => {
  test.each<[string, Rules['publish'], string, boolean]>([
    ['no lists', undefined, '$SYS/x', true],
    ['an allow', { allow: ['plant/+/set'] }, 'plant/1/set', true],
    ['beside an allow', { allow: ['plant/+/set'] }, 'plant/1/get', false],
    ['deeper than an allow', { allow: ['plant/+'] }, 'plant/1/set', false],
    ['an empty allow', { allow: [] }, 'a', false],
    ['a deny alone', { deny: ['plant/#'] }, 'home/x', true],
    ['in a deny', { deny: ['plant/#'] }, 'plant/x', false],
    ['the parent of a deny', { deny: ['plant/#'] }, 'plant', false],
    ['deny wins', { allow: ['plant/#'], deny: ['plant/+/set'] }, 'plant/1/set', false],
    ['$ with a deny alone', { deny: ['plant/#'] }, '$CONTROL/dynamic-security/v1', false],
    ['$ with #', { allow: ['#', '+/#'] }, '$delayed/1/plant/set', false],
    ['$ with its entry', { allow: ['#', '$aws/#'] }, '$aws/things/a/shadow/update', true],
    ['another $', { allow: ['$aws/#'] }, '$awsome/x', false],
    ['a leading slash is a level', { allow: ['plant/#'] }, '/plant/x', false],
    ['a leading slash in the list', { allow: ['/plant/#'] }, '/plant/x', true],
    ['an empty level', { allow: ['plant/+/set'] }, 'plant//set', true],
    ['an empty level too many', { deny: ['plant/set'] }, 'plant//set', true],
    ['case counts', { deny: ['Plant/#'] }, 'plant/set', true],
  ])('%s', (_what, publish, topic, allowed) => {
    expect(passes(() => policy(publish ? { publish } : {}).mayPublish(topic))).toBe(allowed);
  });

  test('a refusal -> names the topic, what denies it, and for $ what is needed', () => {
    const { mayPublish } = policy({ publish: { deny: ['plant/#'] } });
    expect(refusal(() => mayPublish('plant/x'))?.message).toMatch(/"plant\/x".*"plant\/#"/);
    expect(refusal(() => mayPublish('$SYS/x'))?.message).toMatch(/\$ needs an entry/);
  });
});

describe('the topic of an answer', () => {
  test.each<[string, Rules, string, boolean]>([
    ['no lists', {}, 'reply/1', true],
    ['it need not be one that may be published to', { publish: { allow: ['plant/+/set'] } }, 'reply/1', true],
    ['denied for publishing: nobody else is made to write there', { publish: { deny: ['plant/#'] } }, 'plant/x', false],
    ['one that may not be read', { subscribe: { allow: ['reply/#'] } }, 'plant/x', false],
    ['one that may', { publish: { deny: ['plant/#'] }, subscribe: { allow: ['reply/#'] } }, 'reply/1', true],
  ])('%s', (_what, rules, topic, allowed) => {
    expect(passes(() => policy(rules).mayBeAnswered(topic))).toBe(allowed);
  });
});

describe('subscribing', () => {
  test.each<[string, Rules['subscribe'], string, boolean]>([
    ['no lists', undefined, '$SYS/#', true],
    ['# slips past no allow', { allow: ['plant/+/state'] }, '#', false],
    ['nor a + too wide', { allow: ['plant/+/state'] }, '+/+/state', false],
    ['nor the parent', { allow: ['plant/+/state'] }, 'plant/#', false],
    ['the allow itself', { allow: ['plant/+/state'] }, 'plant/+/state', true],
    ['narrower', { allow: ['plant/+/state'] }, 'plant/1/state', true],
    ['a share, by its inner filter', { allow: ['plant/#'] }, '$share/g/plant/+/x', true],
    ['a share of too much', { allow: ['plant/#'] }, '$share/g/#', false],
    ['a share of what is denied', { deny: ['plant/#'] }, '$share/plant/plant/x', false],
    ['a group that looks like a topic', { allow: ['plant/#'] }, '$share/plant/other', false],
    ['another kind of share', { deny: ['plant/#'] }, '$queue/plant/x', false],
    ['$SYS beside a deny', { deny: ['plant/#'] }, '$SYS/#', true],
    ['$SYS with an allow of #', { allow: ['#'] }, '$SYS/#', false],
    ['$SYS with its entry', { allow: ['$SYS/#'] }, '$SYS/broker/+', true],
    ['overlaps a deny', { deny: ['plant/+/secret'] }, 'plant/1/#', false],
    ['beside a deny', { deny: ['plant/+/secret'] }, 'plant/1/open', true],
    ['+ over a deny', { allow: ['#'], deny: ['plant/secret'] }, '+/secret', false],
    ['a leading slash', { allow: ['plant/#'] }, '/plant/#', false],
    ['an empty level', { allow: ['a/+/c'] }, 'a//c', true],
    ['# and +/# are the same', { allow: ['+/#'] }, '#', true],
  ])('%s', (_what, subscribe, filter, allowed) => {
    expect(passes(() => policy(subscribe ? { subscribe } : {}).maySubscribe(filter))).toBe(allowed);
  });

  test('a refusal -> says which part', () => {
    const { maySubscribe } = policy({ subscribe: { allow: ['plant/#'], deny: ['plant/secret/#'] } });
    expect(refusal(() => maySubscribe('plant/#'))?.message).toMatch(/takes in .*"plant\/secret\/#"/);
    expect(refusal(() => maySubscribe('plant/secret/x'))?.message).toMatch(/is denied by "plant\/secret\/#"/);
    expect(refusal(() => maySubscribe('home/#'))).toMatchObject({ hint: expect.stringContaining('"plant/#"') });
  });
});

describe('against a model that tries every topic', () => {
  const letters = ['a', 'b', '', '$x', 'z'];
  const topics: string[] = [];
  const grow = (levels: string[]) => {
    if (levels.length > 0 && levels.join('/') !== '') topics.push(levels.join('/'));
    if (levels.length < 4) for (const letter of letters) grow([...levels, letter]);
  };
  grow([]);

  /** MQTT 5.0, 4.7, read aloud. */
  function hits(filter: string[], topic: string[]): boolean {
    const [want, ...wants] = filter;
    const [have, ...haves] = topic;
    if (want === '#') return true;
    if (want === undefined || have === undefined) {
      return want === undefined && have === undefined;
    }
    if (want !== '+' && want !== have) return false;
    return haves.length === 0 && wants.length === 1 && wants[0] === '#' ? true : hits(wants, haves);
  }
  const reach = (filter: string): Set<string> => {
    const levels = filter.split('/');
    const wild = levels[0] === '+' || levels[0] === '#';
    return new Set(topics.filter((topic) => !(wild && topic.startsWith('$')) && hits(levels, topic.split('/'))));
  };

  const level = fc.constantFrom<string[]>('a', 'b', '', '+', '+');
  const plain = fc
    .tuple(fc.option(fc.constant<string>('$x'), { freq: 6 }), fc.array(level, { maxLength: 3 }), fc.boolean())
    .map(([first, rest, open]) => [...(first === null ? [] : [first]), ...rest].slice(0, 3).concat(open ? ['#'] : []))
    .map((levels) => levels.join('/'))
    .filter((filter) => filter !== '');
  const lists = fc.record({ allow: fc.array(plain, { maxLength: 3 }), deny: fc.array(plain, { maxLength: 2 }) });
  const asked = fc.tuple(plain, fc.boolean());

  test('maySubscribe -> passes exactly where one allow takes in all of it and no deny any of it', () => {
    let passed = 0;
    fc.assert(
      fc.property(lists, asked, (subscribe, [filter, shared]) => {
        const wire = shared ? `$share/g/${filter}` : filter;
        checkFilter(wire);
        const wanted = reach(filter);
        const whole = subscribe.allow.map(reach).some((one) => [...wanted].every((topic) => one.has(topic)));
        const barred = subscribe.deny.map(reach).some((one) => [...wanted].some((topic) => one.has(topic)));
        const allowed = passes(() => policy({ subscribe }).maySubscribe(wire));
        if (allowed) passed += 1;
        expect(allowed).toBe(whole && !barred);
      }),
      { numRuns: 2_000 },
    );
    expect(passed).toBeGreaterThan(100);
  });

  test('mayPublish -> passes exactly where an allow has it and no deny', () => {
    fc.assert(
      fc.property(lists, fc.constantFrom(...topics), (publish, topic) => {
        checkTopicName(topic);
        const has = (filter: string) => reach(filter).has(topic);
        const allowed = passes(() => policy({ publish }).mayPublish(topic));
        expect(allowed).toBe(publish.allow.some(has) && !publish.deny.some(has));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('brokers', () => {
  const dials = (allowed_brokers: string[], host: string, port = 1883) =>
    passes(() => policy({ allowed_brokers }).mayDial(host, port));

  test.each<[string[], string, number, boolean]>([
    [[], 'anywhere', 1, false],
    [['broker.plant:8883'], 'broker.plant', 8883, true],
    [['broker.plant:8883'], 'broker.plant', 1883, false],
    [['broker.plant'], 'broker.plant', 1, true],
    [['Broker.Plant.'], 'broker.plant', 1, true],
    [['broker.plant'], 'xbroker.plant', 1, false],
    [['broker.plant'], 'broker.plant.evil', 1, false],
    [['*.lab'], 'a.lab', 1, true],
    [['*.lab'], 'a.b.lab', 1, true],
    [['*.lab'], 'lab', 1, false],
    [['*.lab'], 'evillab', 1, false],
    [['*.lab:1883'], 'a.lab', 1884, false],
    [['*.0.0.1'], '127.0.0.1', 1, false],
    [['127.0.0.1'], '127.0.0.1', 1, true],
    [['127.0.0.1'], '127.1', 1, false],
    [['127.0.0.1'], 'localhost', 1, false],
    [['[::1]:1883'], '::1', 1883, true],
    [['[0:0:0:0:0:0:0:1]'], '::1', 1, true],
    [['[::1]'], '0:0::1', 1, true],
    [['[::1]:1883'], '::1', 1884, false],
    [['127.0.0.1'], '::ffff:127.0.0.1', 1, false],
  ])('%j, asked for %s:%i -> %s', (allowed, host, port, expected) => {
    expect(dials(allowed, host, port)).toBe(expected);
  });

  test('no list -> any', () => {
    expect(passes(() => policy({}).mayDial('anywhere', 1))).toBe(true);
  });

  test('a refusal -> names the broker and whom to ask', () => {
    const refused = refusal(() => policy({ allowed_brokers: ['a'] }).mayDial('::1', 1883));
    expect(refused?.message).toContain('[::1]:1883');
    expect(refused?.hint).toContain('whoever runs this server');
  });
});

describe('how much', () => {
  test('a burst, then a wait that is told, then one at a time', () => {
    let now = 0;
    const quota = createQuota({ max_publishes_per_minute: 60 }, () => now).session();
    for (let n = 0; n < 10; n++) quota.take(false);
    expect(refusal(() => quota.take(false))).toMatchObject({ retryable: true, hint: 'Call again in 1 s.' });
    now += 1_000;
    quota.take(false);
    expect(passes(() => quota.check(false))).toBe(false);
    now += 3_600_000;
    for (let n = 0; n < 10; n++) quota.take(false);
    expect(passes(() => quota.take(false))).toBe(false);
  });

  test('looking does not count', () => {
    const quota = createQuota({ max_publishes_per_minute: 1 }, () => 0).session();
    for (let n = 0; n < 10; n++) quota.check(false);
    quota.take(false);
    expect(passes(() => quota.check(false))).toBe(false);
  });

  const burst = (quota: Quota): number =>
    Array.from({ length: 50 }, () => passes(() => quota.take(false))).filter(Boolean).length;

  test('closing and opening sessions -> gains nothing, and the refusal tells whose count it is', () => {
    let now = 0;
    const quotas = createQuota({ max_publishes_per_minute: 60 }, () => now);
    const first = quotas.session();
    expect(burst(first)).toBe(10);
    expect(refusal(() => first.check(false))?.message).toMatch(/, and this one has\.$/);
    first.release();
    for (let n = 0; n < 50; n += 1) {
      const again = quotas.session();
      expect(burst(again)).toBe(0);
      expect(refusal(() => again.check(false))?.message).toMatch(
        /this one, which goes on with the count of one before/,
      );
      again.release();
    }
    now += 60_000;
    expect(burst(quotas.session())).toBe(10);
  });

  test('sessions at once -> each has its own, whatever was opened and closed beside them', () => {
    const quotas = createQuota({ max_publishes_per_minute: 60 }, () => 0);
    const open = [quotas.session()];
    for (let n = 0; n < 4; n += 1) {
      const check = quotas.session();
      check.release();
      check.release();
    }
    for (let n = 0; n < 4; n += 1) open.push(quotas.session());
    expect(open.map(burst)).toEqual([10, 10, 10, 10, 10]);
  });

  test('more at once than there may be, as while closing ones are waited for -> no more bursts than eight', () => {
    const quotas = createQuota({ max_publishes_per_minute: 60 }, () => 0);
    const went = Array.from({ length: 50 }, () => burst(quotas.session()));
    expect(went.reduce((sum, one) => sum + one)).toBe(80);
  });

  test('wills -> counted by profile over all its sessions, apart from what these publish', () => {
    const quotas = createQuota({ max_publishes_per_minute: 12, max_retained_writes: 3 }, () => 0);
    for (let n = 0; n < 2; n += 1) quotas.will('plant').take(false);
    expect(refusal(() => quotas.will('plant').take(false))).toMatchObject({
      retryable: true,
      message: expect.stringContaining('so many wills'),
    });
    expect(burst(quotas.session())).toBe(2);
    for (let n = 0; n < 2; n += 1) quotas.will('lab').take(true);
    quotas.session().take(true);
    expect(refusal(() => quotas.will('home').take(true))).toMatchObject({ retryable: false });
  });

  test('retained writes -> counted over all sessions; others go on', () => {
    const quotas = createQuota({ max_retained_writes: 2 });
    for (let n = 0; n < 2; n += 1) quotas.session().take(true);
    const quota = quotas.session();
    expect(refusal(() => quota.take(true))).toMatchObject({ retryable: false });
    expect(passes(() => quota.take(false))).toBe(true);
  });

  test('no limit -> none', () => {
    const free: Policy = policy({});
    const quota = free.quota();
    for (let n = 0; n < 1_000; n++) quota.take(true);
  });
});
