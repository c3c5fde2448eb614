// Owns which of the words at one place of a topic tree are one varying level, by their look alone. Pure, and the same
// in whatever order the words come.
import { hexKind, isMixedHex, isStem, looksHex, type Part, type PartKind, partsOf, runsOf } from './level-parts.ts';
import { push } from './push.ts';

/** Words that look alike, and the level that stands for them: `line{n}`. */
export type Alike = { text: string; varies: boolean; words: string[] };

type Word = { word: string; parts: Part[] };

/** Partitions distinct words. A part is a placeholder where it differs among its like, or is surely an identifier. */
export function alike(words: Iterable<string>): Alike[] {
  const byLook = new Map<string, Word[]>();
  for (const word of words) {
    const parts = partsOf(word);
    push(byLook, lookOf(parts, true), { word, parts });
  }
  const byKind = new Map<string, Word[]>();
  for (const group of byLook.values()) {
    const settled = settle(group);
    for (const one of settled) push(byKind, lookOf(one.parts, false), one);
  }
  return [...byKind.values()].map(standIn);
}

/**
 * What words must share to be alike. `loosely`: a number of six digits and a hex number of as many characters look
 * alike: which it is, their siblings tell.
 */
function lookOf(parts: readonly Part[], loosely: boolean): string {
  return parts
    .map(({ kind, value }) => {
      if (loosely && looksHex(value)) return `\0${value.length}`;
      return kind === 'text' ? value : `\0${kind}`;
    })
    .join('\0');
}

/** Among words of one loose look: is a run of hex digits a number, a hex number or a word? */
function settle(group: Word[]): Word[] {
  const first = group[0]?.parts ?? [];
  const hexAt = first.map((_, at) => group.some(({ parts }) => isMixedHex(parts[at]?.value ?? '')));
  return group.map(({ word, parts }) => {
    return { word, parts: parts.flatMap((part, at) => settled(part, hexAt[at] ?? false)) };
  });
}

function settled(part: Part, hexBeside: boolean): Part[] {
  if (!looksHex(part.value)) return [part];
  if (hexBeside) return [{ kind: hexKind(part.value), value: part.value, sure: part.sure }];
  return part.kind !== 'n' && isStem(part.value) ? runsOf(part.value) : [part];
}

function standIn(group: Word[]): Alike {
  const first = group[0]?.parts ?? [];
  let varies = false;
  const text = first.map(({ kind, value, sure }, at) => {
    if (kind === 'text') return value;
    const differs = group.some(({ parts }) => parts[at]?.value !== value || parts[at]?.sure === true);
    if (!sure && !differs) return value;
    varies = true;
    return `{${kind satisfies PartKind}}`;
  });
  return { text: text.join(''), varies, words: group.map(({ word }) => word).sort() };
}
