import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { connectAsync, type MqttClient } from 'mqtt';
import { afterEach, expect, test } from 'vitest';
import { type DemoBroker, type DemoOptions, startDemo } from '../../src/demo/broker.ts';
import { demoTopics } from '../../src/demo/devices.ts';
import { createFleet } from '../../src/demo/fleet.ts';

type Heard = { topic: string; payload: string; retain: boolean };

const LAMP = 'home/livingroom/lamp';
const PUMP = 'plant/line1/pump';
const QUIET = { intervalMs: 3_600_000 }; // no beat within a test

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test('every documented topic is heard', async () => {
  const demo = await start({ intervalMs: 60 });
  const { client, until } = await listen(demo, '#');
  for (const { topic, flow, example } of demoTopics) if (flow === 'command') await client.publishAsync(topic, example);
  await client.publishAsync('demo/faults/set', 'no such fault');
  const heard = await until((all) => demoTopics.every(({ topic }) => all.some((message) => message.topic === topic)));
  const known = new Set(demoTopics.map(({ topic }) => topic));
  expect(heard.map(({ topic }) => topic).filter((topic) => !known.has(topic))).toEqual([]);
});

test('retained when it resolves: availability, config and state of every device', async () => {
  const demo = await start(QUIET);
  const retained = demoTopics.filter(({ flow }) => flow === 'retained').map(({ topic }) => topic);
  const { until } = await listen(demo, '#');
  const heard = await until((all) => all.length === retained.length);
  expect(heard.map(({ topic }) => topic).sort()).toEqual(retained.sort());
  expect(heard.every(({ retain }) => retain)).toBe(true);
  const availability = heard.filter(({ topic }) => topic.endsWith('/availability'));
  expect(availability.map(({ payload }) => payload).filter((payload) => payload === 'online')).toEqual(
    Array.from({ length: 12 }, () => 'online'),
  );
});

test.each([
  [LAMP, '{"state":"ON","brightness":40}', '{"state":"ON","brightness":40}'],
  [PUMP, 'stop', '{"running":false,"speed_rpm":1450}'],
])('%s obeys, and keeps its state retained', async (base, command, state) => {
  const demo = await start(QUIET);
  const { client, until } = await listen(demo, `${base}/state`);
  await until((all) => all.length === 1);
  await client.publishAsync(`${base}/set`, command, { qos: 1 });
  expect((await until((all) => all.length === 2))[1]).toEqual({
    topic: `${base}/state`,
    payload: state,
    retain: false,
  });
  const late = await listen(demo, `${base}/state`);
  expect(await late.until((all) => all.length === 1)).toEqual([
    { topic: `${base}/state`, payload: state, retain: true },
  ]);
});

test('a burst of commands among live values: every answer arrives, in order', async () => {
  const demo = await start({ intervalMs: 12 });
  const { client, until } = await listen(demo, '#');
  const levels = Array.from({ length: 100 }, (_, i) => i + 1);
  for (const level of levels) client.publish(`${LAMP}/set`, JSON.stringify({ brightness: level }));
  const answers = (all: Heard[]) => all.filter(({ topic, retain }) => topic === `${LAMP}/state` && !retain);
  const heard = answers(await until((all) => answers(all).length === levels.length));
  expect(heard.map(({ payload }) => JSON.parse(payload).brightness)).toEqual(levels);
});

test('values follow from the seed alone', async () => {
  const topic = 'home/cellar/meter/energy';
  const fleet = createFleet(11, 40);
  const all = Array.from({ length: 2000 * fleet.size }, () => fleet.beat()).flat();
  const expected = all.filter((said) => said.topic === topic).map(({ payload }) => payload);
  for (const run of ['first', 'second']) {
    const { until } = await listen(await start({ seed: 11, intervalMs: 40 }), topic);
    const heard = (await until((some) => some.length >= 5)).slice(0, 5).map(({ payload }) => payload);
    const from = expected.indexOf(heard[0] ?? '');
    expect(from, run).toBeGreaterThanOrEqual(0);
    expect(expected.slice(from, from + 5)).toEqual(heard);
  }
});

test('listens on 127.0.0.1 alone', async () => {
  const demo = await start(QUIET);
  expect(demo.url).toBe(`mqtt://127.0.0.1:${demo.port}`);
  await expect(once(connectTcp(demo.port, '127.0.0.2'), 'connect')).rejects.toThrow();
});

test('a taken port -> rejects with EADDRINUSE', async () => {
  const { port } = await start(QUIET);
  await expect(startDemo({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('close ends clients, also one that never sent CONNECT, and may be called again', async () => {
  const demo = await start(QUIET);
  const { client } = await listen(demo, '#');
  const mute = connectTcp(demo.port, '127.0.0.1');
  await once(mute, 'connect');
  const gone = Promise.all([
    once(mute, 'close'),
    new Promise<void>((resolve) => client.once('close', () => resolve())),
  ]);
  await Promise.all([demo.close(), demo.close()]);
  await gone;
  await expect(once(connectTcp(demo.port, '127.0.0.1'), 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});

test('bundled by esbuild: runs, and close leaves nothing that keeps the process', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'demo-bundle-'));
  ends.push(() => rm(folder, { recursive: true }));
  const bundle = join(folder, 'demo.mjs');
  const banner = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;
  const entry = fileURLToPath(new URL('../../src/demo/broker.ts', import.meta.url));
  const how = { bundle: true, platform: 'node', format: 'esm', target: 'node20', logLevel: 'silent' } as const;
  await build({ ...how, entryPoints: [entry], outfile: bundle, banner: { js: banner } });
  const script = `
    import { connect } from 'node:net';
    import { once } from 'node:events';
    const { startDemo } = await import(${JSON.stringify(pathToFileURL(bundle).href)});
    const demo = await startDemo({ intervalMs: 24 });
    await startDemo({ port: demo.port }).catch((error) => console.log(error.code));
    const mute = connect(demo.port, '127.0.0.1');
    await once(mute, 'connect');
    await demo.close();
    await once(mute, 'close');
    console.log(process.getActiveResourcesInfo().filter((kind) => !/Pipe|TTY|FS/.test(kind)).join() || 'nothing left');`;
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
  expect(await run).toEqual({ stdout: 'EADDRINUSE\nnothing left\n', stderr: '' });
});

async function start(options: DemoOptions): Promise<DemoBroker> {
  const demo = await startDemo(options);
  ends.push(() => demo.close());
  return demo;
}

/** A subscribed client; `until` resolves with all that was heard as soon as the condition holds. */
async function listen(demo: DemoBroker, filter: string) {
  const client: MqttClient = await connectAsync(demo.url, { protocolVersion: 4, reconnectPeriod: 0 }, false);
  ends.push(() => client.endAsync(true));
  const heard: Heard[] = [];
  let look = (): void => {};
  client.on('message', (topic, payload, { retain }) => {
    heard.push({ topic, payload: payload.toString(), retain });
    look();
  });
  await client.subscribeAsync(filter);
  const until = (condition: (all: Heard[]) => boolean): Promise<Heard[]> =>
    new Promise((resolve) => {
      look = () => condition(heard) && resolve([...heard]);
      look();
    });
  return { client, until };
}
