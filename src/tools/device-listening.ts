// Owns what debug_device subscribes to: the whole broker, or, where that is refused, where conventions put a device; then
// what descriptions named. Must not know what the messages mean.

import type { Identity } from '../conventions/identity.ts';
import { ToolError } from '../errors.ts';
import { matches } from '../mqtt/topic.ts';
import type { Message, RetainedEnd, Session, Subscription } from '../mqtt/types.ts';
import type { DeviceWatch } from './device-watch.ts';

/** Filters that are subscribed to for what descriptions named. */
const MAX_FURTHER = 40;

export type Listening = {
  subscriptions: Subscription[];
  /** Filters in the order of the subscriptions. */
  granted: string[];
  refused: string[];
  /** Whether the whole broker is heard. */
  all: boolean;
};

/** Throws what `listen` throws, where nothing at all is granted. */
export async function listenForDevice(session: Session, id: Identity, watch: DeviceWatch, signal: AbortSignal) {
  const listening: Listening = { subscriptions: [], granted: [], refused: [], all: false };
  try {
    const refusal = await listenTo('#', 'include', { session, watch, listening, signal });
    listening.all = refusal === undefined;
    if (refusal === undefined) return listening;
    for (const filter of placesOf(id)) await listenTo(filter, 'include', { session, watch, listening, signal });
    if (listening.subscriptions.length === 0) throw refusal;
    return listening;
  } catch (error) {
    close(listening);
    throw error;
  }
}

type Hearing = { session: Session; watch: DeviceWatch; listening: Listening; signal: AbortSignal };

/** Once the stored messages are out: those of topics that only descriptions name; where # is refused, live ones too. */
export async function listenFurther(hearing: Hearing): Promise<void> {
  const retained = hearing.listening.all ? 'only' : 'include';
  for (const filter of hearing.watch.further(MAX_FURTHER)) await listenTo(filter, retained, hearing);
}

/** The refusal, where it was refused. */
async function listenTo(filter: string, retained: 'include' | 'only', { session, watch, listening, signal }: Hearing) {
  const { granted } = listening;
  const place = granted.length;
  // Of filters that overlap, the first one takes a message. What is stored on topics of # came before it was wanted.
  const first = (topic: string) => granted.findIndex((one, n) => n <= place && matches(one, topic));
  const take = (message: Message) => {
    if (retained === 'only' ? message.retain : first(message.topic) === place) watch.take(message);
  };
  granted.push(filter);
  try {
    listening.subscriptions.push(await session.listen(filter, { qos: 0, retained, signal }, take));
    return undefined;
  } catch (error) {
    granted.pop();
    if (!(error instanceof ToolError) || !isRefusal(error)) throw error;
    listening.refused.push(filter);
    return error;
  }
}

/** Resolves when all stored messages are out; complete where every part is. */
export async function retainedEnd({ subscriptions }: Listening): Promise<RetainedEnd> {
  const ends = await Promise.all(subscriptions.map((one) => one.retainedEnd));
  const ordered = ends.every(({ evidence }) => evidence === 'ordered');
  return { complete: ends.every(({ complete }) => complete), evidence: ordered ? 'ordered' : 'quiet_window' };
}

export function close({ subscriptions }: Listening): void {
  for (const one of subscriptions) one.close();
}

function isRefusal({ data: { code } }: ToolError): boolean {
  return code === 'subscribe_denied' || code === 'policy_denied' || code === 'not_authorized';
}

/** Where conventions put a device of this name, and the first levels at large. */
function placesOf({ given, hex }: Identity): string[] {
  const descriptions = [
    ...[
      'homeassistant/+/+/config',
      'homeassistant/+/+/+/config',
      'zigbee2mqtt/bridge/devices',
      'zigbee2mqtt/bridge/state',
    ],
    ...['tasmota/discovery/+/config', 'esphome/discover/+', 'shellies/announce'],
  ];
  const names = [given, ...(hex === undefined ? [] : [`0x${hex}`, hex])].filter(
    (name) => name !== '' && !/[+#\0]/.test(name),
  );
  const places = [...new Set(names)].flatMap((name) => [
    ...[`${name}/#`, `+/${name}/#`, `+/+/${name}/#`, `zigbee2mqtt/${name}/#`, `homie/5/${name}/#`],
    ...[`shellies/${name}/#`, `spBv1.0/+/+/${name}/#`, `spBv1.0/+/+/+/${name}`],
  ]);
  return [...descriptions, ...new Set(places)];
}
