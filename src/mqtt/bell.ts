// Owns telling several listeners that something has changed, without saying what.

export type Bell = {
  ring(): void;
  /** Returns how to stop listening. */
  listen(changed: () => void): () => void;
};

export function createBell(): Bell {
  const listeners = new Set<() => void>();
  return {
    ring: () => {
      for (const changed of [...listeners]) changed();
    },
    listen: (changed) => {
      // An own function each time: the same callback may listen twice.
      const own = () => changed();
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}
