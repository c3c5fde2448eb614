// Lets go of all that nothing holds, so that a test can see by a WeakRef what is still held.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A WeakRef holds its target until the turn in which it was made is over. */
export async function collectGarbage(): Promise<void> {
  await new Promise(setImmediate);
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}
