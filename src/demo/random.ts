// Owns the demo's randomness: everything that looks random comes from here and repeats with its seed.
// Must not know devices or MQTT.

/** A number in [0, 1), the next of a sequence that the seed fixes. */
export type Random = () => number;

/** The sequence of one device: two names under one seed, or one name under two seeds, share nothing. */
export function randomFor(seed: number, name: string): Random {
  return mulberry32((seed ^ fnv1a(name)) >>> 0);
}

/** A value that wanders between min and max in steps of at most `step`, rounded to `digits` decimals. */
export function wander(random: Random, at: { min: number; max: number; step: number; digits: number }): () => number {
  const scale = 10 ** at.digits;
  let value = at.min + (at.max - at.min) * (0.3 + 0.4 * random());
  return () => {
    value = Math.min(at.max, Math.max(at.min, value + (2 * random() - 1) * at.step));
    return Math.round(value * scale) / scale;
  };
}

/** A whole number from min to max, both included. */
export function between(random: Random, min: number, max: number): number {
  return min + Math.floor(random() * (max - min + 1));
}

/** Tommy Ettinger's mulberry32: 32 bits of state, more than good enough for a thermometer. */
function mulberry32(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** FNV-1a, 32 bits, over UTF-16 code units. */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
