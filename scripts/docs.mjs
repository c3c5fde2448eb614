// `make docs`: docs/tools/, a page for each tool, made from its schema. With --check it writes nothing and fails where a
// page is not what it would write. The examples are run by tests/docs/ on the embedded broker.
// Usage: node scripts/docs.mjs [--check]
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'docs/tools');

/** Arguments that show what a tool is for, on a session `plant` of the profile `demo`. */
const examples = {
  establish_connection: { profile: 'demo', name: 'plant' },
  list_active_connections: {},
  close_connection: { session_id: 'plant' },
  list_topics: { session_id: 'plant', pattern: 'plant/#', duration_seconds: 1 },
  subscribe_and_collect: { session_id: 'plant', topic_pattern: 'plant/#', duration_seconds: 10, return_messages: 10 },
  watch_changes: { session_id: 'plant', topic_patterns: ['home/#', 'plant/#'], duration_seconds: 3 },
  get_topic_schema: { session_id: 'plant', topic_pattern: 'greenhouse/#', duration_seconds: 3 },
  debug_device: { session_id: 'plant', device_id: 'Gateway', duration_seconds: 10 },
  publish_message: { session_id: 'plant', topic: 'home/livingroom/lamp/set', payload: { state: 'ON' }, qos: 1 },
  send_and_verify: {
    session_id: 'plant',
    topic: 'home/livingroom/lamp/set',
    payload: { state: 'OFF' },
    expect: { topic_pattern: 'home/livingroom/lamp/state', path: '$.state', equals: 'OFF' },
  },
  test_connection: { profile: 'demo', probe_topic: 'demo/probe' },
  monitor_performance: { session_id: 'plant', duration_seconds: 3, probe_topic: 'demo/probe' },
};

const tools = readdirSync(join(root, 'schemas'))
  .sort()
  .map((file) => JSON.parse(readFileSync(join(root, 'schemas', file), 'utf8')));
const pages = new Map([['README.md', contents()], ...tools.map((tool) => [`${tool.name}.md`, page(tool)])]);

if (process.argv.includes('--check')) {
  const there = existsSync(folder) ? readdirSync(folder) : [];
  const stale = [...new Set([...there, ...pages.keys()])].filter((name) => read(name) !== pages.get(name));
  if (stale.length > 0) {
    process.stderr.write(`docs/tools is not what the schemas say: ${stale.join(', ')}; run \`make docs\`\n`);
    process.exit(1);
  }
} else {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
}

function read(name) {
  return existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : undefined;
}

function contents() {
  const rows = tools.map(
    ({ name, title, annotations }) => `| [${name}](${name}.md) | ${title} | ${nature(annotations)} |`,
  );
  return `# Tools

Made from \`schemas/\` by \`make docs\`. Each tool is a JSON-RPC method of the same name too.

| tool | | |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function nature({ readOnlyHint, destructiveHint }) {
  if (destructiveHint) return 'writes to devices; not offered with `--read-only`';
  return readOnlyHint ? 'only reads' : 'changes nothing on devices';
}

function page({ name, title, description, inputSchema, outputSchema, annotations }) {
  const request = { jsonrpc: '2.0', id: 1, method: name, params: examples[name] };
  const args = rows(inputSchema, '', 9);
  const table = `| argument | type | default | |\n| --- | --- | --- | --- |\n${args.map(withDefault).join('\n')}`;
  return `<!-- Made from schemas/${name}.json by \`make docs\`. Do not edit. -->

# ${name}

${title}; ${nature(annotations)}.

${description}

## Arguments

${args.length === 0 ? 'None.' : table}

${Object.keys(inputSchema.properties).length > 0 ? '`*`: required. ' : ''}Nothing else may be given.

## Example

\`\`\`json
${JSON.stringify(request)}
\`\`\`

## Result

| field | type | |
| --- | --- | --- |
${rows(outputSchema, '', 2).map(withoutDefault).join('\n')}

\`*\`: always there. Of what lies deeper, \`schemas/${name}.json\` tells all.
`;
}

/** A row for each property, those of objects and of lists below them, down to `depth`. */
function rows(schema, prefix, depth) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const path = `${prefix}${key}`;
    const inner = property.type === 'array' ? (property.items ?? {}) : property;
    const below = depth > 1 ? rows(inner, `${path}${property.type === 'array' ? '[]' : ''}.`, depth - 1) : [];
    return [{ path, property, required: required.has(key) }, ...below];
  });
}

function withDefault({ path, property, required }) {
  const preset = 'default' in property ? `\`${JSON.stringify(property.default)}\`` : '';
  return `| \`${path}\`${required ? '\\*' : ''} | ${typeOf(property)} | ${preset} | ${text(property)} |`;
}

function withoutDefault({ path, property, required }) {
  return `| \`${path}\`${required ? '\\*' : ''} | ${typeOf(property)} | ${text(property)} |`;
}

function typeOf({ type, enum: values, minimum, maximum, minItems, maxItems, items, anyOf, const: only }) {
  if (only !== undefined) return `\`${JSON.stringify(only)}\``;
  if (values) return values.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (anyOf) return anyOf.map(typeOf).join(' or ');
  const kind = type === undefined ? 'any' : [type].flat().join(' or ');
  if (kind === 'array') return `list of ${items?.type ?? 'any'}${range(minItems, maxItems)}`;
  return `${kind}${range(minimum, maximum)}`;
}

function range(from, to) {
  if (from !== undefined && to !== undefined) return `, ${from} to ${to}`;
  if (from !== undefined) return `, at least ${from}`;
  return to === undefined ? '' : `, at most ${to}`;
}

function text({ description = '' }) {
  return description.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}
