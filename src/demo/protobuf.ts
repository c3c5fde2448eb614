// Owns the few wire types of protobuf that the simulated Sparkplug node writes (protobuf.dev/programming-guides/encoding).

/** A field of a whole number from 0 to 2^53 - 1. */
export function varintField(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field * 8), ...varint(value)]);
}

export function float64Field(field: number, value: number): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([Uint8Array.from(varint(field * 8 + 1)), bytes]);
}

export function bytesField(field: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.from([...varint(field * 8 + 2), ...varint(value.length)]), value]);
}

export function textField(field: number, value: string): Uint8Array {
  return bytesField(field, Buffer.from(value));
}

/** Seven bits a byte, the lowest first. Not by bit operators: those end at 32 bits. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return bytes;
}
