// Owns JSON as text of a bounded length: of a large value only the beginning is ever written. Must not know elements.
import { isList, isRecord } from '../payload/types.ts';

type Writer = { out: string; readonly limit: number; readonly indent: string };

/** Ends with … where it grows beyond `limit` characters. In one line where there is no indent. */
export function jsonText(value: unknown, limit: number, indent = ''): string {
  const writer = { out: '', limit, indent };
  write(value, 0, writer);
  return fits(writer) ? writer.out : `${writer.out.slice(0, limit)}…`;
}

/** Every level writes a bracket first, so depth is bounded by the limit as well. */
function write(value: unknown, depth: number, writer: Writer): void {
  if (isList(value)) {
    const items = value.values();
    block('[]', depth, writer, () => {
      const { done, value: item } = items.next();
      return done ? undefined : { head: '', item };
    });
  } else if (isRecord(value)) {
    const names = Object.keys(value).values();
    const space = writer.indent && ' ';
    block('{}', depth, writer, () => {
      const { done, value: name } = names.next();
      return done ? undefined : { head: `${scalar(name, writer)}:${space}`, item: value[name] };
    });
  } else {
    writer.out += scalar(value, writer);
  }
}

type Next = () => { head: string; item: unknown } | undefined;

function block(brackets: '[]' | '{}', depth: number, writer: Writer, next: Next): void {
  const line = (level: number) => (writer.indent === '' ? '' : `\n${writer.indent.repeat(level)}`);
  writer.out += brackets.slice(0, 1);
  let first = true;
  for (let entry = next(); entry && fits(writer); entry = next()) {
    writer.out += `${first ? '' : ','}${line(depth + 1)}${entry.head}`;
    write(entry.item, depth + 1, writer);
    first = false;
  }
  if (fits(writer)) writer.out += `${first ? '' : line(depth)}${brackets.slice(1)}`;
}

function scalar(value: unknown, { limit }: Writer): string {
  return JSON.stringify(typeof value === 'string' ? value.slice(0, limit) : value) ?? '';
}

const fits = ({ out, limit }: Writer) => out.length <= limit;
