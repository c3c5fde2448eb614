import { PassThrough } from 'node:stream';
import { type Packet, writeToStream } from 'mqtt-packet';
import { describe, expect, test } from 'vitest';
import { type Listener, Routes } from '../../src/mqtt/routes.ts';
import type { Message } from '../../src/mqtt/types.ts';
import { collectGarbage } from '../support/garbage.ts';

type Ear = Listener & { got: string[] };

function ear(filter: string, options: { retained?: Listener['retained']; identifiers?: boolean } = {}): Ear {
  const got: string[] = [];
  const { retained = 'include', identifiers = true } = options;
  const sink = ({ topic, payload, retain }: Message) => got.push(`${topic}=${payload}${retain ? ' stored' : ''}`);
  return { filter, sink, retained, dumping: true, seen: identifiers ? undefined : new Set(), got };
}

function message(topic: string, text: string, retain = false): Message {
  const payload = Buffer.from(text);
  return { topic, payload, size: payload.length, qos: 0, retain, dup: false, at: 0 };
}

/** Whether mqtt-packet, asked twice, writes the same Buffer for an identifier, which it then keeps for ever. */
function isKept(subscriptionIdentifier: number, bytes: number[]): boolean {
  const [one, other] = [1, 2].map(() => {
    const written: unknown[] = [];
    const stream = new PassThrough();
    stream.write = (piece: unknown) => written.push(piece) > 0;
    const packet: Packet = {
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: 'a', qos: 0 }],
      properties: { subscriptionIdentifier },
    };
    writeToStream(packet, stream, { protocolVersion: 5 });
    return written.find((piece) => Buffer.isBuffer(piece) && piece.equals(Buffer.from(bytes)));
  });
  expect([one, other]).toEqual([Buffer.from(bytes), Buffer.from(bytes)]);
  return one === other;
}

describe('with subscription identifiers', () => {
  function subscribed(...ears: Ear[]) {
    const routes = new Routes();
    const ids = ears.map((one) => {
      routes.add(one, 0);
      return routes.identify(one.filter, one);
    });
    return { routes, ids };
  }

  test('overlapping filters, one copy for each -> every listener gets the message once', () => {
    const [all, one, exact] = [ear('a/#'), ear('a/+'), ear('a/b')];
    const { routes, ids } = subscribed(all, one, exact);
    for (const id of ids) routes.deliver(message('a/b', '1'), [id]);
    expect([all.got, one.got, exact.got]).toEqual([['a/b=1'], ['a/b=1'], ['a/b=1']]);
  });

  test('overlapping filters, one copy with all identifiers -> every listener gets the message once', () => {
    const [all, one] = [ear('a/#'), ear('a/+')];
    const { routes, ids } = subscribed(all, one);
    routes.deliver(message('a/b', '1'), ids);
    expect([all.got, one.got]).toEqual([['a/b=1'], ['a/b=1']]);
  });

  test('two listeners of one filter -> a live message reaches both, whichever SUBSCRIBE it names', () => {
    const [first, second] = [ear('a'), ear('a')];
    const { routes, ids } = subscribed(first, second);
    for (const [n, id] of ids.entries()) routes.deliver(message('a', `${n}`), [id]);
    expect([first.got, second.got]).toEqual([
      ['a=0', 'a=1'],
      ['a=0', 'a=1'],
    ]);
  });

  test('retained messages of a repeated SUBSCRIBE -> reach its asker alone', () => {
    const [first, second] = [ear('a/#'), ear('a/#')];
    const { routes, ids } = subscribed(first, second);
    routes.deliver(message('a/b', '1', true), [ids[1] ?? 0]);
    expect([first.got, second.got]).toEqual([[], ['a/b=1 stored']]);
  });

  test('a SUBSCRIBE again after a reconnect -> live messages go on, retained ones reach nobody', () => {
    const one = ear('a');
    const { routes } = subscribed(one);
    const again = routes.identify('a', undefined);
    routes.deliver(message('a', 'old', true), [again]);
    routes.deliver(message('a', 'new'), [again]);
    expect(one.got).toEqual(['a=new']);
  });

  test('identifiers of a filter that was left -> reach nobody, not its next listener either', () => {
    const one = ear('a');
    const { routes, ids } = subscribed(one);
    expect(routes.remove(one)).toBe(true);
    const next = ear('a');
    routes.add(next, 0);
    const id = routes.identify('a', next);
    routes.deliver(message('a', 'late'), ids);
    routes.deliver(message('a', 'now'), [id]);
    expect([one.got, next.got]).toEqual([[], ['a=now']]);
  });

  test('an identifier nobody gave out -> reaches nobody', () => {
    const one = ear('#');
    const { routes } = subscribed(one);
    routes.deliver(message('a', '1'), [4711]);
    expect(one.got).toEqual([]);
  });

  test('the asker has left, another listener stays -> his retained messages reach nobody', () => {
    const [first, second] = [ear('a'), ear('a')];
    const { routes, ids } = subscribed(first, second);
    expect(routes.remove(second)).toBe(false);
    routes.deliver(message('a', '1', true), [ids[1] ?? 0]);
    expect([first.got, second.got]).toEqual([[], []]);
  });

  test('firstId -> identifiers begin there and rise', () => {
    const routes = new Routes(1000);
    expect([routes.identify('a', undefined), routes.identify('a', undefined)]).toEqual([1000, 1001]);
  });

  test('a long life -> 127 short identifiers, then those that mqtt-packet does not keep a Buffer of', () => {
    const routes = new Routes();
    const ids = Array.from({ length: 200 }, () => routes.identify('a', undefined));
    expect([ids[0], ids[126], ids[127], ids[199]]).toEqual([1, 127, 16_384, 16_456]);
    expect([isKept(16_383, [0xff, 0x7f]), isKept(16_384, [0x80, 0x80, 0x01])]).toEqual([true, false]);
  });

  test('one listens without a pause while others come and go -> what they held is let go', async () => {
    const stays = ear('a/#');
    const { routes } = subscribed(stays);
    let left: WeakRef<Ear> | undefined;
    (() => {
      const goes = ear('a/#');
      routes.add(goes, 0);
      routes.identify('a/#', goes);
      routes.remove(goes);
      left = new WeakRef(goes);
    })();
    await collectGarbage();
    expect(left?.deref()).toBeUndefined();
  });

  test('1,000 SUBSCRIBEs of a filter -> its newest identifiers and those of who is still there are known', () => {
    const [stays, comes] = [ear('a/#'), ear('a/#')];
    const { routes, ids } = subscribed(stays);
    for (let n = 0; n < 1_000; n += 1) {
      routes.add(comes, 0);
      ids.push(routes.identify('a/#', comes));
      routes.remove(comes);
    }
    const known = ids.filter((id) => routes.deliver(message('a/b', '1'), id));
    expect([known.length, known[0], known.at(-1)]).toEqual([256, ids[0], ids.at(-1)]);
    expect(stays.got.length).toBe(256);
  });

  test('no identifier on a message (an old subscription of the broker) -> told by its topic', () => {
    const [one, other] = [ear('a/#'), ear('b/#')];
    const { routes } = subscribed(one, other);
    routes.deliver(message('a/b', '1'), undefined);
    expect([one.got, other.got]).toEqual([['a/b=1'], []]);
  });
});

