// Owns "at most so often": the first change is told at once, further ones together at the end of the interval.

export type Throttle = { ring(): void; stop(): void };

export function throttle(ms: number, tell: () => void): Throttle {
  let timer: NodeJS.Timeout | undefined;
  let again = false;
  const ring = () => {
    if (timer) {
      again = true;
      return;
    }
    tell();
    timer = setTimeout(() => {
      timer = undefined;
      if (!again) return;
      again = false;
      ring();
    }, ms);
    timer.unref();
  };
  return { ring, stop: () => clearTimeout(timer) };
}
