// Owns debug_device: listens to a whole broker for one device, then says how it is and what is wrong with it.
import { createIdentity } from '../conventions/identity.ts';
import { findingSteps } from '../findings/index.ts';
import type { View } from '../findings/types.ts';
import type { DebugDeviceArgs, DebugDeviceResult } from '../generated/types.ts';
import type { RetainedEnd } from '../mqtt/types.ts';
import { deviceSilent, deviceUnknown, type Heard } from './device-absence.ts';
import { close, type Listening, listenForDevice, listenFurther, retainedEnd } from './device-listening.ts';
import { reportOn } from './device-report.ts';
import { DeviceWatch } from './device-watch.ts';
import { type Glance, glanceAround } from './look-around.ts';
import { endedEarly, FELL_BEHIND } from './notes.ts';
import { leavesUnread, UNREAD } from './settling.ts';
import { inSlices } from './slices.ts';
import { seconds } from './times.ts';
import type { Handler } from './tool.ts';
import { upBetween } from './up-time.ts';
import { waitFor } from './waiting.ts';

const STILL_COMING: RetainedEnd = { complete: false, evidence: 'quiet_window' };

export const debugDevice: Handler<'debug_device'> = async (args, context) => {
  const { signal } = context;
  const id = createIdentity(args.device_id);
  const watch = new DeviceWatch(id, context.room);
  const session = await context.pool.get(args.session_id, signal);
  const listening = await listenForDevice(session, id, watch, signal);
  const began = Date.now();
  const around = glanceAround(session, signal);
  try {
    const loss = Promise.race(listening.subscriptions.map((one) => one.lost));
    const lost = loss.then(() => 'lost' as const);
    const left = () => Math.max(0, began + args.duration_seconds * 1000 - Date.now());
    const wait = <T>(until: Promise<T>[]) =>
      waitFor(
        { ms: left(), totalMs: left(), until, message: () => `${watch.live} live messages of the device so far` },
        context,
      );
    const dumped = await wait<RetainedEnd | 'lost'>([retainedEnd(listening), lost]);
    const end = dumped === 'duration' || dumped === 'lost' ? STILL_COMING : dumped;
    if (dumped !== 'lost')
      await wait([listenFurther({ session, watch, listening, signal }).then(() => 'further' as const), lost]);
    const stopped = dumped === 'lost' ? dumped : await wait([lost]);
    const reading = { readers: listening.subscriptions, count: () => watch.live };
    const unread = stopped === 'duration' && (await leavesUnread(reading, context));
    close(listening);
    const ending = { watch, listening, end, began, ended: Date.now(), lost: stopped === 'lost', glance: around.seen() };
    const result = await context.inTurn(() => resultOf(args, ending, signal));
    if (unread) result.notes.push(UNREAD);
    if (stopped === 'lost') result.notes.push(endedEarly(await loss));
    return result;
  } finally {
    around.close();
    close(listening);
  }
};

type Ending = {
  watch: DeviceWatch;
  listening: Listening;
  end: RetainedEnd;
  began: number;
  ended: number;
  lost: boolean;
  glance: Glance;
};

async function resultOf(
  args: DebugDeviceArgs,
  { watch, listening, end, began, ended, lost, glance }: Ending,
  signal: AbortSignal,
): Promise<DebugDeviceResult> {
  const { series, similar } = await inSlices(watch.timelineSteps(), signal);
  const { subscriptions } = listening;
  const interrupted = lost || subscriptions.some(({ gaps }) => gaps.length > 0);
  const fellBehind = subscriptions.some((one) => one.fellBehind);
  const view: View = { began, ended, series, claims: watch.claims(), lossy: interrupted || fellBehind };
  const findings = await inSlices(findingSteps(view), signal);
  const report = reportOn(args.device_id, view, findings, similar, lostIn(subscriptions, view, lost));
  const heard: Heard = {
    seconds: seconds(view.ended - began),
    received: watch.received,
    others: watch.foreign,
    near: watch.near.names,
    all: listening.all,
    end,
    interrupted,
    grantedQos: subscriptions[0]?.grantedQos ?? 0,
    upSeconds: upBetween(began, view.ended, subscriptions[0]?.gaps ?? []),
    glance,
  };
  const unknown = report.connection_status === 'not_found';
  const silent = !unknown && report.last_contact.known_by !== 'live_message';
  return {
    status: unknown ? 'not_found' : 'success',
    ...report,
    ...(unknown ? { absence: deviceUnknown(heard) } : {}),
    ...(silent ? { absence: deviceSilent(heard, findings[0]) } : {}),
    window_seconds: heard.seconds,
    notes: [...notesOn(listening, end, interrupted), ...(fellBehind ? [FELL_BEHIND] : []), ...watch.notes()],
  };
}

/** How long the connection was away, for the first line. */
function lostIn(subscriptions: Listening['subscriptions'], { began, ended }: View, lost: boolean): string | undefined {
  const gaps = subscriptions[0]?.gaps ?? [];
  if (lost) return `The connection to the broker was lost after ${seconds(ended - began)} s, and the window with it`;
  if (gaps.length === 0) return undefined;
  const away = gaps.reduce((sum, { from, to }) => sum + Math.max(0, (to ?? ended) - Math.max(from, began)), 0);
  return `The connection to the broker was lost for ${seconds(away)} of ${seconds(ended - began)} s`;
}

function notesOn({ all, granted, refused }: Listening, end: RetainedEnd, interrupted: boolean): string[] {
  const notes: string[] = [];
  if (!all) {
    notes.push(
      `The broker refused # : only ${granted.length} filters were heard where conventions put a device; topics elsewhere are missing.`,
    );
  } else if (refused.length > 0) notes.push(`${refused.length} topics that descriptions name were refused.`);
  if (!end.complete) notes.push('Not all stored messages may have arrived.');
  if (interrupted) notes.push('The connection was lost meanwhile: silence and gaps were not judged.');
  return notes;
}
