// Owns how findings look: on a terminal with colours and a line that tells what is waited for, else plain lines.
// Text of brokers and files is shown, so what could move a cursor or hide goes out as \u escapes. Must not know findings.
import type { Report, Status } from './types.ts';

export type ScreenOptions = {
  write: (text: string) => void;
  /** Somebody looks at it: lines may be written over. */
  terminal: boolean;
  coloured: boolean;
  columns: number;
};

export type Screen = Report & { line(text: string): void; close(): void };

/** How often the seconds of a wait are counted, ms. */
const EVERY_MS = 1_000;
const CLEAR = '\r\x1b[2K';

const looks: Record<Status, { word: string; colour: number }> = {
  ok: { word: 'ok', colour: 32 },
  warning: { word: 'warning', colour: 33 },
  failed: { word: 'FAILED', colour: 31 },
  skipped: { word: '-', colour: 2 },
};

type Output = { terminal: boolean; columns: number | undefined; env: Record<string, string | undefined> };

/** A dumb terminal takes no line back. Source: no-color.org. */
export function looksOf({ terminal, columns, env }: Output): Omit<ScreenOptions, 'write'> {
  const able = terminal && env.TERM !== 'dumb';
  return { terminal: able, coloured: able && !env.NO_COLOR, columns: columns || 80 };
}

export function createScreen({ write, terminal, coloured, columns }: ScreenOptions): Screen {
  const paint = (code: number, text: string) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text);
  let ticker: NodeJS.Timeout | undefined;
  let shown = false;

  function rest(): void {
    clearInterval(ticker);
    if (shown) write(CLEAR);
    shown = false;
  }

  function line(text: string): void {
    rest();
    write(`${text}\n`);
  }

  function waits(text: string): void {
    if (!terminal) return;
    rest();
    const began = performance.now();
    const draw = () => {
      const seconds = Math.round((performance.now() - began) / 1000);
      const words = `  … ${harmless(text)}${seconds === 0 ? '' : `, ${seconds} s`}`;
      // A line that is wrapped could not be taken back.
      write(`${CLEAR}${paint(2, words.slice(0, Math.max(10, columns - 1)))}`);
      shown = true;
    };
    draw();
    ticker = setInterval(draw, EVERY_MS);
  }

  return {
    line,
    waits,
    heading: (text) => line(`\n${paint(1, harmless(text))}`),
    finding: ({ status, what, detail, next }) => {
      const { word, colour } = looks[status];
      line(`  ${paint(colour, word.padEnd(8))} ${harmless(what).padEnd(9)}  ${harmless(detail)}`);
      if (next !== undefined && status !== 'ok') line(`  ${' '.repeat(20)}-> ${harmless(next)}`);
    },
    close: rest,
  };
}

function harmless(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (odd) =>
    [...odd].map((one) => `\\u{${(one.codePointAt(0) ?? 0).toString(16)}}`).join(''),
  );
}
