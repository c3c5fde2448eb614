// Owns the reading of a payload as a command: its whole text, what a JSON object asks for, the parts of a Backlog.
// Must not know which commands are dangerous.

/** Commands that are looked at; a payload of a mebibyte may hold hundreds of thousands of values. */
const MAX_COMMANDS = 10_000;
/** Longest text that may be a command, bytes. */
const MAX_COMMAND = 64;

export type Commands = {
  /** In lower case, letters and digits alone: `Shelly.FactoryReset` is shellyfactoryreset. */
  commands: string[];
  /** One of them asks a thing to move. */
  acts: boolean;
};

const NONE: Commands = { commands: [], acts: false };

/** Nothing else in a payload can be a command to a class wherever it is written to; an escape may hide one. */
const TELLING =
  /ota|f[\s._-]*w|firm|install|upgrade|start|boot|reset|shut|join|forget|pair|inclu|exclu|commission|lock|latch|disarm|valve|cover|garage|gate|door|shelly|\\u/i;

/** Keys whose value says what to do. */
const ASKING =
  /^(state|command|cmd|action|method|operation|op|request|service|value|target|desired|lock|lockstate|position|set|payload|params)$/;
/** Keys that say it themselves, unless their value takes it back. */
const ITSELF =
  /^(otaupdate|firmwareupdate|fwupdate|updatefirmware|upgrade|restart|reboot|reset|factoryreset|shutdown|permitjoin|pair|pairing|unlock|unlatch|disarm)$/;
/** Those whose value may be a line with the command among its words. */
const LINE = /^(command|cmd|action|method|operation|op|request|service)$/;
const ACTS = /^(open|close|stop|lock|unlock|toggle|on|off|true|false|\d+|opened|closed)$/;

/** `moves`: where it is written to may be something that `on`, `open` or `50` moves. */
export function commandsIn(payload: Buffer, moves: boolean): Commands {
  if (payload.length === 0) return NONE;
  const text = payload.toString('utf8').trim();
  if (!moves && !TELLING.test(text)) return NONE;
  const commands = text.startsWith('{') || text.startsWith('[') ? inJson(text) : inText(text);
  return { commands, acts: commands.some((word) => ACTS.test(word)) };
}

/** `reboot`, or several with their arguments: `Upgrade 1; Restart 1`. */
function inText(text: string): string[] {
  const parts = text.split(';', MAX_COMMANDS).map((part) => part.trim());
  const short = parts.filter((part) => part.length <= 4 * MAX_COMMAND || /^\S+\s/.test(part));
  return short.flatMap((part) => {
    const [, setting = ''] = /^[\w.-]{1,32}\s?[=:]\s?(\S+)$/.exec(part) ?? [];
    return [plain(part.slice(0, 4 * MAX_COMMAND)), plain(part.split(/\s/, 1)[0] ?? ''), plain(setting)];
  });
}

function inJson(text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wordsOf(text);
  }
  const found: string[] = [];
  const left: { key: string; value: unknown }[] = [{ key: 'value', value }];
  // A list of its own, for JSON may be nested deeper than calls can be.
  for (let next = left.pop(); next && found.length < MAX_COMMANDS; next = left.pop()) {
    const { key, value: inner } = next;
    if (ITSELF.test(key) && inner !== false && inner !== null && inner !== 0) found.push(key);
    if (typeof inner === 'object' && inner !== null) {
      const isList = Array.isArray(inner);
      for (const [name, one] of Object.entries(inner))
        left.push({ key: isList ? key : keyOf(key, plain(name)), value: one });
    } else if (ASKING.test(key) && String(inner).length <= MAX_COMMAND) {
      found.push(plain(String(inner)), ...(LINE.test(key) ? wordsOf(String(inner)) : []));
    }
  }
  return found;
}

/** `{"action": {"name": "reboot"}}` asks for what its name says. */
function keyOf(outer: string, name: string): string {
  return ASKING.test(outer) && /^(name|type|id|kind|verb)$/.test(name) ? outer : name;
}

/** Each for itself: a device may read more leniently than JSON is written, or a JSON a line. */
function wordsOf(text: string): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/[A-Za-z][\w.-]{0,63}/g)) {
    if (words.length >= MAX_COMMANDS) break;
    words.push(plain(word));
  }
  return words;
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}
