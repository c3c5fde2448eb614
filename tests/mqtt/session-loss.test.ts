// A connection that is lost, comes back, or does not: what the session says, and what its listeners get.
import { expect, onTestFinished, test, vi } from 'vitest';
import { type MosquittoOptions, startMosquitto } from '../support/broker.ts';
import { type Script, startFakeBroker } from '../support/fake-broker.ts';
import { failure, listen, open, publish } from '../support/fake-caller.ts';
import { startProxy } from '../support/proxy.ts';

async function mosquitto(options?: MosquittoOptions) {
  const broker = await startMosquitto(options);
  onTestFinished(broker.stop);
  return broker;
}

async function proxied() {
  const broker = await mosquitto();
  const proxy = await startProxy(broker.port);
  onTestFinished(proxy.stop);
  return { broker, proxy };
}

const patience = { timeout: 15_000, interval: 20 };

test('broker killed in mid-collection -> what came is kept, gaps and state say so, then it is lost', async () => {
  const broker = await mosquitto();
  const one = await open(broker.url);
  const ear = await listen(one, 'a/#');
  await publish(one, 'a/b', '1');
  await ear.heard(1);
  await broker.kill();
  await expect.poll(() => one.state().isConnected).toBe(false);
  expect(one.state().connectionError).toMatch(/closed the connection/);
  expect(await ear.lost).toMatch(/refused the connection: nothing listens on this port/);
  expect(ear.texts()).toEqual(['a/b=1']);
  expect(ear.gaps).toEqual([{ from: expect.any(Number), to: undefined }]);
  expect(one.state()).toMatchObject({ isConnected: false, connectionError: expect.stringMatching(/nothing listens/) });
});

test.each([5, 4] as const)(
  'version %i: broker restarted -> the collection goes on, gaps says how long it was away',
  async (v) => {
    const broker = await mosquitto();
    const one = await open(broker.url, { protocolVersion: v });
    const ears = [
      await listen(one, 'a/#'),
      await listen(one, 'a/+'),
      await listen(one, 'a/+', { retained: 'exclude' }),
    ];
    await publish(one, 'a/b', 'before');
    await broker.kill();
    await expect.poll(() => one.state().isConnected).toBe(false);
    const truth = one.state();
    expect(truth.connectionError).toEqual(expect.any(String));
    expect((await failure(publish(one, 'a/b', 'lost'))).code).toBe('not_connected');
    await broker.restart();
    await expect.poll(() => one.state().isConnected, patience).toBe(true);
    expect(one.state()).toMatchObject({ connectionError: null, reconnects: 1, subscribedTopics: ['a/#', 'a/+'] });
    const closed = { from: expect.any(Number), to: expect.any(Number) };
    await expect.poll(() => ears.map(({ gaps }) => gaps)).toEqual([[closed], [closed], [closed]]);
    await publish(one, 'a/b', 'after');
    await Promise.all(ears.map((ear) => ear.heard(2)));
    for (const ear of ears) expect(ear.texts()).toEqual(['a/b=before', 'a/b=after']);
  },
);

test('retained messages after a reconnect -> not told again as new ones', async () => {
  const { proxy } = await proxied();
  const one = await open(proxy.url);
  await publish(one, 'a', 'kept', { retain: true });
  const ear = await listen(one, 'a');
  await ear.retainedEnd;
  proxy.dropAll();
  await expect.poll(() => one.state().reconnects, patience).toBe(1);
  await publish(one, 'a', 'live');
  await ear.heard(2);
  expect(ear.texts()).toEqual(['a=kept stored', 'a=live']);
});

test('a gap -> ends only when the broker has granted the filter again', async () => {
  let held: (() => void) | undefined;
  const broker = await startFakeBroker((packet, client) => {
    if (packet.cmd !== 'subscribe' || broker.clients.length < 2) return false;
    held = () => client.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [0] });
    return true;
  });
  const one = await open(broker.url);
  const ear = await listen(one, 'a', { retained: 'exclude' });
  broker.clients[0]?.socket.destroy();
  await broker.received('subscribe', 2);
  expect(one.state().isConnected).toBe(true);
  expect(ear.gaps).toEqual([{ from: expect.any(Number), to: undefined }]);
  held?.();
  await expect.poll(() => ear.gaps[0]?.to).toEqual(expect.any(Number));
});

