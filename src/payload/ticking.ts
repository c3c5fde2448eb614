// Owns what tells a clock or counter, and a number whose small steps matter, from other values. Pure.

/** Names under which a number or text that only rises tells the time or counts messages. */
const CLOCK_NAME =
  /(?:^|[._ -])(?:seq(?:uence)?(?:_?(?:no|nr|number|id))?|count(?:er)?|n|nr|uptime\w*|time\w*|ts|date\w*|tick\w*|millis|msg_?id|id|epoch|clock|last_?(?:seen|update\w*))$/i;
/** Names of positions, of which a thousandth is a walk, and of what somebody sets or what counts events. */
const FINE_NAME =
  /(?:^|[._ -])(?:lat|lon|lng|latitude|longitude|\w*set_?point\w*|target\w*|desired\w*|\w*_target|setting\w*|opened|closed|starts|cycles)$/i;
/** A date or a time of day. */
const TIME_TEXT = /^\d{4}-?\d\d-?\d\d(?:[T ]|$)|^\d{1,2}:\d\d(?::\d\d)?/;
/** Seconds and milliseconds go on by so many each millisecond. */
const RATES = [0.001, 1];
const TOLERANCE = 0.25;

/** Whether a step is one of a clock or of a counter of messages. `ms`: since the message before. */
export function isTick(before: unknown, after: unknown, ms: number): boolean {
  if (typeof after === 'string') return TIME_TEXT.test(after);
  if (typeof before !== 'number' || typeof after !== 'number') return false;
  const delta = after - before;
  if (delta === 1) return true;
  return ms > 0 && RATES.some((rate) => Math.abs(delta / ms / rate - 1) < TOLERANCE);
}

export function isClockName(path: string): boolean {
  return CLOCK_NAME.test(path);
}

/** Whether a step of a hundredth is news: then percentages are no measure of noise. */
export function isFine(path: string): boolean {
  return FINE_NAME.test(path);
}
