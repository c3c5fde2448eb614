// Owns the URIs of this server's resources: mqtt://sessions, mqtt://{session}/topics, mqtt://{session}/topic/{+topic}.
import { ToolError } from '../errors.ts';
import { checkTopicName } from '../mqtt/topic.ts';

export type Ref =
  | { kind: 'sessions' }
  | { kind: 'topics'; session: string }
  | { kind: 'topic'; session: string; topic: string };

export const templates = {
  topics: 'mqtt://{session}/topics',
  topic: 'mqtt://{session}/topic/{+topic}',
};

/** Undefined where it is none of ours. Percent-escapes are decoded; a topic keeps its slashes (RFC 6570, reserved). */
export function parseUri(uri: string): Ref | undefined {
  if (uri === 'mqtt://sessions') return { kind: 'sessions' };
  const match = /^mqtt:\/\/([^/]+)\/(?:(topics)|topic\/(.+))$/s.exec(uri);
  const session = decode(match?.[1]);
  if (session === undefined) return undefined;
  if (match?.[2] !== undefined) return { kind: 'topics', session };
  const topic = decode(match?.[3]);
  return topic !== undefined && isTopic(topic) ? { kind: 'topic', session, topic } : undefined;
}

/** One topic and no filter: a subscription to it brings nothing else. */
function isTopic(topic: string): boolean {
  if (topic.startsWith('$share/')) return false;
  try {
    checkTopicName(topic);
    return true;
  } catch (error) {
    if (error instanceof ToolError) return false;
    throw error;
  }
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
