// Owns the files that are known by how they begin, and the few texts. Must not know how any of them goes on.
import { sizeOfImage } from './image-size.ts';

/** `also`: what else must hold where the first bytes are few. */
type Signature = { format: string; at?: number; begins: string; also?: (bytes: Buffer) => boolean };

/** What a payload is by its first bytes, with the width and height of an image. undefined: nothing known. */
export function signatureOf(bytes: Buffer): { payload_format: string; payload_detail?: string } | undefined {
  const candidates = byFirstByte()[bytes[0] ?? 0] ?? [];
  const found = candidates.find(({ at, begins, also }) => isAt(bytes, begins, at ?? 0) && (also?.(bytes) ?? true));
  const format = found?.format ?? mediaOf(bytes);
  if (format === undefined) return undefined;
  const size = sizeOfImage(bytes, format);
  return { payload_format: format, ...(size === undefined ? {} : { payload_detail: size }) };
}

/** A text that is a file all the same. */
export function formatOfText(text: string): string | undefined {
  switch (text.charCodeAt(0)) {
    case 0x3a: // :
      return isIntelHex(text) ? 'intel_hex' : undefined;
    case 0x53: // S
      return /^S0[\dA-F]{8,}\r?\nS[1-9][\dA-F]{8,}\r?(?:\n|$)/i.test(text) ? 'srec' : undefined;
    case 0x25: // %
      return text.startsWith('%PDF-') ? 'application/pdf' : undefined;
    case 0x3c: // <
      return /^<(?:\?xml|svg|!DOCTYPE|html)[\s>]/i.test(text) ? markupOf(text) : undefined;
    default:
      return undefined;
  }
}

/** One record at least: count, address, type, data and a sum that makes zero. */
function isIntelHex(text: string): boolean {
  const [, digits = ''] = /^:((?:[\dA-F]{2}){5,260})\r?(?:\n:|\n?$)/i.exec(text) ?? [];
  const bytes = Buffer.from(digits, 'hex');
  return bytes.length === (bytes[0] ?? 0) + 5 && bytes.reduce((sum, byte) => sum + byte, 0) % 256 === 0;
}

function markupOf(text: string): string {
  const head = text.slice(0, 1000).toLowerCase();
  if (head.includes('<svg')) return 'image/svg+xml';
  return head.includes('<html') || head.startsWith('<!doctype html') ? 'text/html' : 'application/xml';
}

const SIGNATURES: readonly Signature[] = [
  { format: 'image/png', begins: '\x89PNG\r\n\x1a\n' },
  { format: 'image/jpeg', begins: '\xff\xd8\xff' },
  { format: 'image/gif', begins: 'GIF87a' },
  { format: 'image/gif', begins: 'GIF89a' },
  { format: 'image/tiff', begins: 'II*\0' },
  { format: 'image/tiff', begins: 'MM\0*' },
  { format: 'image/bmp', begins: 'BM', also: isBmp },
  { format: 'image/x-icon', begins: '\0\0\x01\0', also: isIcon },
  { format: 'image/jxl', begins: '\0\0\0\x0cJXL ' },
  { format: 'image/jp2', begins: '\0\0\0\x0cjP  ' },
  { format: 'image/vnd.adobe.photoshop', begins: '8BPS\0\x01' },
  { format: 'audio/ogg', begins: 'OggS\0' },
  { format: 'audio/flac', begins: 'fLaC' },
  { format: 'audio/mpeg', begins: 'ID3', also: (bytes) => (bytes[3] ?? 0xff) < 0x10 },
  { format: 'audio/midi', begins: 'MThd\0\0\0\x06' },
  { format: 'audio/amr', begins: '#!AMR' },
  { format: 'video/webm', begins: '\x1aE\xdf\xa3' },
  { format: 'video/h264', begins: '\0\0\0\x01', also: (bytes) => ((bytes[4] ?? 0) & 0x9f) === 7 },
  { format: 'video/mp2t', begins: 'G', also: isTransportStream },
  { format: 'application/pdf', begins: '%PDF-' },
  { format: 'application/zip', begins: 'PK\x03\x04' },
  { format: 'application/zip', begins: 'PK\x05\x06' },
  { format: 'gzip', begins: '\x1f\x8b\x08' },
  { format: 'application/x-bzip2', begins: 'BZh', also: (bytes) => isAt(bytes, '1AY&SY', 4) },
  { format: 'application/x-xz', begins: '\xfd7zXZ\0' },
  { format: 'application/zstd', begins: '(\xb5/\xfd' },
  { format: 'application/x-lz4', begins: '\x04"M\x18' },
  { format: 'application/x-7z-compressed', begins: "7z\xbc\xaf'\x1c" },
  { format: 'application/vnd.rar', begins: 'Rar!\x1a\x07' },
  { format: 'application/vnd.sqlite3', begins: 'SQLite format 3\0' },
  { format: 'application/wasm', begins: '\0asm' },
  { format: 'application/avro', begins: 'Obj\x01' },
  { format: 'application/vnd.apache.parquet', begins: 'PAR1' },
  { format: 'application/vnd.tcpdump.pcap', begins: '\xd4\xc3\xb2\xa1' },
  { format: 'application/vnd.tcpdump.pcap', begins: '\xa1\xb2\xc3\xd4' },
  { format: 'application/vnd.tcpdump.pcap', begins: '\x0a\x0d\x0d\x0a' },
  { format: 'application/x-elf', begins: '\x7fELF' },
  { format: 'application/vnd.microsoft.portable-executable', begins: 'MZ', also: isPortableExecutable },
  { format: 'esp_image', begins: '\xe9', also: isEspImage },
  { format: 'uf2', begins: 'UF2\nWQ]\x9e' },
  { format: 'uboot_image', begins: "'\x05\x19V" },
  { format: 'mcuboot_image', begins: '=\xb8\xf3\x96' },
  { format: 'device_tree', begins: '\xd0\x0d\xfe\xed' },
];

