// Owns the URIs of this server's resources: mqtt://sessions, mqtt://{session}/topics, mqtt://{session}/topic/{+topic}.

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
  return topic === undefined ? undefined : { kind: 'topic', session, topic };
}

function decode(text: string | undefined): string | undefined {
  try {
    return text === undefined ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
