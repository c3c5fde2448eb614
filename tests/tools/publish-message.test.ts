import { describe, expect, test } from 'vitest';
import { bench, failing, LAB, problemsOf, toolError } from './bench.ts';

const at = { session_id: LAB, topic: 'a/b' };

describe('publish_message: the payload', () => {
  test.each([
    ['text', 'é {"a":1}', undefined, Buffer.from('é {"a":1}')],
    ['the empty string', '', undefined, Buffer.of()],
    ['an object', { a: [1, null, 'é'] }, undefined, Buffer.from('{"a":[1,null,"é"]}')],
    ['an array', [], undefined, Buffer.from('[]')],
    ['a number', 21.5, undefined, Buffer.from('21.5')],
    ['a boolean', false, undefined, Buffer.from('false')],
    ['null', null, undefined, Buffer.from('null')],
    ['base64', 'AP+A', 'base64', Buffer.from([0, 255, 128])],
    ['base64 without padding', 'AP8', 'base64', Buffer.from([0, 255])],
    ['base64url', '-_8', 'base64', Buffer.from([0xfb, 0xff])],
    ['base64 over several lines', 'AP\n+A', 'base64', Buffer.from([0, 255, 128])],
    ['hex', '00fF80', 'hex', Buffer.from([0, 255, 128])],
    ['no hex at all', '', 'hex', Buffer.of()],
  ])('%s -> these bytes', async (_what, payload, payload_encoding, bytes) => {
    const { call, session } = bench();
    const encoding = payload_encoding === undefined ? {} : { payload_encoding };
    const result = await call('publish_message', { ...at, payload, ...encoding });
    expect(session.published[0]?.payload).toEqual(bytes);
    expect(result.payload_size_bytes).toBe(bytes.length);
  });

  test.each([
    ['abc', 'hex'],
    ['zz', 'hex'],
    ['00 ff', 'hex'],
    ['a', 'base64'],
    ['@@@@', 'base64'],
    ['AP+A=AAA', 'base64'],
    [{ a: 1 }, 'base64'],
    [12, 'hex'],
  ])('%j as %s -> invalid_arguments, nothing sent', async (payload, payload_encoding) => {
    const { run, session } = bench();
    const problems = await problemsOf(run('publish_message', { ...at, payload, payload_encoding }));
    expect(problems).toEqual([{ path: '/payload', expected: expect.any(String) }]);
    expect(session.published).toEqual([]);
  });

  test('1 MiB -> sent; one byte more -> payload_too_large that tells both sizes', async () => {
    const { call, run, session } = bench();
    const most = 1024 * 1024;
    expect((await call('publish_message', { ...at, payload: 'x'.repeat(most) })).payload_size_bytes).toBe(most);
    const error = await failing(run('publish_message', { ...at, payload: 'x'.repeat(most + 1) }));
    expect(error).toMatchObject({ code: 'payload_too_large', message: expect.stringContaining(`${most + 1}`) });
    expect((await failing(run('publish_message', { ...at, payload: 'é'.repeat(most / 2 + 1) }))).code).toBe(
      'payload_too_large',
    );
    expect(session.published).toHaveLength(1);
  });

  test('nested 100,000 deep -> invalid_arguments, not a bug', async () => {
    const { run } = bench();
    const payload: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    const problems = await problemsOf(run('publish_message', { ...at, payload }));
    expect(problems[0]?.path).toBe('/payload');
  });
});

