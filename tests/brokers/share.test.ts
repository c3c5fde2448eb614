// Several daemons with several sessions each share what comes to a group: nothing is lost, nothing doubled.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Broker, startMosquitto } from '../support/broker.ts';
import { type Daemon, startDaemon } from '../support/daemon.ts';
import { dig } from '../support/streams.ts';

let broker: Broker;
beforeAll(async () => {
  // What a member that has left did not take goes to the others: nothing may be too much for them.
  broker = await startMosquitto({ config: 'max_queued_messages 10000' });
});
afterAll(() => broker?.stop());

type Member = { daemon: Daemon; name: string };

/** `count` daemons, each with `each` sessions, all listening in the group. */
async function group(count: number, each: number, protocol_version: number): Promise<Member[]> {
  const daemons = Array.from({ length: count }, () => startDaemon());
  const members = daemons.flatMap((daemon) =>
    Array.from({ length: each }, (_, index) => ({ daemon, name: `m${index}` })),
  );
  const connecting = members.map(({ daemon, name }) =>
    daemon.call(`connect-${name}`, 'establish_connection', { connection_string: broker.url, name, protocol_version }),
  );
  for (const answer of await Promise.all(connecting)) expect(dig(answer, 'result', 'status')).toBe('connected');
  return members;
}

/** Starts all collections, and resolves once the broker has granted them. */
async function listen(members: Member[], filter: string, more: object = {}): Promise<void> {
  for (const { daemon, name } of members) {
    const hearing = {
      session_id: name,
      topic_pattern: filter,
      qos: 1,
      duration_seconds: 10,
      return_messages: 500,
      ...more,
    };
    daemon.request(name, 'subscribe_and_collect', hearing);
    // Behind the SUBSCRIBE on the same connection.
    await daemon.call(`mark-${name}`, 'publish_message', { session_id: name, topic: 'mark', payload: 1, qos: 1 });
  }
}

async function heardBy({ daemon, name }: Member): Promise<number[]> {
  const messages = dig(await daemon.answer(name), 'result', 'messages');
  return Array.isArray(messages) ? messages.map((one) => Number(dig(one, 'payload'))) : [];
}

/** Publishes numbers at QoS 1; resolves when all are acknowledged. */
async function flood(topic: string): Promise<(from: number, to: number) => Promise<unknown>> {
  const daemon = startDaemon();
  await daemon.call('connect', 'establish_connection', { connection_string: broker.url, name: 'flood' });
  const send = async (payload: number) => {
    const message = { session_id: 'flood', topic: `${topic}/${payload % 7}`, payload, qos: 1 };
    const answer = await daemon.call(payload, 'publish_message', message);
    expect(dig(answer, 'result', 'acknowledged')).toBe(true);
  };
  return (from, to) => Promise.all(upTo(to).slice(from).map(send));
}

const ascending = (a: number, b: number) => a - b;
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe.each([5, 4])('a share group, MQTT version %i', (version) => {
  test('three daemons with two sessions each -> every message to one of them, each of them has some', async () => {
    const members = await group(3, 2, version);
    const topic = `split-${version}`;
    await listen(members, `$share/workers/${topic}/#`);
    const publish = await flood(topic);
    await publish(0, 1_200);
    const heard = await Promise.all(members.map(heardBy));
    expect(heard.flat().toSorted(ascending)).toEqual(upTo(1_200));
    for (const share of heard) expect(share.length).toBeGreaterThan(100);
  });

  test('a member is closed in mid-stream -> what it took is in its answer, the others have the rest', async () => {
    const members = await group(3, 1, version);
    const topic = `leave-${version}`;
    await listen(members, `$share/workers/${topic}/#`);
    const publish = await flood(topic);
    await publish(0, 300);
    const [leaver] = members;
    const flooding = publish(300, 1_000);
    await leaver?.daemon.call('close', 'close_connection', { session_id: leaver.name });
    await flooding;
    const [left = [], ...others] = await Promise.all(members.map(heardBy));
    expect(left.length).toBeGreaterThan(90);
    expect(left.length).toBeLessThan(Math.min(...others.map((heard) => heard.length)));
    expect([...left, ...others.flat()].toSorted(ascending)).toEqual(upTo(1_000));
  });
});

test('a share group: a window ends in mid-stream -> every message is counted by one member', async () => {
  const members = await group(2, 1, 5);
  const [first, second] = members;
  if (!first || !second) throw new Error('no members');
  await listen([first], '$share/workers/window/#', { whole_window: true, return_messages: 1 });
  await listen([second], '$share/workers/window/#', { whole_window: true, return_messages: 1, duration_seconds: 15 });
  const publish = await flood('window');
  const count = async ({ daemon, name }: Member) =>
    Number(dig(await daemon.answer(name), 'result', 'original_message_count'));
  let ended: number | undefined;
  const ending = count(first).then((heard) => {
    ended = heard;
  });
  let published = 0;
  // Until the first has answered there is always something under way.
  while (ended === undefined) {
    await publish(published, published + 50);
    published += 50;
  }
  await ending;
  expect(ended).toBeGreaterThan(0);
  expect((await count(second)) + ended).toBe(published);
});

test('a share group: a member is killed, and comes back as the same client -> it has what it had not acknowledged', async () => {
  const [second] = await group(1, 1, 5);
  const filter = '$share/workers/killed/#';
  const kept = { connection_string: broker.url, name: 'kept', client_id: 'kept', session_expiry_seconds: 60 };
  const daemon = startDaemon();
  await daemon.call('connect', 'establish_connection', kept);
  if (!second) throw new Error('no member');
  await listen([{ daemon, name: 'kept' }, second], filter);
  daemon.kill('SIGSTOP');
  const publish = await flood('killed');
  await publish(0, 300);
  daemon.kill('SIGKILL');
  await daemon.exit;
  const again = startDaemon();
  await again.call('connect', 'establish_connection', { ...kept, clean_start: false });
  await listen([{ daemon: again, name: 'kept' }], filter);
  const heard = await Promise.all([{ daemon: again, name: 'kept' }, second].map(heardBy));
  expect(heard.flat().toSorted(ascending)).toEqual(upTo(300));
  expect(heard[0]?.length).toBeGreaterThan(100);
});
