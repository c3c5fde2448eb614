// Owns what is said of the Node that runs. Must not know where its version comes from.
import { neededNode } from '../version.ts';
import type { Finding } from './types.ts';

/** Releases that get repairs no more, by the schedule of the Node project. */
const FIRST_MAINTAINED = 22;

/** `version` as `20.19.0`. */
export function nodeFinding(version: string): Finding {
  const wanted = neededNode.replace('>=', '');
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needsMajor = 0, needsMinor = 0] = wanted.split('.').map(Number);
  if (major < needsMajor || (major === needsMajor && minor < needsMinor)) {
    const next = 'Install a newer Node, and make sure that the host starts that one.';
    return { status: 'failed', what: 'Node', detail: `${version} is older than ${wanted}, which is needed.`, next };
  }
  if (major < FIRST_MAINTAINED) {
    return { status: 'ok', what: 'Node', detail: `${version}; it works, but Node ${major} gets no repairs any more.` };
  }
  return { status: 'ok', what: 'Node', detail: version };
}
