// policy.redact, on everything that leaves the built program: a secret that a device publishes is in none of it.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startFakeBroker } from '../support/fake-broker.ts';
import { Script } from '../support/fake-host.ts';
import { leaks, marker } from '../support/leaks.ts';
import { askedFor, everyOutput, greet } from './every-output.ts';

test.each([
  [true, 'in no output, and counted'],
  [false, 'shown'],
])('policy.redact is %s -> a secret that a device publishes is %s', async (redact) => {
  const dir = await mkdtemp(join(tmpdir(), 'redaction-test-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const config = join(dir, 'config.json');
  await writeFile(config, JSON.stringify({ policy: { redact } }), { mode: 0o600 });
  const secret = marker();
  const named = 'plant/lamp/wifi/password';
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${secret}`;
  const payloads = [
    JSON.stringify({ wifi_password: secret, auth: { apiKey: secret }, note: `password=${secret}`, temperature: 20 }),
    `ERROR login failed, Authorization: Bearer ${secret}`,
    `{"cut": "json", "password": "${secret}"`,
    jwt,
    JSON.stringify({ passwords: [secret], api_keys: { a: secret }, tokens: 12 }),
    JSON.stringify({ config: JSON.stringify({ inner: JSON.stringify({ password: secret }) }) }),
    JSON.stringify({ list: [{ name: 'password', value: secret, padding: 'x'.repeat(300) }] }),
    `{"pass\\u0077ord": "${secret}"}`,
    `password: two words ${secret}`,
    JSON.stringify({ password: `two words ${secret}` }),
    Buffer.from(JSON.stringify([{ key: 'token', val: secret }])).toString('base64'),
    JSON.stringify({ token: { topic: secret, type: secret, description: secret }, confirmation_token: secret }),
  ];
  const broker = await startFakeBroker((packet, client) => {
    if (packet.cmd !== 'subscribe') return false;
    const { messageId = 0, subscriptions, properties } = packet;
    client.send({ cmd: 'suback', messageId, granted: subscriptions.map(() => 0) });
    const filter = subscriptions[0]?.topic ?? '$';
    if (filter.startsWith('$')) return true;
    const identifier = properties?.subscriptionIdentifier;
    const own = identifier === undefined ? {} : { subscriptionIdentifier: identifier };
    const topics = /[#+]/.test(filter) ? ['plant/lamp/state', `plant/lamp/${jwt}`, named] : [filter];
    for (const topic of topics) {
      const [, one] = /^plant\/\w+\/(\d+)$/.exec(topic) ?? [];
      const said = one === undefined ? payloads : payloads.slice(Number(one), Number(one) + 1);
      for (const payload of topic.endsWith('/password') ? [secret, { value: secret }, `${secret} too`] : said) {
        const more = { ...own, userProperties: { access_token: secret } };
        const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
        for (const retain of [true, false])
          client.send({ cmd: 'publish', topic, payload: text, qos: 0, retain, dup: false, properties: more });
      }
    }
    return true;
  });
  const script = new Script({ args: ['--config', config, '--log-level', 'debug'] });
  await greet(script);
  await script.connect('s', broker.url, { protocol_version: 5 });
  const state = { topic: 'plant/lamp/state', filter: 'plant/#', device: 'lamp', stored: 'plant/stored' };
  const results = await everyOutput(script, state);
  // Of these the name of the topic alone tells.
  for (const place of [{ stored: named }, ...payloads.map((_, at) => ({ stored: `plant/stored/${at}` }))])
    await askedFor(script, { ...state, ...place });
  const uris = [`mqtt://s/topic/${named}`, ...payloads.map((_, at) => `mqtt://s/topic/plant/one/${at}`)];
  await Promise.all(uris.map((uri) => script.result('resources/read', { uri })));
  await script.end();
  const leaking = script.daemon.received.filter((line) => leaks(line, [secret]).length > 0);
  if (!redact) {
    expect(leaking.length).toBeGreaterThan(10);
    return;
  }
  const around = leaking.map((line) => line.slice(Math.max(0, line.indexOf(secret) - 300)).slice(0, 400));
  expect(around).toEqual([]);
  const counted = results.filter(({ result }) => JSON.stringify(result).includes('redacted_secrets'));
  expect(new Set(counted.map(({ name }) => name))).toContain('subscribe_and_collect');
  expect(
    script.daemon.received.some((line) => line.includes('"elicitation/create"') && line.includes('[redacted]')),
  ).toBe(true);
});