test('lost again before the filter is granted -> still one gap', async () => {
  const broker = await startFakeBroker((packet, { socket }) => {
    if (packet.cmd !== 'subscribe' || broker.clients.length !== 2) return false;
    socket.destroy();
    return true;
  });
  const one = await open(broker.url);
  const ear = await listen(one, 'a', { retained: 'exclude' });
  broker.clients[0]?.socket.destroy();
  await expect.poll(() => ear.gaps[0]?.to, patience).toEqual(expect.any(Number));
  expect(ear.gaps).toHaveLength(1);
  expect(one.state().reconnects).toBe(2);
});

test('the filter is refused after a reconnect -> that listener is told, the others go on', async () => {
  const broker = await startFakeBroker((packet, { send }) => {
    if (packet.cmd !== 'subscribe' || broker.clients.length < 2) return false;
    const granted = packet.subscriptions.map(({ topic }) => (topic === 'secret' ? 0x87 : 0));
    send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
    return true;
  });
  const one = await open(broker.url);
  const [refused, other] = [
    await listen(one, 'secret', { retained: 'exclude' }),
    await listen(one, 'a', { retained: 'exclude' }),
  ];
  broker.clients[0]?.socket.destroy();
  expect(await refused.lost).toMatch(/refused the subscription/);
  await expect.poll(() => other.gaps[0]?.to).toEqual(expect.any(Number));
});

test('cut off in the middle of the retained messages -> the listing does not call itself complete', async () => {
  const { broker, proxy } = await proxied();
  const feeder = await open(broker.url);
  await Promise.all(
    Array.from({ length: 200 }, (_, n) => publish(feeder, `a/${n}`, 'x'.repeat(100), { retain: true })),
  );
  const one = await open(proxy.url);
  await proxy.setMode({ cut: { after: 3_000, of: 'broker' } });
  const ear = await listen(one, 'a/#');
  expect(await ear.retainedEnd).toEqual({ complete: false, evidence: 'quiet_window' });
  expect(ear.messages.length).toBeGreaterThan(0);
  expect(ear.messages.length).toBeLessThan(200);
  await proxy.setMode({});
});

test('cut off in the quiet window of a broker that keeps no order -> not complete either', async () => {
  const broker = await startFakeBroker((packet, { socket }) => {
    if (packet.cmd === 'unsubscribe' && packet.unsubscriptions[0] !== '$SYS/broker/version') {
      setTimeout(() => socket.destroy(), 50);
    }
    return false;
  });
  const ear = await listen(await open(broker.url), 'a/#');
  expect(await ear.retainedEnd).toMatchObject({ complete: false });
});

test('a subscription that is under way when the connection goes -> not_connected', async () => {
  const broker = await startFakeBroker((packet, { socket }) => {
    if (packet.cmd === 'subscribe') socket.destroy();
    return packet.cmd === 'subscribe';
  });
  const one = await open(broker.url);
  expect((await failure(listen(one, 'a'))).code).toBe('not_connected');
  expect(one.state().subscribedTopics).toEqual([]);
});

test.each([
  [5, 0x87, 'not authorized'],
  [5, 0x80, 'unspecified error'],
  [5, 0xa2, 'wildcard subscriptions not supported'],
  [4, 0x80, 'the broker refused the subscription'],
] as const)('version %i, SUBACK %i -> subscribe_denied, in words; the session goes on', async (v, code, reason) => {
  const broker = await startFakeBroker((packet, { send }) => {
    if (packet.cmd !== 'subscribe' || packet.subscriptions[0]?.topic !== 'secret/#') return false;
    send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted: [code] });
    return true;
  });
  const one = await open(broker.url, { protocolVersion: v });
  const other = await listen(one, 'a', { retained: 'exclude' });
  expect(await failure(listen(one, 'secret/#'))).toMatchObject({ code: 'subscribe_denied', reason_code: code, reason });
  expect(one.state()).toMatchObject({ isConnected: true, subscribedTopics: ['a'] });
  broker.clients[0]?.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 0, retain: false, dup: false });
  await other.heard(1);
});