let table: Signature[][] | undefined;

/** Made when first needed, so that most payloads meet no signature at all. */
function byFirstByte(): Signature[][] {
  if (table !== undefined) return table;
  const rows: Signature[][] = Array.from({ length: 256 }, () => []);
  for (const signature of SIGNATURES) rows[signature.begins.charCodeAt(0)]?.push(signature);
  table = rows;
  return rows;
}

/** `text`: one character a byte. */
function isAt(bytes: Buffer, text: string, at: number): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}

/** RIFF and ISO media files (ISO/IEC 14496-12) tell their kind behind a length. */
function mediaOf(bytes: Buffer): string | undefined {
  if (isAt(bytes, 'RIFF', 0)) return RIFF.get(bytes.toString('latin1', 8, 12));
  if (!isAt(bytes, 'ftyp', 4) || bytes[0] !== 0) return undefined;
  return BRANDS.get(bytes.toString('latin1', 8, 12)) ?? 'video/mp4';
}

const RIFF = new Map([
  ['WEBP', 'image/webp'],
  ['WAVE', 'audio/wav'],
  ['AVI ', 'video/x-msvideo'],
]);

const BRANDS = new Map([
  ['avif', 'image/avif'],
  ['avis', 'image/avif'],
  ['heic', 'image/heic'],
  ['heix', 'image/heic'],
  ['mif1', 'image/heif'],
  ['msf1', 'image/heif'],
  ['qt  ', 'video/quicktime'],
  ['M4A ', 'audio/mp4'],
]);

/** Reserved fields that are zero, and a header of a known length. */
function isBmp(bytes: Buffer): boolean {
  if (bytes.length < 26 || bytes.readUInt32LE(6) !== 0) return false;
  return [12, 40, 52, 56, 64, 108, 124].includes(bytes.readUInt32LE(14));
}

/** One to 32 pictures, the first right behind the directory. */
function isIcon(bytes: Buffer): boolean {
  if (bytes.length < 22) return false;
  const count = bytes.readUInt16LE(4);
  return count >= 1 && count <= 32 && bytes[9] === 0 && bytes.readUInt32LE(18) === 6 + 16 * count;
}

/** Packets of 188 bytes, each with its mark. */
function isTransportStream(bytes: Buffer): boolean {
  return bytes.length >= 377 && bytes[188] === 0x47 && bytes[376] === 0x47;
}

function isPortableExecutable(bytes: Buffer): boolean {
  return bytes.length >= 64 && isAt(bytes, 'PE\0\0', bytes.readUInt32LE(60));
}

/** esp_image_header_t: up to 16 segments, a known way to read the flash, an entry point in the address space. */
function isEspImage(bytes: Buffer): boolean {
  const [, segments = 0, mode = 0] = bytes;
  if (bytes.length < 32 || segments < 1 || segments > 16 || mode > 5) return false;
  const entry = bytes.readUInt32LE(4);
  return entry >= 0x4000_0000 && entry < 0x5000_0000;
}
