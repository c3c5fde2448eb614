// Owns the broker that all tests share: finds or makes one, says which, provides its URL. Never skips.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Broker, forcedWay, freePort, localMosquitto } from './broker.ts';
import { containerEngine, runContainer } from './broker-container.ts';
import { findMosquitto, runLocal } from './broker-local.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'bitsperity-mqtt-mcp-tests-'));
  process.env.MQTT_TEST_DIR = dir; // the workers inherit it
  const broker = await start();
  project.provide('mqttUrl', broker.url);
  return async () => {
    await broker.stop();
    await rm(dir, { recursive: true, force: true });
  };
}

async function start(): Promise<Pick<Broker, 'url' | 'stop'>> {
  const given = process.env.MQTT_TEST_URL;
  if (given) {
    say('the one of MQTT_TEST_URL');
    return { url: given, stop: async () => {} };
  }
  const way = forcedWay();
  const port = await freePort();
  if (way !== 'local') {
    const engine = await containerEngine(way === 'container' ? 120_000 : 20_000);
    if (way === 'container' && 'missing' in engine) throw new Error(`MQTT_TEST_BROKER=container: ${engine.missing}`);
    if ('image' in engine) {
      try {
        const broker = await runContainer(engine.image, port, {});
        say(`container of ${engine.image} at ${broker.url}`);
        return broker;
      } catch (error) {
        if (way === 'container') throw error;
        say(
          `the engine did not start ${engine.image}, so a local one: ${error instanceof Error ? error.message : error}`,
        );
      }
    } else {
      say(`${engine.missing}, so a local one`);
    }
  }
  const found = findMosquitto();
  const program = found ?? (await localMosquitto());
  const broker = await runLocal(program, port, {});
  say(`local ${program} at ${broker.url}`);
  return broker;
}

function say(line: string): void {
  process.stderr.write(`[broker] ${line}\n`);
}