describe('publish_message: a write that a person should decide', () => {
  const write = { session_id: LAB, topic: 'homeassistant/switch/lamp/config', payload: '', retain: true };
  /** What is stored there is told to whoever asks for it. */
  function stored(danger: 'ask' | 'deny' | 'allow', payload = 'kept') {
    const own = bench(danger);
    const listen = own.session.listen.bind(own.session);
    own.session.listen = async (...args) => {
      const subscription = await listen(...args);
      own.session.speak(write.topic, payload, { retain: true });
      own.session.endRetained({ complete: true, evidence: 'ordered' });
      return subscription;
    };
    return own;
  }

  test('nobody can be asked -> a preview and a token, nothing sent; with the token it is sent, once', async () => {
    const { call, run, session } = stored('ask');
    const preview = await call('publish_message', write);
    expect(preview).toMatchObject({
      status: 'confirmation_required',
      preview: { reasons: [expect.any(String), expect.any(String)], replaces: { payload: 'kept' } },
      confirmation_token: 'token-1',
    });
    expect(session.published).toEqual([]);
    const other = { ...write, payload: 'other', confirmation_token: 'token-1' };
    expect((await problemsOf(run('publish_message', other)))[0]?.path).toBe('/confirmation_token');
    const again = await call('publish_message', write);
    const confirmed = { ...write, confirmation_token: again.confirmation_token };
    expect(await call('publish_message', confirmed)).toMatchObject({ status: 'published' });
    expect(session.published).toHaveLength(1);
    expect((await problemsOf(run('publish_message', confirmed)))[0]?.path).toBe('/confirmation_token');
  });

  test('a person can be asked -> asked; yes sends it, no is policy_denied', async () => {
    const { run, session } = stored('ask');
    const answered = async (answer: unknown) => {
      const asked = await run('publish_message', write, { supports: () => true });
      if (!('input' in asked)) expect.fail('nobody was asked');
      expect(asked.input.confirm).toMatchObject({ method: 'elicitation/create' });
      return run('publish_message', write, { supports: () => true, answers: { confirm: answer }, state: asked.state });
    };
    for (const no of [{ action: 'decline' }, { action: 'accept', content: { confirm: false } }, 'yes', null]) {
      expect((await failing(answered(no))).code).toBe('policy_denied');
    }
    expect(session.published).toEqual([]);
    expect(await answered({ action: 'accept', content: { confirm: true } })).toHaveProperty('value');
    expect(session.published).toHaveLength(1);
  });

  test('danger deny -> policy_denied; danger allow -> sent', async () => {
    const denying = stored('deny');
    expect((await failing(denying.run('publish_message', write))).code).toBe('policy_denied');
    expect(denying.session.published).toEqual([]);
    const allowing = stored('allow');
    expect(await allowing.call('publish_message', write)).toMatchObject({ status: 'published' });
  });

  test('an ordinary write -> sent without a word', async () => {
    const { call, session } = bench('ask');
    expect(await call('publish_message', { ...at, payload: 'on' })).toMatchObject({ status: 'published' });
    expect(session.listened).toEqual([]);
  });
});

describe('publish_message: the rest', () => {
  test('defaults -> QoS 0, not retained, no properties', async () => {
    const { call, session } = bench();
    session.ack = { acknowledged: false, reasonCode: 0, reason: 'not acknowledged at QoS 0' };
    const result = await call('publish_message', { ...at, payload: 'x' });
    expect(session.published[0]).toMatchObject({ topic: 'a/b', qos: 0, retain: false });
    expect(session.published[0]?.properties).toBeUndefined();
    expect(result).toEqual({
      status: 'published',
      topic: 'a/b',
      payload_size_bytes: 1,
      qos: 0,
      retain: false,
      acknowledged: false,
      reason_code: 0,
      reason: 'not acknowledged at QoS 0',
      publish_ms: expect.any(Number),
    });
  });

  test('everything given -> reaches the session; the reason code reaches the result', async () => {
    const { call, session } = bench();
    session.ack = { acknowledged: true, reasonCode: 16, reason: 'accepted, but nobody is subscribed to the topic' };
    const properties = {
      content_type: 'text/plain',
      response_topic: 'r',
      correlation_data: 'c',
      message_expiry_seconds: 1,
      user_properties: { a: 'b' },
    };
    const result = await call('publish_message', { ...at, payload: 'x', qos: 2, retain: true, properties });
    expect(session.published[0]).toMatchObject({ qos: 2, retain: true, properties });
    expect(result).toMatchObject({ acknowledged: true, reason_code: 16, retain: true, qos: 2 });
  });

  test.each(['not_connected', 'publish_denied', 'timeout', 'invalid_topic', 'policy_denied'] as const)(
    'not sent: %s -> %s',
    async (code) => {
      const { run, session } = bench();
      session.ack = toolError(code);
      expect((await failing(run('publish_message', { ...at, payload: 'x' }))).code).toBe(code);
    },
  );

  test('cancelled -> cancelled, with the reason', async () => {
    const { run, session, abort } = bench();
    session.ack = new Error('what the signal made it throw');
    abort('cancelled by the caller');
    expect(await failing(run('publish_message', { ...at, payload: 'x' }))).toMatchObject({
      code: 'cancelled',
      message: 'Stopped: cancelled by the caller.',
      retryable: true,
    });
  });
});
