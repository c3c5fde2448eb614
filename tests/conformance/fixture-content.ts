// Owns the bytes that the fixture's tools, prompts and resources show, and the list that changes on demand.

/** One red pixel. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** RIFF/WAVE: mono, 8 bit, 8 kHz, eight samples of silence. */
export const wav = silence(8).toString('base64');

function silence(samples: number): Buffer {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + samples, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8000, 24);
  header.writeUInt32LE(8000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('data', 36);
  header.writeUInt32LE(samples, 40);
  return Buffer.concat([header, Buffer.alloc(samples, 0x80)]);
}

/** A switch that others watch: whether the entry that comes and goes is in its list. */
export type Toggle = { readonly on: boolean; flip(): void; watch(changed: () => void): void };

export function createToggle(): Toggle {
  const watchers: (() => void)[] = [];
  let on = false;
  return {
    get on() {
      return on;
    },
    flip: () => {
      on = !on;
      for (const changed of watchers) changed();
    },
    watch: (changed) => watchers.push(changed),
  };
}
