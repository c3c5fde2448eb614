// Owns the log: one JSON object a line. Must not be given a credential, a payload or a topic.

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
type Fields = Record<string, string | number | boolean | null | undefined>;
export type Log = Record<LogLevel, (msg: string, fields?: Fields) => void>;

/** Writes entries at or above `level` as `{"time","level","msg",…}` lines through `write`. */
export function createLog(level: LogLevel, write: (line: string) => void): Log {
  const entry = (own: LogLevel) =>
    logLevels.indexOf(own) < logLevels.indexOf(level)
      ? () => {}
      : (msg: string, fields: Fields = {}) =>
          write(`${JSON.stringify({ time: new Date().toISOString(), level: own, msg, ...fields })}\n`);
  return { debug: entry('debug'), info: entry('info'), warn: entry('warn'), error: entry('error') };
}

/** Where a bug happened: the frames of its stack without the message, which may quote input. */
export function frames(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { stack = '', message } = error;
  // A message may have lines that look like frames.
  const behind = stack.slice(Math.max(0, stack.indexOf(message)) + message.length);
  const lines = behind.split('\n').filter((line) => /^\s+at .*:\d+:\d+\)?$/.test(line));
  return [error.name, ...lines.slice(0, 12).map((line) => line.trim())].join(' | ');
}
