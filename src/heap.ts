// Owns how much memory the garbage of busy moments may take. Must not know what makes it.
import { setFlagsFromString } from 'node:v8';

/**
 * Collects the old generation once it has grown by a fifth: by default it may double, and more, which under traffic is
 * 30 MB of garbage with a heap of 15 MB in use, and 100 MB with one of 60. A collection costs 1 to 5 ms of its own.
 *
 * Keeps V8's young generation at the size it has: by default it grows to 48 MB under traffic and stays there, which is
 * more than a third of what five sessions may take in all. Costs some 15 % of the highest rates. Node 20, 22 and 24.
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=20');
  setFlagsFromString('--semi-space-growth-factor=1');
}
