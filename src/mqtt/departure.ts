// Owns the leaving of a share group: what the broker gave us before it knew goes to nobody else, so it is still heard.
// Must not know sessions or collections.
import { pause } from './race.ts';

/** How long it may take in all, ms; stops a broker that never answers from holding up who leaves. */
const PATIENCE_MS = 2_000;
/** Messages wait at the broker until earlier ones are acknowledged, and come behind UNSUBACK: a silence ends it, ms. */
const QUIET_MS = 150;

export type Leaving = {
  /** Resolves with UNSUBACK. */
  unsubscribe(): Promise<void>;
  /** Messages of the session so far. */
  arrived(): number;
  /** Aborted when nothing more can come. */
  gone: AbortSignal;
};

/** Resolves once nothing more comes, or it took too long. Never rejects. */
export async function departed({ unsubscribe, arrived, gone }: Leaving): Promise<void> {
  const settled = new AbortController();
  let left = false;
  unsubscribe()
    .then(() => {
      left = true;
    })
    .catch(() => {})
    .finally(() => settled.abort());
  const late = AbortSignal.any([gone, AbortSignal.timeout(PATIENCE_MS)]);
  await pause(PATIENCE_MS, AbortSignal.any([late, settled.signal]));
  for (let before = -1; left && !late.aborted && before !== arrived(); ) {
    before = arrived();
    await pause(QUIET_MS, late);
  }
}