test('reconnecting -> waits half a second at most, twice as long each time, never the same', async () => {
  const at: number[] = [];
  const random = vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => random.mockRestore());
  const script: Script = (packet, { socket }) => {
    if (packet.cmd !== 'connect') return false;
    at.push(performance.now());
    if (at.length > 1) socket.destroy();
    return at.length > 1;
  };
  const broker = await startFakeBroker(script);
  await open(broker.url);
  const from = performance.now();
  broker.clients[0]?.socket.destroy();
  await broker.received('connect', 2);
  random.mockReturnValue(1);
  await broker.received('connect', 4);
  const waits = at.slice(1).map((time, n) => time - (n === 0 ? from : (at[n] ?? 0)));
  // The second wait was drawn before its attempt, with the first value still; the third with the other one.
  for (const [n, least] of [250, 500, 2_000].entries()) {
    expect(waits[n]).toBeGreaterThan(least - 20);
    expect(waits[n]).toBeLessThan(least + 400);
  }
});

test('a broker that throws us out again and again -> comes back more and more slowly', async () => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => random.mockRestore());
  const broker = await startFakeBroker((packet, { socket }) => {
    if (packet.cmd === 'publish') socket.destroy();
    return false;
  });
  const one = await open(broker.url);
  const waits: number[] = [];
  for (let n = 1; n <= 3; n += 1) {
    const from = performance.now();
    await failure(publish(one, 'a', 'x'));
    await expect.poll(() => one.state().reconnects, patience).toBe(n);
    waits.push(performance.now() - from);
  }
  expect(waits[2]).toBeGreaterThan((waits[0] ?? 0) * 2);
});

test('taken over by another client of the same id -> told so, and it does not come back to fight', async () => {
  const broker = await startFakeBroker();
  const first = await open(broker.url, { clientId: 'same' });
  const beside = await open(broker.url);
  const ear = await listen(first, 'a', { retained: 'exclude' });
  broker.clients[0]?.send({ cmd: 'disconnect', reasonCode: 0x8e });
  expect(await ear.lost).toMatch(/session taken over: another client connected with the same client id/);
  expect(first.state()).toMatchObject({ isConnected: false, connectionError: expect.stringMatching(/taken over/) });
  expect(await failure(publish(first, 'a', 'x'))).toMatchObject({ code: 'not_connected', retryable: false });
  // Another one that is thrown out is back twice meanwhile.
  for (const n of [1, 2]) {
    broker.clients.at(-1)?.socket.destroy();
    await expect.poll(() => beside.state().reconnects, patience).toBe(n);
  }
  expect(first.state().reconnects).toBe(0);
});

test.each([5, 4] as const)(
  'version %i: taken over on a broker that does not say so -> one of the two gives in',
  async (v) => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0);
    onTestFinished(() => random.mockRestore());
    const { url } = await mosquitto();
    const two = [
      await open(url, { clientId: 'same', protocolVersion: v }),
      await open(url, { clientId: 'same', protocolVersion: v }),
    ];
    const errors = () => two.map((one) => one.state().connectionError);
    await expect.poll(errors, patience).toContainEqual(expect.stringMatching(/another client seems to use the same/));
    await expect.poll(() => two.filter((one) => one.state().isConnected), patience).toHaveLength(1);
    const reconnects = two.map((one) => one.state().reconnects);
    expect(Math.max(...reconnects)).toBeLessThan(4);
  },
);

test('thrown out just as often with an id of its own -> keeps coming back', async () => {
  const random = vi.spyOn(Math, 'random').mockReturnValue(0);
  onTestFinished(() => random.mockRestore());
  const broker = await startFakeBroker();
  const one = await open(broker.url);
  for (let n = 1; n <= 3; n += 1) {
    broker.clients.at(-1)?.socket.end();
    await expect.poll(() => one.state().reconnects, patience).toBe(n);
  }
});

test('DISCONNECT with a reason -> in words, then it comes back; also where the broker leaves the socket open', async () => {
  const broker = await startFakeBroker();
  const one = await open(broker.url);
  const ear = await listen(one, 'a', { retained: 'exclude' });
  broker.clients[0]?.send({ cmd: 'disconnect', reasonCode: 0x98 });
  await expect.poll(() => one.state().isConnected).toBe(false);
  expect(one.state().connectionError).toBe('the broker sent DISCONNECT: administrative action');
  await expect.poll(() => one.state().isConnected, patience).toBe(true);
  expect(ear.gaps).toHaveLength(1);
});

