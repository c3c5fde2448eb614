import { describe, expect, test } from 'vitest';
import { parseUri } from '../../src/resources/uri.ts';

describe('the URI of a resource', () => {
  test.each([
    ['mqtt://sessions', { kind: 'sessions' }],
    ['mqtt://lab/topics', { kind: 'topics', session: 'lab' }],
    ['mqtt://sessions/topics', { kind: 'topics', session: 'sessions' }],
    ['mqtt://plant%20one%2Feast/topics', { kind: 'topics', session: 'plant one/east' }],
    ['mqtt://lab/topic/a', { kind: 'topic', session: 'lab', topic: 'a' }],
    ['mqtt://lab/topic/a/b/c', { kind: 'topic', session: 'lab', topic: 'a/b/c' }],
    ['mqtt://lab/topic//leading/slash', { kind: 'topic', session: 'lab', topic: '/leading/slash' }],
    ['mqtt://lab/topic/trailing/', { kind: 'topic', session: 'lab', topic: 'trailing/' }],
    ['mqtt://lab/topic//', { kind: 'topic', session: 'lab', topic: '/' }],
    ['mqtt://lab/topic/a%2Fb', { kind: 'topic', session: 'lab', topic: 'a/b' }],
    ['mqtt://lab/topic/a b?c=d&e', { kind: 'topic', session: 'lab', topic: 'a b?c=d&e' }],
    ['mqtt://lab/topic/k%C3%BCche/%E6%B8%A9', { kind: 'topic', session: 'lab', topic: 'küche/温' }],
    ['mqtt://lab/topic/küche', { kind: 'topic', session: 'lab', topic: 'küche' }],
    ['mqtt://lab/topic/100%25', { kind: 'topic', session: 'lab', topic: '100%' }],
    ['mqtt://lab/topic/$SYS/broker/uptime', { kind: 'topic', session: 'lab', topic: '$SYS/broker/uptime' }],
    ['mqtt://lab/topic/topics', { kind: 'topic', session: 'lab', topic: 'topics' }],
    ['mqtt://[::1]/topic/a', { kind: 'topic', session: '[::1]', topic: 'a' }],
  ])('%s -> %j', (uri, ref) => {
    expect(parseUri(uri)).toEqual(ref);
  });

  test.each([
    '',
    'mqtt://',
    'mqtt:sessions',
    'mqtt://sessions/',
    'MQTT://sessions',
    'file:///etc/passwd',
    'mqtt://lab',
    'mqtt://lab/',
    'mqtt:///topics',
    'mqtt://lab/topics/',
    'mqtt://lab/topic',
    'mqtt://lab/topic/',
    // Brokers close connections over control characters, so nobody can ask for it.
    'mqtt://lab/topic/line%0Afeed',
    'mqtt://lab/topic/%',
    'mqtt://lab/topic/%E0%A4%A',
    'mqtt://%ff/topics',
    // A filter is not a topic, and a share is somebody else's.
    'mqtt://lab/topic/#',
    'mqtt://lab/topic/a/+/b',
    'mqtt://lab/topic/a/%23',
    'mqtt://lab/topic/a%2B',
    'mqtt://lab/topic/$share/group/a',
    'mqtt://lab/topic/nul%00',
    `mqtt://lab/topic/${'x'.repeat(65_536)}`,
  ])('%s -> no resource of ours', (uri) => {
    expect(parseUri(uri)).toBeUndefined();
  });
});
