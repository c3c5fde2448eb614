// Every capability of the built program, driven by the official clients over real pipes on a real broker.
import { describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { onlooker, ownPrefix } from '../resources/onlooker.ts';
import { startMosquitto } from '../support/broker.ts';
import { dig } from '../support/streams.ts';
import { type Answer, type CallOptions, type Host, hosts } from './capabilities-clients.ts';

async function connect(host: Host, name = 'lab', url = inject('mqttUrl')): Promise<unknown> {
  return dig(await host.call('establish_connection', { connection_string: url, name }), 'session_id');
}

async function subscribed(host: Host): Promise<unknown> {
  return dig(await host.call('list_active_connections'), 'active_connections', 0, 'subscribed_topics');
}

const yes: Answer = { action: 'accept', content: { confirm: true } };

describe.each(hosts)('%s', (_name, start) => {
  test('resources: listed, read, found by their template', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    await broker.publish(`${prefix}/state`, '{"on":true}', { retain: true });
    const host = await start();
    const session = await connect(host);
    expect(await host.listResources()).toMatchObject({
      resources: [{ uri: 'mqtt://sessions' }, { uri: 'ui://mqtt/view' }],
    });
    expect(await host.listResourceTemplates()).toMatchObject({
      resourceTemplates: [
        { uriTemplate: 'mqtt://{session}/topics' },
        { uriTemplate: 'mqtt://{session}/topic/{+topic}' },
      ],
    });
    expect(await host.read('mqtt://sessions')).toMatchObject({ sessions: [{ session_id: session, name: 'lab' }] });
    expect(await host.read(`mqtt://lab/topic/${prefix}/state`)).toMatchObject({
      source: 'retained',
      age_ms: expect.any(Number),
      message: { payload: { on: true } },
    });
    expect(await host.read('mqtt://lab/topics')).toMatchObject({ session: 'lab', total_topics: expect.any(Number) });
    await expect(host.read('mqtt://nobody/topics')).rejects.toThrow('Resource not found');
    // The clients themselves make one code of the two.
    const last = host.daemon.received.map((line) => dig(JSON.parse(line), 'error', 'code')).findLast(Boolean);
    expect(last).toBe(host.era === 'modern' ? -32602 : -32002);
  });

  test('a topic is followed: updates come, a few a second in a flood, until it is let go of', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/t`;
    const uri = `mqtt://lab/topic/${topic}`;
    const host = await start();
    await connect(host);
    const stop = await host.follow(uri);
    const began = performance.now();
    await broker.flood(topic, 1_000, () => host.updated.length >= 6);
    expect(host.updated.length / ((performance.now() - began) / 1000)).toBeLessThan(5);
    expect(new Set(host.updated)).toEqual(new Set([uri]));
    expect(await host.read(uri)).toMatchObject({ source: 'live', message: { topic } });
    expect(await subscribed(host)).toEqual([topic]);
    await stop();
    await vi.waitFor(async () => expect(await subscribed(host)).toEqual([]));
    const told = host.updated.length;
    await broker.publish(topic, 'more', { retain: true });
    expect(await host.read(uri)).toMatchObject({ source: 'retained', message: { payload: 'more' } });
    expect(host.updated).toHaveLength(told);
  });

  test('prompts: listed, filled in, refused without what they need', async () => {
    const host = await start();
    const names = ['explore_broker', 'why_silent', 'watch_topic', 'describe_topic'];
    expect(await host.listPrompts()).toMatchObject({ prompts: names.map((name) => ({ name })) });
    const prompt = await host.getPrompt('why_silent', { device: 'pump-7' });
    expect(prompt).toMatchObject({
      messages: [{ role: 'user', content: { text: expect.stringContaining('"pump-7"') } }],
    });
    await expect(host.getPrompt('why_silent', {})).rejects.toMatchObject({ code: -32602 });
  });

  test('completion: sessions, topics of the session that was chosen, arguments of prompts', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    await broker.publish(`${prefix}/pump-7/level`, '1', { retain: true });
    const host = await start();
    await connect(host, 'plant');
    await connect(host, 'lab');
    await host.call('list_topics', { session_id: 'lab', pattern: `${prefix}/#`, duration_seconds: 0 });
    const template = { type: 'ref/resource', uri: 'mqtt://{session}/topic/{+topic}' } as const;
    expect(await host.complete(template, 'session', 'pl')).toMatchObject({
      completion: { values: ['plant'], total: 1 },
    });
    expect(await host.complete(template, 'topic', prefix, { session: 'lab' })).toMatchObject({
      completion: { values: [`${prefix}/pump-7/level`], total: 1, hasMore: false },
    });
    const watch = { type: 'ref/prompt', name: 'watch_topic' } as const;
    expect(await host.complete(watch, 'topic', prefix)).toMatchObject({ completion: { total: 1 } });
    const why = { type: 'ref/prompt', name: 'why_silent' } as const;
    expect(await host.complete(why, 'device', 'pump')).toMatchObject({ completion: { values: ['pump-7'] } });
  });

  test('a dangerous write, and the person says yes -> asked once, in words; sent', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const host = await start({ answer: yes });
    await connect(host);
    await broker.publish(`${prefix}/kept`, 'old', { retain: true });
    await broker.watch(`${prefix}/#`);
    const lamp = `homeassistant/light/${prefix.replace('/', '-')}/config`;
    await broker.watch(lamp);
    const kept = { session_id: 'lab', topic: `${prefix}/kept`, retain: true, qos: 1 };
    const writes = [
      [{ ...kept, payload: 'new' }, /replaces a message/],
      [{ ...kept, payload: '' }, /clears a message/],
      [{ session_id: 'lab', topic: lamp, payload: { name: 'Lamp' }, qos: 1 }, /Home Assistant/],
      [{ session_id: 'lab', topic: '$SYS/broker/test', payload: 'x', qos: 1 }, /\$/],
    ] as const;
    for (const [args, reason] of writes) {
      const before = host.asked.length;
      // A broker may refuse what goes to its own topics; what counts is that it was sent.
      const result = await host.callRaw('publish_message', args);
      if (!args.topic.startsWith('$')) expect(dig(result, 'structuredContent', 'status')).toBe('published');
      expect(host.asked).toHaveLength(before + 1);
      const asked = host.asked.at(-1);
      expect(asked?.message).toMatch(reason);
      expect(asked?.message).toContain(args.topic);
      expect(asked?.requestedSchema).toMatchObject({ type: 'object', properties: { confirm: { type: 'boolean' } } });
      // Nothing to type in, least of all a secret.
      expect(JSON.stringify(asked)).not.toMatch(/password|secret|token|"string"/i);
    }
    await broker.saw(lamp);
    expect(broker.seen.map(({ topic, text }) => `${topic}=${text}`)).toEqual([
      `${prefix}/kept=new`,
      `${prefix}/kept=`,
      `${lamp}={"name":"Lamp"}`,
    ]);
  });

  test.each<[string, Answer]>([
    ['no', { action: 'decline' }],
    ['nothing', { action: 'cancel' }],
    ['yes, without the tick', { action: 'accept', content: { confirm: false } }],
  ])('a dangerous write, and the person says %s -> policy_denied, nothing sent', async (_says, answer) => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const host = await start({ answer });
    await connect(host);
    await broker.publish(`${prefix}/kept`, 'old', { retain: true });
    await broker.watch(`${prefix}/#`);
    const write = { session_id: 'lab', topic: `${prefix}/kept`, payload: 'new', retain: true };
    const result = await host.callRaw('publish_message', write);
    expect(result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('policy_denied') }] });
    expect(host.asked).toHaveLength(1);
    await host.call('publish_message', { session_id: 'lab', topic: `${prefix}/mark`, payload: 'x', qos: 1 });
    await broker.saw(`${prefix}/mark`);
    expect(broker.seen.map(({ topic }) => topic)).toEqual([`${prefix}/mark`]);
  });

  test('harmless writes -> nobody is asked', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const host = await start({ answer: yes });
    await connect(host);
    await broker.publish(`${prefix}/kept`, 'same', { retain: true });
    for (const args of [
      { topic: `${prefix}/kept`, payload: 'same', retain: true },
      { topic: `${prefix}/first`, payload: 'x', retain: true },
      { topic: `${prefix}/kept`, payload: 'new', retain: false },
      { topic: 'homeassistant/light/lamp/state', payload: 'ON' },
    ])
      expect(await host.call('publish_message', { session_id: 'lab', ...args })).toHaveProperty('status', 'published');
    expect(host.asked).toEqual([]);
  });

  test('a dangerous write of a mebibyte can be asked about too', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/kept`;
    const host = await start({ answer: yes });
    await connect(host);
    await broker.publish(topic, 'old', { retain: true });
    const write = { session_id: 'lab', topic, payload: 'x'.repeat(1024 * 1024), retain: true };
    expect(await host.call('publish_message', write)).toMatchObject({
      status: 'published',
      payload_size_bytes: 1_048_576,
    });
    expect(host.asked[0]?.message.length).toBeLessThan(1_000);
  });

  test('a client that cannot ask -> the same write as a preview and a token', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/kept`;
    const host = await start();
    await connect(host);
    await broker.publish(topic, 'old', { retain: true });
    const write = { session_id: 'lab', topic, payload: 'new', retain: true };
    const preview = await host.call('publish_message', write);
    expect(preview).toMatchObject({ status: 'confirmation_required', preview: { replaces: { payload: 'old' } } });
    const confirmation_token = dig(preview, 'confirmation_token');
    expect(await host.call('publish_message', { ...write, confirmation_token })).toHaveProperty('status', 'published');
  });

  test('progress: elapsed time and messages so far, rising; none once the call is over', async () => {
    const broker = await onlooker();
    const prefix = ownPrefix();
    const host = await start();
    await connect(host);
    const steps: unknown[] = [];
    const options: CallOptions = { onprogress: (step) => steps.push(step) };
    const args = { session_id: 'lab', topic_pattern: `${prefix}/#`, duration_seconds: 10, max_messages: 3 };
    const collecting = host.call('subscribe_and_collect', args, options);
    await vi.waitFor(async () => expect(await subscribed(host)).toEqual([`${prefix}/#`]));
    await broker.publish(`${prefix}/a`, '1');
    await broker.publish(`${prefix}/a`, '2');
    const toldOfTwo = () => {
      expect(steps.length).toBeGreaterThanOrEqual(2);
      expect(dig(steps.at(-1), 'message')).toMatch(/^2 /);
    };
    await vi.waitFor(toldOfTwo, { timeout: 5_000 });
    await broker.publish(`${prefix}/a`, '3');
    expect(await collecting).toMatchObject({ stopped_by: 'max_messages' });
    for (const step of steps) {
      expect(step).toMatchObject({ total: 10, message: expect.stringMatching(/^\d+ messages/) });
      expect(Number(dig(step, 'progress'))).toBeGreaterThan(0);
      expect(Number(dig(step, 'progress'))).toBeLessThan(10);
    }
    expect(dig(steps[1], 'progress')).toBeGreaterThan(Number(dig(steps[0], 'progress')));
  });

  test('cancelled -> silent, and the subscription on the broker is gone', async () => {
    const prefix = ownPrefix();
    const host = await start();
    // Of its own: on the shared one somebody may listen to everything, and then it never says that nobody does.
    const broker = await startMosquitto();
    onTestFinished(() => broker.stop());
    await connect(host, 'lab', broker.url);
    for (const [name, args] of [
      ['subscribe_and_collect', { topic_pattern: `${prefix}/#`, duration_seconds: 300 }],
      ['list_topics', { pattern: `${prefix}/#`, duration_seconds: 60 }],
    ] as const) {
      const controller = new AbortController();
      const options: CallOptions = { signal: controller.signal, onprogress: () => {} };
      const call = host.callRaw(name, { session_id: 'lab', ...args }, options).catch(() => 'rejected');
      await vi.waitFor(async () => expect(await subscribed(host)).toEqual([`${prefix}/#`]), { timeout: 10_000 });
      controller.abort();
      expect(await call).toBe('rejected');
      await vi.waitFor(async () => expect(await subscribed(host)).toEqual([]));
    }
    const cancelled = new Set(
      host.daemon.sent
        .filter((line) => line.includes('notifications/cancelled'))
        .map((line) => dig(JSON.parse(line), 'params', 'requestId')),
    );
    expect(cancelled.size).toBe(2);
    // The broker itself says that nobody listens (MQTT 5.0 section 3.4.2.1).
    const nobody = { session_id: 'lab', topic: `${prefix}/x`, payload: 'x', qos: 1 };
    expect(await host.call('publish_message', nobody)).toHaveProperty('reason_code', 0x10);
    const answered = host.daemon.received.map((line) => dig(JSON.parse(line), 'id'));
    expect(answered.filter((id) => cancelled.has(id))).toEqual([]);
  });

  test('closing the session lets go of what was followed on it', async () => {
    const broker = await onlooker();
    const topic = `${ownPrefix()}/t`;
    const uri = `mqtt://lab/topic/${topic}`;
    const host = await start();
    await connect(host);
    await host.follow(uri);
    await host.call('close_connection', { session_id: 'lab' });
    await connect(host);
    expect(await subscribed(host)).toEqual([]);
    const told = host.updated.length;
    await broker.publish(topic, 'x', { retain: true });
    expect(await host.read(uri)).toMatchObject({ source: 'retained' });
    expect(host.updated).toHaveLength(told);
  });
});
