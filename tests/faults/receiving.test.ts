// Messages at QoS 1 and 2 that are under way to us while the connection is cut: what a broker sends again is told as it
// should be. A scripted broker, as a real one cannot be cut between its packets.
import { expect, test } from 'vitest';
import { type FakeClient, startFakeBroker } from '../support/fake-broker.ts';
import { becomes, collecting, programBeside } from '../support/faults.ts';

const topic = 'a/b';
const up = { is_connected: true, reconnects: 1 };

const onceAndMark = { original_message_count: 2, messages: [{ payload: 'once', qos: 2 }, { payload: 'mark' }] };

/** Sends one message at QoS 2, cuts the connection where `cutAt` says, and after the reconnect goes on as a broker would. */
async function cut(version: 4 | 5, { cutAt, present }: { cutAt: 'pubrec' | 'pubcomp'; present: boolean }) {
  const told: string[] = [];
  let first: FakeClient | undefined;
  const message = { cmd: 'publish', topic, payload: 'once', retain: false, messageId: 7 } as const;
  const broker = await startFakeBroker((packet, client) => {
    first ??= client;
    const again = client !== first;
    if (packet.cmd === 'connect') {
      client.send({ cmd: 'connack', sessionPresent: again && present, returnCode: 0, reasonCode: 0 });
      if (!again || !present) return true;
      // [MQTT-4.4.0-1]: what was not acknowledged is sent again, first.
      if (cutAt === 'pubrec') client.send({ ...message, qos: 2, dup: true });
      else client.send({ cmd: 'pubrel', messageId: 7 });
      return true;
    }
    if (packet.cmd !== 'pubrec' && packet.cmd !== 'pubcomp') return false;
    told.push(again ? `${packet.cmd} again` : packet.cmd);
    if (packet.cmd === cutAt && !again) client.socket.destroy();
    else if (packet.cmd === 'pubrec') client.send({ cmd: 'pubrel', messageId: 7 });
    return true;
  });
  const { script, well } = await programBeside();
  const keeping = { clean_start: false, session_expiry_seconds: 60, client_id: 'k', protocol_version: version };
  await script.connect('faulty', broker.url, keeping);
  const id = await collecting(script, 'faulty', 'a/#', { qos: 2, retained: 'exclude', max_messages: 2 });
  await broker.received('subscribe');
  broker.clients[0]?.send({ ...message, qos: 2, dup: false });
  await becomes(script, 'faulty', up);
  if (present) await expect.poll(() => told, { timeout: 5_000 }).toContain('pubcomp again');
  await broker.received('subscribe', 2);
  // Behind everything else: what came twice would be told before it.
  broker.clients.at(-1)?.send({ cmd: 'publish', topic, payload: 'mark', qos: 0, retain: false, dup: false });
  const result = await script.resultOf(id);
  await well('faulty');
  return { told, result };
}

for (const version of [4, 5] as const) {
  test(`receiving at QoS 2, version ${version}: cut before PUBREL -> sent again, told once`, async () => {
    const { result, told } = await cut(version, { cutAt: 'pubrec', present: true });
    expect(result).toMatchObject(onceAndMark);
    expect(told.slice(0, 2)).toEqual(['pubrec', 'pubrec again']);
  });

  test(`receiving at QoS 2, version ${version}: cut before PUBCOMP arrives -> acknowledged again, told once`, async () => {
    const { result } = await cut(version, { cutAt: 'pubcomp', present: true });
    expect(result).toMatchObject(onceAndMark);
  });

  test(`receiving at QoS 2, version ${version}: cut, and the broker has forgotten the session -> told once, the gap is told`, async () => {
    const { result } = await cut(version, { cutAt: 'pubcomp', present: false });
    expect(result).toMatchObject(onceAndMark);
    expect(result.notes).toContainEqual(expect.stringMatching(/connection was down for/));
  });

  test(`receiving at QoS 1, version ${version}: cut before PUBACK arrives -> what is sent again is marked as such`, async () => {
    let first: FakeClient | undefined;
    const message = { cmd: 'publish', topic, payload: 'p', qos: 1, retain: false, messageId: 9 } as const;
    const broker = await startFakeBroker((packet, client) => {
      first ??= client;
      const again = client !== first;
      if (packet.cmd === 'connect') {
        client.send({ cmd: 'connack', sessionPresent: again, returnCode: 0, reasonCode: 0 });
        if (again) client.send({ ...message, dup: true });
        return true;
      }
      if (packet.cmd !== 'puback' || again) return false;
      client.socket.destroy();
      return true;
    });
    const { script, well } = await programBeside();
    const keeping = { clean_start: false, session_expiry_seconds: 60, client_id: 'k', protocol_version: version };
    await script.connect('faulty', broker.url, keeping);
    const id = await collecting(script, 'faulty', 'a/#', { qos: 1, retained: 'exclude', max_messages: 2 });
    await broker.received('subscribe');
    broker.clients[0]?.send({ ...message, dup: false });
    await becomes(script, 'faulty', up);
    const result = await script.resultOf(id);
    expect(result).toMatchObject({
      messages: [
        { payload: 'p', dup: false },
        { payload: 'p', dup: true },
      ],
    });
    await well('faulty');
  });
}
