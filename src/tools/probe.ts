// Owns which topics a probe may be published to. Must not know what is probed.
import { ToolError } from '../errors.ts';
import { checkTopicName } from '../mqtt/topic.ts';
import { mayBeDangerous } from './danger.ts';
import type { Context } from './tool.ts';

/**
 * A probe is sent without asking anybody, so it goes nowhere where a person should decide. Throws; `denied` is told
 * before, to put it on record.
 */
export function checkProbeTopic(topic: string, { dangerTopics }: Context, denied: () => void): void {
  checkTopicName(topic);
  if (!mayBeDangerous({ topic, payload: nothing, retain: false }, dangerTopics)) return;
  denied();
  const message =
    'The probe topic is one where a write may change something: the broker itself, or a discovered device.';
  throw new ToolError('policy_denied', message, 'Give a topic that nothing listens to, such as test/probe.');
}

const nothing = Buffer.alloc(0);
