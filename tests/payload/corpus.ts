// Owns the labelled corpus: 350 payloads, what they are and whether they are trouble. Used by decode and errors-in.
import { readFileSync } from 'node:fs';
import { isList, isRecord } from '../../src/payload/types.ts';

export type Example = { topic: string; bytes: Buffer; type: string; severity: string | undefined; name: string };

export function corpus(): Example[] {
  const rows: unknown = JSON.parse(readFileSync(new URL('../data/payloads.json', import.meta.url), 'utf8'));
  if (!isList(rows)) throw new Error('payloads.json is not a list');
  return rows.map((row) => {
    if (!isRecord(row)) throw new Error('payloads.json: not an object');
    const { topic, payload, payload_base64: base64, payload_type: type, severity } = row;
    const bytes = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(String(payload));
    const name = `${String(topic)} ${JSON.stringify(payload ?? base64).slice(0, 80)}`;
    return {
      topic: String(topic),
      bytes,
      type: String(type),
      severity: severity === null ? undefined : String(severity),
      name,
    };
  });
}
