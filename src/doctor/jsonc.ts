// Owns the reading of JSON as editors write it: with comments and commas at the end. Must not know what it says.

/** A string, a comment, or a comma that only white space and comments part from a closing bracket. */
const TOKEN = /"(?:[^"\\]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/** undefined: it is none. */
export function parseJsonc(text: string): unknown {
  const plain = text.replace(/^\ufeff/, '').replace(TOKEN, (token) => (token.startsWith('"') ? token : ' '));
  try {
    const value: unknown = JSON.parse(
      plain.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (one) => (one === ',' ? '' : one)),
    );
    return value;
  } catch {
    return undefined;
  }
}