test('refused when it comes back -> connection_error says why', async () => {
  const broker = await startFakeBroker((packet, { send }) => {
    if (packet.cmd !== 'connect' || broker.clients.length < 2) return false;
    send({ cmd: 'connack', sessionPresent: false, reasonCode: 0x86 });
    return true;
  });
  const one = await open(broker.url);
  broker.clients[0]?.socket.destroy();
  await expect.poll(() => one.state().connectionError).toMatch(/refused the connection: bad user name or password/);
  expect(one.state().isConnected).toBe(false);
});

test('a network that swallows everything -> found out by keep-alive, and healed', async () => {
  const { proxy } = await proxied();
  const one = await open(proxy.url, { keepaliveSeconds: 1 });
  const ear = await listen(one, 'a');
  await proxy.setMode({ kind: 'blackhole' });
  await expect.poll(() => one.state().isConnected, patience).toBe(false);
  expect(one.state().connectionError).toMatch(/keep-alive/);
  await proxy.setMode({ kind: 'reset' });
  await proxy.setMode({});
  await expect.poll(() => one.state().isConnected, patience).toBe(true);
  await publish(one, 'a', 'x');
  await ear.heard(1);
});

test('garbage instead of MQTT -> down, and back with a clean connection', async () => {
  const broker = await startFakeBroker();
  const one = await open(broker.url, { keepaliveSeconds: 1 });
  const ear = await listen(one, 'a', { retained: 'exclude' });
  broker.clients[0]?.socket.write(Buffer.alloc(64, 0xff));
  await expect.poll(() => one.state().reconnects, patience).toBe(1);
  await expect.poll(() => ear.gaps[0]?.to).toEqual(expect.any(Number));
  broker.clients[1]?.send({ cmd: 'publish', topic: 'a', payload: 'x', qos: 0, retain: false, dup: false });
  await ear.heard(1);
});

test('closed while it is away -> the next connection never comes about', async () => {
  const broker = await startFakeBroker(() => broker.clients.length > 1);
  const one = await open(broker.url);
  broker.clients[0]?.socket.destroy();
  await broker.received('connect', 2); // it is on its way back, and gets no answer
  await one.end('the session was closed');
  await expect.poll(() => broker.clients[1]?.socket.closed).toBe(true);
});

test('closed, but nobody answers -> DISCONNECT is sent, and after a second the socket is gone', async () => {
  const broker = await startFakeBroker((packet) => packet.cmd !== 'connect');
  const one = await open(broker.url);
  await one.end('the session was closed');
  await broker.received('disconnect');
  await expect.poll(() => broker.clients[0]?.socket.closed).toBe(true);
});

test('session_expiry_seconds -> messages published while it was away are there when it is back', async () => {
  const { broker, proxy } = await proxied();
  const one = await open(proxy.url, { sessionExpirySeconds: 60 });
  const other = await open(broker.url);
  const ear = await listen(one, 'a', { qos: 1 });
  const left = await listen(one, 'b', { qos: 1 });
  await proxy.setMode({ kind: 'refuse' });
  proxy.dropAll();
  await expect.poll(() => one.state().isConnected).toBe(false);
  left.close();
  await publish(other, 'a', 'meanwhile');
  await proxy.setMode({});
  await ear.heard(1);
  expect(ear.texts()).toEqual(['a=meanwhile']);
  // The filter that was left meanwhile is no longer subscribed.
  await expect.poll(() => one.state().isConnected).toBe(true);
  await publish(one, 'mark', 'x');
  const before = one.state().messagesReceived;
  await publish(other, 'b', 'x');
  await publish(other, 'a', 'y');
  await ear.heard(2);
  expect(one.state().messagesReceived - before).toBe(1);
});

test('clean_start false -> subscriptions of an earlier life reach nobody', async () => {
  const broker = await mosquitto();
  const as = { clientId: 'kept', cleanStart: false, sessionExpirySeconds: 60 };
  const before = await open(broker.url, as);
  await listen(before, 'old/#');
  await listen(before, 'older/#');
  await before.end('over');
  const after = await open(broker.url, as);
  const ear = await listen(after, 'new/#');
  for (const topic of ['old/1', 'older/1', 'new/1']) await publish(after, topic, 'x');
  await ear.heard(1);
  expect(ear.texts()).toEqual(['new/1=x']);
});
