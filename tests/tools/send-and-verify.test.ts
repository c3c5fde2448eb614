import { describe, expect, inject, onTestFinished, test } from 'vitest';
import { startMosquitto } from '../support/broker.ts';
import { listen as hear, open, prefix, publish } from '../support/fake-caller.ts';
import { bench, type Fields, failing, LAB, problemsOf, toolError } from './bench.ts';

const at = { session_id: LAB, topic: 'lamp/set', payload: 'ON', timeout_seconds: 0.3 };

/** What the device does when the publish reaches it. */
function obeying(
  react: (speak: (topic: string, payload: string, more?: object) => void) => void,
  before?: (own: ReturnType<typeof bench>) => void,
) {
  const own = bench();
  const { session } = own;
  const listen = session.listen.bind(session);
  session.listen = async (...args) => {
    const subscription = await listen(...args);
    setTimeout(() => {
      before?.(own);
      session.endRetained({ complete: true, evidence: 'ordered' });
    });
    return subscription;
  };
  const publishing = session.publish.bind(session);
  session.publish = async (request) => {
    setTimeout(() => react((topic, payload, more) => session.speak(topic, payload, more)), 10);
    return publishing(request);
  };
  return own;
}

const stored = (topic: string, payload: string) => (own: ReturnType<typeof bench>) =>
  own.session.speak(topic, payload, { retain: true });

