// Owns JSON whose end is missing: the same with its end made up, so that what is there can be read. Linear, never throws.
// Must not know why the end is missing.

/** A string, whole or not; a bracket; a comma; what lies between. */
const PIECE = /"(?:[^"\\]|\\[\s\S])*("?)|[{[]|[}\]]|,|[^"{}[\],]+/g;
/** What a cut may leave of an escape. */
const HALF_ESCAPE = /(?:^|[^\\])(?:\\\\)*(\\(?:u[0-9a-fA-F]{0,3})?)$/;

/** As deep as a payload is read; keeps the brackets that are noted at each comma few. */
const DEEPEST = 64;

/** Two texts, one of which is JSON where the text is the beginning of some: as it is, and without what was begun last. */
export function closedJson(text: string): string[] {
  const open: string[] = [];
  let comma: { at: number; closing: string } | undefined;
  let closing = '';
  for (const { 0: piece, 1: quote, index } of text.matchAll(PIECE)) {
    if (piece === '{' || piece === '[') open.push(piece === '{' ? '}' : ']');
    else if (piece === '}' || piece === ']') open.pop();
    else if (piece === ',' && open.length <= DEEPEST) comma = { at: index, closing: open.toReversed().join('') };
    else if (quote === '') closing = '"';
  }
  if (open.length === 0 || open.length > DEEPEST) return [];
  const half = closing === '' ? 0 : (HALF_ESCAPE.exec(text.slice(-6))?.[1]?.length ?? 0);
  const whole = text.slice(0, text.length - half) + closing + open.toReversed().join('');
  return comma === undefined ? [whole] : [whole, text.slice(0, comma.at) + comma.closing];
}
