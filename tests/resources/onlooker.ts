// Owns an MQTT client that is none of ours: publishes what a test needs, and sees what really came through the broker.
import { randomUUID } from 'node:crypto';
import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { inject, onTestFinished, vi } from 'vitest';

export type Sighting = { topic: string; text: string; retain: boolean };

export class Onlooker {
  readonly client: MqttClient;
  /** What came, in order, of every filter that is watched. */
  readonly seen: Sighting[] = [];

  constructor(client: MqttClient) {
    this.client = client;
    client.on('message', (topic, payload, { retain }) => {
      this.seen.push({ topic, text: payload.toString(), retain });
    });
  }

  publish(topic: string, payload: string | Buffer, options: IClientPublishOptions = {}): Promise<unknown> {
    return this.client.publishAsync(topic, payload, { qos: 1, ...options });
  }

  /** What is published from now on. */
  async watch(filter: string): Promise<void> {
    await this.client.subscribeAsync(filter, { qos: 0, rh: 2 });
  }

  /** Resolves once a message of that topic has come. */
  async saw(topic: string): Promise<void> {
    await vi.waitUntil(() => this.seen.some((one) => one.topic === topic), { timeout: 5_000, interval: 5 });
  }

  /** About `perSecond` messages of QoS 0 a second until `enough` says so; returns how many. */
  async flood(topic: string, perSecond: number, enough: () => boolean): Promise<number> {
    const began = performance.now();
    let sent = 0;
    while (!enough()) {
      for (; sent < ((performance.now() - began) / 1000) * perSecond; sent += 1) {
        this.client.publish(topic, JSON.stringify({ n: sent }), { qos: 0 });
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return sent;
  }
}

export async function onlooker(url = inject('mqttUrl')): Promise<Onlooker> {
  const client = await connectAsync(url, { protocolVersion: 5, reconnectPeriod: 0 });
  onTestFinished(() => client.endAsync(true));
  return new Onlooker(client);
}

/** A topic prefix that no other test has. */
export const ownPrefix = (): string => `test/${randomUUID()}`;