describe('send_and_verify', () => {
  test('the state changes as expected -> verified, with latency, prior state and difference', async () => {
    const own = obeying(
      (speak) => speak('lamp/state', '{"state":"ON","n":2}'),
      stored('lamp/state', '{"state":"OFF","n":1}'),
    );
    const result = await own.call('send_and_verify', {
      ...at,
      expect: { topic_pattern: 'lamp/state', path: '$.state', equals: 'ON' },
    });
    expect(result).toMatchObject({
      status: 'verified',
      expected: '$.state equals "ON"',
      acknowledged: true,
      qos: 1,
      latency_ms: expect.any(Number),
      diff: [
        { path: '$.state', before: 'OFF', after: 'ON' },
        { path: '$.n', before: 1, after: 2, delta: 1 },
      ],
      prior: [{ topic: 'lamp/state', payload: { state: 'OFF', n: 1 }, retain: true }],
      prior_count: 1,
      reactions: [{ topic: 'lamp/state', verdict: 'met', decisive: true }],
      reaction_count: 1,
    });
    expect(result.summary).toMatch(/^Verified: \$\.state equals "ON" on "lamp\/state", [\d.]+ ms after sending\.$/);
    expect(own.session.listened).toMatchObject([{ filter: 'lamp/state', closed: true }]);
  });

  test('nothing comes -> no_reaction, and what that can mean', async () => {
    const own = obeying(() => {});
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state' } });
    expect(result).toMatchObject({
      status: 'no_reaction',
      reaction_count: 0,
      reactions: [],
      absence: { grade: 'likely' },
    });
    expect(result.summary).toMatch(/^Accepted by the broker, no reaction in 0\.[3-9] s\.$/);
  });

  test('the connection goes before the time is up -> the wait as it was, not the timeout', async () => {
    const own = obeying(() => own.session.lose('it is gone'));
    const result = await own.call('send_and_verify', {
      ...at,
      timeout_seconds: 60,
      expect: { topic_pattern: 'lamp/state' },
    });
    expect(result).toMatchObject({ status: 'no_reaction', absence: { grade: 'unknown' } });
    expect(result.summary).toMatch(/^Accepted by the broker; then the connection was lost, \d(\.\d)? s after sending/);
    expect(Object(result.absence).verdict).toMatch(
      /^Nothing came back within \d(\.\d)? s, when the connection was lost\.$/,
    );
    expect(JSON.stringify(result)).not.toContain('60 s');
  });

  test('the connection is down for a part of the wait -> the summary and the verdict say so', async () => {
    const own = obeying(() => own.session.gaps.push({ from: Date.now(), to: Date.now() + 200 }));
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state' } });
    expect(result).toMatchObject({ status: 'no_reaction', absence: { grade: 'unknown' } });
    expect(result.summary).toMatch(/no reaction in 0\.\d s, but the connection was down for 0\.\d s of that\.$/);
    expect(Object(result.absence).verdict).toMatch(/, but the connection was down for 0\.\d s of that\.$/);
    expect(Object(result.absence).possible[0]).toBe('The reaction came while the connection was down.');
  });

  test('an outage before it was sent -> is none of the wait', async () => {
    const own = obeying(
      () => {},
      ({ session }) => session.gaps.push({ from: Date.now() - 5_000, to: Date.now() - 4_000 }),
    );
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state' } });
    expect(result.absence).toMatchObject({ grade: 'likely' });
    expect(result.summary).not.toContain('down');
  });

  test('only answers to other requests come -> no_reaction; they are counted apart and said', async () => {
    const own = obeying((speak) => {
      speak('answers/1', 'of another', { properties: { correlation_data: 'AAAA' } });
      speak('answers/1', 'of nobody');
    });
    const result = await own.call('send_and_verify', { ...at, properties: { response_topic: 'answers/1' } });
    expect(result).toMatchObject({ status: 'no_reaction', reaction_count: 0, reactions: [], foreign_reply_count: 2 });
    expect(result.summary).toMatch(/no reaction in .*\. 2 answers to other requests came: not counted\.$/);
    expect(Object(result.absence).possible).toContain('Who answers does not send the correlation data back.');
  });

  test('the filter covers the answers of others too -> other correlation data is foreign, a state without any is not', async () => {
    const properties = { response_topic: 'answers/mine', correlation_data: 'mine' };
    const expectation = { topic_pattern: 'answers/+', equals: 'done' };
    const args = { ...at, properties, expect: expectation };
    const other = obeying((speak) =>
      speak('answers/other', 'done', { properties: { correlation_data: Buffer.from('theirs').toString('base64') } }),
    );
    const foreign = await other.call('send_and_verify', args);
    expect(foreign).toMatchObject({ status: 'no_reaction', reaction_count: 0, foreign_reply_count: 1 });
    expect(foreign.summary).toContain('1 answer to other requests came: not counted.');
    const bare = await obeying((speak) => speak('answers/mine', 'done')).call('send_and_verify', args);
    expect(bare).toMatchObject({ status: 'no_reaction', foreign_reply_count: 1 });
    const state = await obeying((speak) => speak('answers/state', 'done')).call('send_and_verify', args);
    expect(state).toMatchObject({ status: 'verified', foreign_reply_count: 0 });
    const watching = { ...args, watch: ['log/#'], expect: { topic_pattern: 'answers/state' } };
    const told = obeying((speak) => speak('log/a', 'x', { properties: { correlation_data: 'AAAA' } }));
    expect(await told.call('send_and_verify', watching)).toMatchObject({ reaction_count: 1, foreign_reply_count: 0 });
  });

  test('one message that is something else -> in the singular', async () => {
    const own = obeying((speak) => speak('lamp/state', 'OFF'));
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/+', equals: 'ON' } });
    expect(result.summary).toMatch(/; 1 message came in 0\.\d s, which is not what was expected/);
  });

  test('the broker says that nobody is subscribed -> certain', async () => {
    const own = obeying(() => {});
    own.session.ack = { acknowledged: true, reasonCode: 16, reason: 'no matching subscribers' };
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state' } });
    expect(result).toMatchObject({ status: 'no_reaction', absence: { grade: 'certain' } });
  });

  test('something else comes -> not_verified, every reaction told with its verdict', async () => {
    const own = obeying((speak) => {
      speak('lamp/state', 'OFF');
      speak('lamp/state', 'DIMMED');
    });
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/+', equals: 'ON' } });
    expect(result).toMatchObject({
      status: 'not_verified',
      reaction_count: 2,
      reactions: [
        { payload: 'OFF', verdict: 'not_met' },
        { payload: 'DIMMED', verdict: 'not_met', changes: [{ path: '$', before: 'OFF', after: 'DIMMED' }] },
      ],
    });
  });

  test('what was sent, handed back under a wider filter -> an echo, and no reaction', async () => {
    const own = obeying((speak) => speak('lamp/set', 'ON'));
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/#' } });
    expect(result).toMatchObject({ status: 'no_reaction', reactions: [{ echo: true }], reaction_count: 1 });
    expect(result.summary).toMatch(/no reaction in 0\.\d s; the broker handed back what was sent\.$/);
    const { verdict, ruled_out, possible } = Object(result.absence);
    expect(verdict).toMatch(/^Nothing but what was sent came back/);
    expect(ruled_out).toContain('The session may not publish to the topic, or not read it.');
    expect(possible).toContain(
      'The access rules of the broker keep the message from the device, or drop the reaction, without saying so.',
    );
  });

  test('the echo itself is expected -> verified, and the summary says that no device has obeyed', async () => {
    const own = obeying((speak) => speak('lamp/set', 'ON'));
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/set' } });
    expect(result).toMatchObject({ status: 'verified', reactions: [{ echo: true, decisive: true }] });
    expect(result.summary).toContain('no device has shown');
  });

  test('changes, and nothing was there before -> the first cannot be told, the next can', async () => {
    const own = obeying((speak) => {
      speak('lamp/state', 'ON');
      speak('lamp/state', 'ON');
    });
    const expectation = { topic_pattern: 'lamp/state', changes: true };
    const result = await own.call('send_and_verify', { ...at, expect: expectation });
    expect(result).toMatchObject({
      status: 'not_verified',
      reactions: [{ verdict: 'unknown' }, { verdict: 'not_met' }],
    });
    const other = obeying((speak) => speak('lamp/state', 'ON'));
    const single = await other.call('send_and_verify', { ...at, expect: expectation });
    expect(single.summary).toContain('cannot be told');
  });

  test('with settle_seconds, it does not stay so -> verified, stayed false', async () => {
    const own = obeying((speak) => {
      speak('lamp/state', 'ON');
      setTimeout(() => speak('lamp/state', 'OFF'), 20);
    });
    const result = await own.call('send_and_verify', {
      ...at,
      settle_seconds: 0.1,
      expect: { topic_pattern: 'lamp/state', equals: 'ON' },
    });
    expect(result).toMatchObject({ status: 'verified', stayed: false, reaction_count: 2 });
    expect(result.summary).toContain('did not stay so');
  });

  test('a live message before sending -> is what was there before, and no reaction', async () => {
    const own = obeying(
      () => {},
      ({ session }) => session.speak('lamp/state', 'ON'),
    );
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state', equals: 'ON' } });
    expect(result).toMatchObject({ status: 'no_reaction', reaction_count: 0, reactions: [], prior_count: 1 });
    expect(result.prior).toMatchObject([{ payload: 'ON', retain: false }]);
  });

  test.each([
    ['stored', { equals: 'ON' }, stored('lamp/state', '{"state":"ON"}')],
    [
      'live',
      { matches: '^O' },
      ({ session }: ReturnType<typeof bench>) => session.speak('lamp/state', '{"state":"ON"}'),
    ],
  ])('it was so before sending (%s), and is repeated -> verified, but already so', async (_how, condition, before) => {
    const own = obeying(
      (speak) => {
        speak('lamp/state', '{"rssi":-60}');
        speak('lamp/state', '{"state":"ON"}');
      },
      (bench) => {
        before(bench);
        bench.session.speak('lamp/state', '{"rssi":-61}');
      },
    );
    const expectation = { topic_pattern: 'lamp/+', path: '$.state', ...condition };
    const result = await own.call('send_and_verify', { ...at, expect: expectation });
    expect(result).toMatchObject({ status: 'verified', already: true });
    expect(result.summary).toMatch(/ms after sending\. It was so before sending already, .*: expect changes,/);
  });

  test.each<[string, Fields, string[]]>([
    ['another value came in between', { equals: 'ON' }, ['OFF', 'ON']],
    ['only a message is expected', {}, ['ON']],
    ['a change is expected', { changes: true }, ['OFF']],
  ])('stored is ON, and %s -> not already so', async (_what, condition, came) => {
    const own = obeying(
      (speak) => {
        for (const payload of came) speak('lamp/state', payload);
      },
      stored('lamp/state', 'ON'),
    );
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state', ...condition } });
    expect(result).toMatchObject({ status: 'verified' });
    expect(result).not.toHaveProperty('already');
  });

  test('an answer like the one before, with our correlation data -> not already so', async () => {
    const correlation_data = Buffer.from('mine').toString('base64');
    const own = obeying(
      (speak) => speak('answers/1', 'done', { properties: { correlation_data } }),
      stored('answers/1', 'done'),
    );
    const properties = { response_topic: 'answers/1', correlation_data: 'mine' };
    const result = await own.call('send_and_verify', { ...at, properties, expect: { equals: 'done' } });
    expect(result).toMatchObject({ status: 'verified' });
    expect(result).not.toHaveProperty('already');
  });

  test('changes, and only messages without the value come in between -> no change', async () => {
    const own = obeying(
      (speak) => {
        speak('lamp/state', '{"rssi":-60}');
        speak('lamp/state', '{"state":"OFF"}');
      },
      stored('lamp/state', '{"state":"OFF"}'),
    );
    const expectation = { topic_pattern: 'lamp/state', path: '$.state', changes: true };
    expect(await own.call('send_and_verify', { ...at, expect: expectation })).toMatchObject({ status: 'not_verified' });
  });

  const OFF = '{"state":"OFF"}';
  const ON = '{"state":"ON"}';
  test.each<[string, Fields, [string, string][], boolean]>([
    ['it changed and is repeated', { changes: true }, [['lamp/state', ON]], true],
    ['it changed and changed back', { changes: true }, [['lamp/state', OFF]], false],
    ['another device is off', { equals: 'ON' }, [['other/state', OFF]], true],
    ['a message without the value', { equals: 'ON' }, [['lamp/state', '{"rssi":-60}']], true],
    [
      'it went off; another device is on',
      { equals: 'ON' },
      [
        ['lamp/state', OFF],
        ['other/state', ON],
      ],
      false,
    ],
  ])('with settle_seconds, %s -> stayed as it is on the topic', async (_what, condition, after, stayed) => {
    const own = obeying(
      (speak) => {
        speak('lamp/state', ON);
        for (const [topic, payload] of after) speak(topic, payload);
      },
      stored('lamp/state', OFF),
    );
    const expectation = { topic_pattern: '+/state', path: '$.state', ...condition };
    const result = await own.call('send_and_verify', { ...at, settle_seconds: 0.05, expect: expectation });
    expect(result).toMatchObject({ status: 'verified', stayed });
    expect(result.summary).toMatch(stayed ? /, and stayed so for 0\.05 s\.$/ : /, but did not stay so\.$/);
  });

  test('with settle_seconds, another topic that met it turns -> the summary names it', async () => {
    const own = obeying((speak) => {
      speak('lamp/state', 'ON');
      speak('other/state', 'ON');
      speak('other/state', 'OFF');
    });
    const expectation = { topic_pattern: '+/state', equals: 'ON' };
    const result = await own.call('send_and_verify', { ...at, settle_seconds: 0.05, expect: expectation });
    expect(result).toMatchObject({ status: 'verified', stayed: false });
    expect(result.summary).toContain('did not stay so on "other/state"');
  });

  test('with settle_seconds, the connection goes -> whether it stayed so is not told', async () => {
    const own = obeying((speak) => {
      speak('lamp/state', 'ON');
      setTimeout(() => own.session.lose('it is gone'), 20);
    });
    const expectation = { topic_pattern: 'lamp/state', equals: 'ON' };
    const result = await own.call('send_and_verify', { ...at, settle_seconds: 30, expect: expectation });
    expect(result).toMatchObject({ status: 'verified' });
    expect(result).not.toHaveProperty('stayed');
    expect(result.summary).toContain('whether it stayed so cannot be told');
  });

  test('a filter to watch -> told, not judged', async () => {
    const own = obeying((speak) => {
      speak('log/lamp', 'switching');
      speak('lamp/state', 'ON');
    });
    const args: Fields = { ...at, watch: ['log/#'], expect: { topic_pattern: 'lamp/state', equals: 'ON' } };
    const result = await own.call('send_and_verify', args);
    expect(result).toMatchObject({ status: 'verified', reaction_count: 2 });
    expect(Object(result).reactions[0]).not.toHaveProperty('verdict');
  });

  test('request and response -> the answer is told by its correlation data, made up where none was given', async () => {
    const own = bench();
    const args = { ...at, properties: { response_topic: 'answers/1' } };
    const { session } = own;
    const listen = session.listen.bind(session);
    session.listen = async (...all) => {
      const subscription = await listen(...all);
      setTimeout(() => session.endRetained({ complete: true, evidence: 'ordered' }));
      return subscription;
    };
    const publishing = session.publish.bind(session);
    session.publish = async (request) => {
      const correlation = Buffer.from(String(request.properties?.correlation_data)).toString('base64');
      setTimeout(() => {
        session.speak('answers/1', 'of another', { properties: { correlation_data: 'AAAA' } });
        session.speak('answers/1', 'mine', { properties: { correlation_data: correlation } });
      }, 10);
      return publishing(request);
    };
    const result = await own.call('send_and_verify', args);
    expect(result).toMatchObject({ status: 'verified', correlation_data: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(result.reactions).toMatchObject([{ payload: 'mine', verdict: 'met' }]);
    expect(result).toMatchObject({ reaction_count: 1, foreign_reply_count: 1 });
    expect(session.listened.map(({ filter }) => filter)).toEqual(['answers/1']);
  });

  test('500 reactions -> 15 shown, all counted, the decisive one among them', async () => {
    const own = obeying((speak) => {
      for (let i = 0; i < 500; i++) speak('lamp/state', i === 400 ? 'ON' : `${i}`);
    });
    const result = await own.call('send_and_verify', {
      ...at,
      settle_seconds: 0.05,
      expect: { topic_pattern: 'lamp/state', equals: 'ON' },
    });
    expect(result).toMatchObject({ status: 'verified', reaction_count: 500 });
    const reactions: Fields[] = Object(result.reactions);
    expect(reactions.length).toBeLessThanOrEqual(15);
    expect(reactions.filter(({ decisive }) => decisive)).toMatchObject([{ payload: 'ON' }]);
    expect(JSON.stringify(result).length).toBeLessThan(9_000);
  });

  test('large payloads come back -> the answer stays small and says what was cut', async () => {
    const own = obeying((speak) => {
      for (let i = 0; i < 20; i++) speak('lamp/state', `${i}${'x'.repeat(200_000)}`);
    });
    const result = await own.call('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state', equals: 'ON' } });
    expect(JSON.stringify(result).length).toBeLessThan(20_000);
    expect(Object(result.reactions)[0]).toMatchObject({ payload_truncated: true });
  });

  test('nothing that should come back -> invalid_arguments, nothing sent', async () => {
    const { run, session } = bench();
    expect(await problemsOf(run('send_and_verify', at))).toMatchObject([{ path: '/expect/topic_pattern' }]);
    expect(
      await problemsOf(run('send_and_verify', { ...at, expect: { topic_pattern: 'a', path: 'x' } })),
    ).toMatchObject([{ path: '/expect/path' }]);
    expect(session.published).toEqual([]);
    expect(session.listened).toEqual([]);
  });

  test('the broker refuses the message -> publish_denied; nothing is left open', async () => {
    const own = obeying(() => {});
    own.session.ack = toolError('publish_denied');
    expect((await failing(own.run('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state' } }))).code).toBe(
      'publish_denied',
    );
    expect(own.session.listened).toMatchObject([{ closed: true }]);
  });

  test('the broker refuses the subscription -> subscribe_denied, nothing sent', async () => {
    const { run, session } = bench();
    session.refusal = toolError('subscribe_denied');
    expect((await failing(run('send_and_verify', { ...at, expect: { topic_pattern: 'lamp/state' } }))).code).toBe(
      'subscribe_denied',
    );
    expect(session.published).toEqual([]);
  });

  test('a write that a person should decide -> a preview first, and nothing is sent', async () => {
    const { call, session } = bench('ask');
    const write = { ...at, topic: '$SYS/x', expect: { topic_pattern: 'lamp/state' } };
    const preview = await call('send_and_verify', write);
    expect(preview).toMatchObject({ status: 'confirmation_required', confirmation_token: expect.any(String) });
    expect(session.published).toEqual([]);
  });

  test('the same with correlation data of our own, drawn anew each time -> the token and a person’s yes count once', async () => {
    const write = {
      ...at,
      topic: 'lamp/cmd',
      payload: 'reboot',
      properties: { response_topic: 'answers' },
      timeout_seconds: 1,
    };
    const { call, run, session } = bench('ask');
    const { confirmation_token } = await call('send_and_verify', write);
    expect(await call('send_and_verify', { ...write, confirmation_token })).toMatchObject({ status: 'no_reaction' });
    expect((await failing(run('send_and_verify', { ...write, confirmation_token }))).code).toBe('invalid_arguments');
    const person = { supports: () => true };
    const asked = await run('send_and_verify', write, person);
    if (!('input' in asked)) expect.fail('nobody is asked');
    const answers = { confirm: { action: 'accept', content: { confirm: true } } };
    const sent = await run('send_and_verify', write, { ...person, answers, state: asked.state });
    expect(sent).toMatchObject({ value: { status: 'no_reaction' } });
    expect(await run('send_and_verify', write, { ...person, answers, state: asked.state })).toHaveProperty('input');
    const drawn = session.published.map(({ properties }) => properties?.correlation_data);
    expect(drawn).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(drawn[0]).not.toBe(drawn[1]);
  });
});

