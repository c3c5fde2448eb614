// Owns real results to show: the built daemon on its demo, asked once. Must not know how they are shown.
import { spawn } from 'node:child_process';
import { isObject } from '../../src/rpc/message.ts';
import { builtProgram, cleanEnv, Daemon } from '../support/daemon.ts';
import { dig, type Message } from '../support/streams.ts';

const session_id = 'plant';
const seconds = 10;

/** What each tool that has pictures is asked. */
const asked = {
  list_topics: { session_id, duration_seconds: 3 },
  subscribe_and_collect: { session_id, topic_pattern: '#', duration_seconds: seconds, return_messages: 500 },
  watch_changes: { session_id, topic_patterns: ['home/#', 'plant/#'], duration_seconds: seconds },
  debug_device: { session_id, device_id: 'Gateway', duration_seconds: seconds },
  monitor_performance: { session_id, duration_seconds: seconds },
} as const;

export type Shown = keyof typeof asked;
export const shown: readonly Shown[] = Object.keys(asked).filter(isShown);
export type Recorded = { html: string; results: Record<Shown, { args: Message; result: Message }> };

function isShown(name: string): name is Shown {
  return Object.hasOwn(asked, name);
}

/** All at once: as long as the longest of them. */
export async function record(): Promise<Recorded> {
  const args = [builtProgram(), '--demo', '--drain', '0'];
  const child = spawn(process.execPath, args, { env: cleanEnv(), stdio: 'pipe' });
  const daemon = new Daemon(child);
  try {
    await daemon.call('c', 'establish_connection', { profile: 'demo', name: session_id });
    const ask = async <Name extends Shown>(name: Name) => {
      const answer = await daemon.call(name, 'tools/call', { name, arguments: asked[name] });
      if (!isObject(answer.result)) throw new Error(`${name}: ${JSON.stringify(answer)}`);
      return { args: asked[name], result: answer.result };
    };
    const view = await daemon.call('v', 'resources/read', { uri: 'ui://mqtt/view' });
    const [list_topics, subscribe_and_collect, watch_changes, debug_device, monitor_performance] = await Promise.all([
      ask('list_topics'),
      ask('subscribe_and_collect'),
      ask('watch_changes'),
      ask('debug_device'),
      ask('monitor_performance'),
    ]);
    const results = { list_topics, subscribe_and_collect, watch_changes, debug_device, monitor_performance };
    return { html: String(dig(view, 'result', 'contents', 0, 'text')), results };
  } finally {
    child.kill('SIGKILL');
    await daemon.exit;
  }
}
