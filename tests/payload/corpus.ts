// Owns the labelled corpus: more than 540 payloads, what they are and whether they are trouble; the second file has those
// that are no plain text. Used by decode and errors-in.
import { readFileSync } from 'node:fs';
import { isList, isRecord } from '../../src/payload/types.ts';

export type Example = {
  topic: string;
  bytes: Buffer;
  type: string;
  format: string | undefined;
  /** What it decodes to, where the label says so. */
  payload: unknown;
  severity: string | undefined;
  name: string;
};

export function corpus(): Example[] {
  return [...rows('payloads.json'), ...rows('payloads-binary.json')].map((row) => {
    if (!isRecord(row)) throw new Error('not an object');
    const { note, topic, payload, payload_base64: base64, payload_type: type, payload_format: format, severity } = row;
    const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(String(payload));
    return {
      topic: String(topic),
      bytes,
      type: String(type),
      format: format === undefined ? undefined : String(format),
      payload: typeof base64 === 'string' ? payload : undefined,
      severity: severity === null ? undefined : String(severity),
      name: `${String(topic)} ${String(note ?? JSON.stringify(payload ?? base64).slice(0, 80))}`,
    };
  });
}

function rows(file: string): readonly unknown[] {
  const parsed: unknown = JSON.parse(readFileSync(new URL(`../data/${file}`, import.meta.url), 'utf8'));
  if (!isList(parsed)) throw new Error(`${file} is not a list`);
  return parsed;
}
