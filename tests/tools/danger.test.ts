import { describe, expect, test } from 'vitest';
import { dangerOf, mayBeDangerous, type Write } from '../../src/tools/danger.ts';
import { FakeSession } from '../support/fake-pool.ts';

const { signal } = new AbortController();

/** A session whose broker stores this, or nothing, under any topic. */
function storing(...payloads: (string | Buffer)[]): FakeSession {
  const session = new FakeSession();
  const listen = session.listen.bind(session);
  session.listen = async (...args) => {
    const subscription = await listen(...args);
    for (const payload of payloads) session.speak(args[0], payload, { retain: true });
    session.endRetained({ complete: true, evidence: 'ordered' });
    return subscription;
  };
  return session;
}

const write = (topic: string, payload = 'new', retain = true): Write => ({
  topic,
  payload: Buffer.from(payload),
  retain,
});

describe('what a person should decide', () => {
  test.each([
    ['replaces another message', 'a/b', 'new', ['old'], /replaces/],
    ['clears a message', 'a/b', '', ['old'], /clears/],
    ['clears what may come while it is on its way', 'a/b', '', [], /clears/],
    ['goes to $SYS', '$SYS/broker/x', 'new', [], /\$/],
    ['goes to another $ topic', '$CONTROL/dynamic-security/v1', 'new', [], /\$/],
    ['discovers a device', 'homeassistant/light/lamp/config', '{}', [], /Home Assistant/],
    ['discovers a device with a node', 'homeassistant/sensor/node/lamp/config', '{}', [], /Home Assistant/],
    ['discovers a whole device', 'homeassistant/device/lamp/config', '{}', [], /Home Assistant/],
  ])('a retained write that %s -> one reason', async (_what, topic, payload, stored, reason) => {
    const { reasons } = await dangerOf(storing(...stored), write(topic, payload), [], signal);
    expect(reasons).toEqual([expect.stringMatching(reason)]);
    expect(reasons[0]).toMatch(/\.$/);
  });

  test.each([
    ['the first retained message of a topic', 'a/b', 'new', []],
    ['the very bytes that are stored', 'a/b', 'same', ['same']],
    ['a state under homeassistant/', 'homeassistant/light/lamp/state', 'ON', []],
    ['a config elsewhere', 'home/light/lamp/config', '{}', []],
    ['a config too deep', 'homeassistant/a/b/c/d/config', '{}', []],
    ['a dollar in the middle', 'a/$SYS/b', 'new', []],
  ])('%s -> none', async (_what, topic, payload, stored) => {
    expect((await dangerOf(storing(...stored), write(topic, payload), [], signal)).reasons).toEqual([]);
  });

  test.each([
    ['house/lock/set', /^Its response_topic: It may open or close a lock/],
    ['dev/firmware', /^Its response_topic: .*firmware/],
    ['$SYS/x', /^Its response_topic: .*\$/],
  ])('somebody is asked to answer on %s -> a reason of its own', async (response_topic, reason) => {
    const request = { ...write('a/ask', '1', false), properties: { response_topic } };
    expect(mayBeDangerous(request, [])).toBe(true);
    const { reasons } = await dangerOf(storing(), request, [], signal);
    expect(reasons).toEqual([expect.stringMatching(reason)]);
  });

  test('an answer on a topic of one’s own -> none', () => {
    const request = { ...write('a/ask', '1', false), properties: { response_topic: 'client/7/answers' } };
    expect(mayBeDangerous(request, [])).toBe(false);
  });

  test('several reasons are all told, and what is stored is shown', async () => {
    const session = storing('{"name":"lamp"}');
    const { reasons, stored } = await dangerOf(session, write('homeassistant/light/lamp/config', ''), [], signal);
    expect(reasons).toHaveLength(2);
    expect(stored?.payload.toString()).toBe('{"name":"lamp"}');
  });

  test('a write that is not retained -> what is stored is not even looked at', async () => {
    const session = storing('old');
    expect(await dangerOf(session, write('a/b', 'new', false), [], signal)).toEqual({ reasons: [], stored: undefined });
    expect(session.listened).toEqual([]);
  });

  test('looking asks for the one topic, for retained messages only, and lets go of it', async () => {
    const session = storing('old');
    await dangerOf(session, write('a/b'), [], signal);
    expect(session.listened).toEqual([{ filter: 'a/b', options: { qos: 0, retained: 'only', signal }, closed: true }]);
  });

  test('who may not read the topic -> asked, as it is unknown what is stored', async () => {
    const session = new FakeSession();
    session.refusal = new Error('not authorised');
    expect((await dangerOf(session, write('a/b'), [], signal)).reasons).toHaveLength(1);
  });

  test('the connection goes while it looks -> no endless wait', async () => {
    const session = new FakeSession();
    const looking = dangerOf(session, write('a/b'), [], signal);
    await Promise.resolve();
    session.lose('gone');
    expect((await looking).stored).toBeUndefined();
    expect(session.listened[0]?.closed).toBe(true);
  });

  test('payloads that only begin alike -> another message', async () => {
    const { reasons } = await dangerOf(storing('new and more'), write('a/b', 'new'), [], signal);
    expect(reasons).toHaveLength(1);
  });
});