describe('without subscription identifiers', () => {
  function subscribed(...ears: Ear[]) {
    const routes = new Routes();
    for (const one of ears) routes.add(one, 0);
    return routes;
  }
  const plain = (filter: string, retained?: Listener['retained']) =>
    ear(filter, { identifiers: false, ...(retained ? { retained } : {}) });

  test('overlapping filters, one copy -> every listener whose filter matches gets it once', () => {
    const [all, one, other] = [plain('a/#'), plain('a/+'), plain('b/#')];
    subscribed(all, one, other).deliver(message('a/b', '1'), undefined);
    expect([all.got, one.got, other.got]).toEqual([['a/b=1'], ['a/b=1'], []]);
  });

  test('a topic that begins with $ -> not for a leading wildcard', () => {
    const [all, sys] = [plain('#'), plain('$SYS/#')];
    subscribed(all, sys).deliver(message('$SYS/x', '1'), undefined);
    expect([all.got, sys.got]).toEqual([[], ['$SYS/x=1']]);
  });

  test('two dumps that overlap -> each listener gets a retained topic once', () => {
    const [all, one] = [plain('a/#'), plain('a/+')];
    const routes = subscribed(all, one);
    routes.deliver(message('a/b', '1', true), undefined);
    routes.deliver(message('a/b', '1', true), undefined);
    expect([all.got, one.got]).toEqual([['a/b=1 stored'], ['a/b=1 stored']]);
  });

  test('a dump that another listener asked for -> passes by the one whose own is over', () => {
    const [over, asking] = [plain('a/#'), plain('a/#')];
    const routes = subscribed(over, asking);
    over.dumping = false;
    routes.deliver(message('a/b', '1', true), undefined);
    routes.deliver(message('a/b', '2'), undefined);
    expect([over.got, asking.got]).toEqual([['a/b=2'], ['a/b=1 stored', 'a/b=2']]);
  });

  test('a shared subscription -> matched by its inner filter', () => {
    const one = plain('$share/g/a/+');
    const routes = subscribed(one);
    routes.deliver(message('a/b', '1'), undefined);
    expect(one.got).toEqual(['a/b=1']);
  });
});

describe('either way', () => {
  test.each(['include', 'exclude', 'only'] as const)('retained %s -> takes what it says', (retained) => {
    const one = ear('a', { retained });
    const routes = new Routes();
    routes.add(one, 0);
    const id = routes.identify('a', one);
    routes.deliver(message('a', 'r', true), [id]);
    routes.deliver(message('a', 'l'), [id]);
    const all = { include: ['a=r stored', 'a=l'], exclude: ['a=l'], only: ['a=r stored'] };
    expect(one.got).toEqual(all[retained]);
  });

  test('add -> the QoS to subscribe with is the highest that was asked for', () => {
    const routes = new Routes();
    expect([routes.add(ear('a'), 1), routes.add(ear('a'), 0), routes.add(ear('a'), 2)]).toEqual([1, 1, 2]);
    expect(routes.active()).toEqual([{ filter: 'a', qos: 2 }]);
  });

  test('remove -> true for the last listener of a filter only, and once', () => {
    const routes = new Routes();
    const [first, second] = [ear('a'), ear('a')];
    routes.add(first, 0);
    routes.add(second, 0);
    expect([routes.remove(first), routes.remove(first), routes.remove(second), routes.remove(second)]).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(routes.filters).toEqual([]);
  });

  test('filters -> sorted, each once', () => {
    const routes = new Routes();
    for (const filter of ['b', 'a/#', 'b']) routes.add(ear(filter), 0);
    expect(routes.filters).toEqual(['a/#', 'b']);
  });
});