describe('send_and_verify on a real broker', () => {
  test('a lamp that obeys -> verified; its stored state is the prior one, and no reaction', async () => {
    const base = prefix();
    const device = await open(inject('mqttUrl'));
    await publish(device, `${base}/state`, '{"state":"OFF"}', { retain: true });
    const commands = await hear(device, `${base}/set`);
    const obeyed = commands.heard(1).then(() => publish(device, `${base}/state`, '{"state":"ON"}', { retain: true }));
    const own = bench('allow');
    const session = await open(inject('mqttUrl'));
    own.pool.get = async () => Object(session);
    const result = await own.call('send_and_verify', {
      session_id: LAB,
      topic: `${base}/set`,
      payload: { state: 'ON' },
      expect: { topic_pattern: `${base}/#`, path: '$.state', changes: true },
    });
    await obeyed;
    expect(result).toMatchObject({
      status: 'verified',
      prior: [{ topic: `${base}/state`, payload: { state: 'OFF' }, retain: true }],
      diff: [{ path: '$.state', before: 'OFF', after: 'ON' }],
    });
    await publish(device, `${base}/state`, '', { retain: true });
  });

  test('nobody is there -> no_reaction; mosquitto says that it had no subscriber: certain', async () => {
    const base = prefix();
    // Of its own: on the shared one somebody may listen to everything.
    const broker = await startMosquitto();
    onTestFinished(() => broker.stop());
    const session = await open(broker.url);
    const own = bench('allow');
    own.pool.get = async () => Object(session);
    const result = await own.call('send_and_verify', {
      session_id: LAB,
      topic: `${base}/set`,
      payload: 'ON',
      timeout_seconds: 0.3,
      expect: { topic_pattern: `${base}/state` },
    });
    expect(result).toMatchObject({
      status: 'no_reaction',
      acknowledged: true,
      reason_code: 16,
      absence: { grade: 'certain' },
    });
  });

  test('the session is closed while it waits -> closed at once, and the answer says what was sent', async () => {
    const base = prefix();
    const session = await open(inject('mqttUrl'));
    const own = bench('allow');
    own.pool.get = async () => Object(session);
    const acked = new Promise<void>((resolve) => {
      const publishing = session.publish.bind(session);
      session.publish = async (request) => publishing(request).finally(() => setImmediate(resolve));
    });
    const running = own.call('send_and_verify', {
      session_id: LAB,
      topic: `${base}/set`,
      payload: 'ON',
      timeout_seconds: 60,
      expect: { topic_pattern: `${base}/state` },
    });
    await acked;
    // Nobody holds it any more: this would else last as long as a close is patient.
    await session.unheld(60_000);
    await session.end('the session was closed');
    expect(await running).toMatchObject({ status: 'no_reaction', acknowledged: true });
  });

  test('request and response over MQTT 5', async () => {
    const base = prefix();
    const device = await open(inject('mqttUrl'));
    const requests = await hear(device, `${base}/ask`);
    const answered = requests.heard(1).then(() => {
      const properties = requests.messages[0]?.properties;
      const correlation_data = Buffer.from(properties?.correlation_data ?? '', 'base64').toString();
      return publish(device, properties?.response_topic ?? '', '42', { properties: { correlation_data } });
    });
    const session = await open(inject('mqttUrl'));
    const own = bench('allow');
    own.pool.get = async () => Object(session);
    const result = await own.call('send_and_verify', {
      session_id: LAB,
      topic: `${base}/ask`,
      payload: '?',
      properties: { response_topic: `${base}/answer` },
      expect: { equals: 42 },
    });
    await answered;
    expect(result).toMatchObject({ status: 'verified', reactions: [{ payload: 42, decisive: true }] });
  });
});
