// Owns the notes that several results have in common.
import type { Fitted } from '../payload/render.ts';

/** The reader was slower than the broker: said wherever counts are given. */
export const FELL_BEHIND =
  'More came than could be read in time, so the broker may have dropped messages: narrow the filter.';

/** Behind a summary of what may not be all. */
export const LOST = ' The connection was lost meanwhile: this is what was heard.';

/** `why`: as a subscription tells what was lost. */
export const endedEarly = (why: string): string => `It ended early: ${why}.`;

/** What the limit on an answer's bytes took away. */
export function notesOnFit({ cut, properties_dropped, topics_cut }: Omit<Fitted, 'messages'>): string[] {
  const notes: string[] = [];
  if (cut > 0) notes.push(`${cut} payloads were cut to keep the answer under 4 MiB.`);
  if (properties_dropped > 0)
    notes.push(`${properties_dropped} messages lost their properties to keep the answer under 4 MiB.`);
  if (topics_cut > 0) notes.push(`${topics_cut} topic names were cut to keep the answer under 4 MiB.`);
  return notes;
}
