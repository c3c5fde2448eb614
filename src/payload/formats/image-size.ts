// Owns the width and height of an image, where a few bytes of its head tell them.

/** Segments of a JPEG that are walked over. */
const MAX_SEGMENTS = 64;

/** `640x480`, undefined where it is not to be told. */
export function sizeOfImage(bytes: Buffer, format: string): string | undefined {
  const size = READERS.get(format)?.(bytes);
  return size && size[0] > 0 && size[1] > 0 ? `${size[0]}x${size[1]}` : undefined;
}

type Size = readonly [width: number, height: number];

const READERS: ReadonlyMap<string, (bytes: Buffer) => Size | undefined> = new Map([
  [
    'image/png',
    (bytes: Buffer) => (bytes.length < 24 ? undefined : ([bytes.readUInt32BE(16), bytes.readUInt32BE(20)] as const)),
  ],
  [
    'image/gif',
    (bytes: Buffer) => (bytes.length < 10 ? undefined : ([bytes.readUInt16LE(6), bytes.readUInt16LE(8)] as const)),
  ],
  ['image/bmp', sizeOfBmp],
  ['image/jpeg', sizeOfJpeg],
  ['image/webp', sizeOfWebp],
]);

/** The height is negative where the first row is the topmost. */
function sizeOfBmp(bytes: Buffer): Size | undefined {
  if (bytes.readUInt32LE(14) === 12) return [bytes.readUInt16LE(18), bytes.readUInt16LE(20)];
  return [bytes.readInt32LE(18), Math.abs(bytes.readInt32LE(22))];
}

/** The frame header (ITU T.81, B.2.2) stands behind segments that tell their length. */
function sizeOfJpeg(bytes: Buffer): Size | undefined {
  let at = 2;
  for (let i = 0; i < MAX_SEGMENTS && at + 9 <= bytes.length; i++) {
    const marker = bytes[at + 1] ?? 0;
    if (bytes[at] !== 0xff || marker === 0xda) return undefined;
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

/** Three kinds of a WebP (RFC 9649). */
function sizeOfWebp(bytes: Buffer): Size | undefined {
  if (bytes.length < 30) return undefined;
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8X':
      return [bytes.readUIntLE(24, 3) + 1, bytes.readUIntLE(27, 3) + 1];
    case 'VP8 ':
      return [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21);
      return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
    default:
      return undefined;
  }
}
