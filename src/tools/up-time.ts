// Owns for how long of a window the connection was up. Pure.

/** `upSeconds`: how long the connection was up; where it is not given, all of the time unless interrupted. */
type Window = { seconds: number; interrupted: boolean; upSeconds?: number | undefined };

/** How long of a window the connection was up, in words. */
export function connectedFor({ seconds, interrupted, upSeconds }: Window): string {
  if (!interrupted) return `The connection was up for all of the ${Math.round(seconds)} s.`;
  if (upSeconds === undefined) return `The connection was down for a part of the ${Math.round(seconds)} s.`;
  return `The connection was up for ${Math.round(upSeconds * 10) / 10} of the ${Math.round(seconds)} s.`;
}

/** Seconds between the two moments that are in none of the gaps. */
export function upBetween(
  began: number,
  ended: number,
  gaps: readonly { from: number; to: number | undefined }[],
): number {
  const down = gaps.reduce(
    (sum, { from, to = ended }) => sum + Math.max(0, Math.min(to, ended) - Math.max(from, began)),
    0,
  );
  return Math.max(0, ended - began - down) / 1000;
}
