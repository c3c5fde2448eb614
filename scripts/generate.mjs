// Makes src/generated/ from schemas/: argument and result types, standalone validators, the tool definitions; and of
// src/app/ the document that hosts show.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { compile } from 'json-schema-to-typescript';
import { appHtml } from './app.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const outDir = join(root, 'src/generated');
const banner = '// Generated from schemas/ by scripts/generate.mjs. Do not edit.\n';

const tools = readdirSync(join(root, 'schemas'))
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => {
    const tool = JSON.parse(readFileSync(join(root, 'schemas', file), 'utf8'));
    if (`${tool.name}.json` !== file) throw new Error(`schemas/${file} defines a tool named ${tool.name}`);
    return tool;
  });

const configSchema = JSON.parse(readFileSync(join(root, 'src/config.schema.json'), 'utf8'));

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
const pascal = (name) => camel(`_${name}`);

/** A property with a default is always there once the validator has run, so the type says so. */
function withDefaultsRequired(schema) {
  const copy = structuredClone(schema);
  const defaulted = Object.keys(copy.properties ?? {}).filter((key) => 'default' in copy.properties[key]);
  copy.required = [...new Set([...(copy.required ?? []), ...defaulted])];
  return copy;
}

const typeOptions = { bannerComment: '', additionalProperties: false, format: false, strictIndexSignatures: false };

/** A property without a type is any JSON value; json-schema-to-typescript would make it an object. */
function untypedAreUnknown(schema) {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(untypedAreUnknown);
  const copy = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, untypedAreUnknown(value)]));
  if (copy.type !== 'object') return copy;
  for (const property of Object.values(copy.properties ?? {})) {
    if (Object.keys(property).every((key) => key === 'description')) property.tsType = 'unknown';
  }
  return copy;
}

async function types() {
  const parts = [];
  for (const tool of tools) {
    const args = `${pascal(tool.name)}Args`;
    const result = `${pascal(tool.name)}Result`;
    parts.push(
      await compile({ ...untypedAreUnknown(withDefaultsRequired(tool.inputSchema)), title: args }, args, typeOptions),
    );
    parts.push(await compile({ ...untypedAreUnknown(tool.outputSchema), title: result }, result, typeOptions));
  }
  const rows = (suffix) => tools.map((tool) => `  ${tool.name}: ${pascal(tool.name)}${suffix};`).join('\n');
  parts.push(`export type ToolArgs = {\n${rows('Args')}\n};\n`);
  parts.push(`export type ToolResults = {\n${rows('Result')}\n};\n`);
  return banner + parts.join('\n');
}

/** Standalone validators of the schemas, each exported under its name. */
function validators(schemas) {
  const ajv = new Ajv2020({ code: { source: true, esm: true }, useDefaults: true, allErrors: true, strict: false });
  const exported = {};
  for (const [name, schema] of Object.entries(schemas)) {
    ajv.addSchema({ ...schema, $id: name });
    exported[name] = name;
  }
  const code = standalone.default(ajv, exported);
  // ajv's `esm: true` output still calls require() for its few runtime helpers; esbuild inlines these imports.
  const imports = new Map();
  const body = code.replace(/require\("([^"]+)"\)(\.default)?/g, (_, path) => {
    const name = `runtime_${path.replace(/\W/g, '_')}`;
    imports.set(name, path);
    // Bundlers and Node see such a module differently.
    return `(${name}.default ?? ${name})`;
  });
  const head = [...imports].map(([name, path]) => `import ${name} from '${path}.js';\n`).join('');
  return banner + head + body;
}

function definitions() {
  // As text: an object literal of this size takes several times as long to read, at each start.
  const quoted = (text) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const table = tools
    .map((tool) => `  ${tool.name}: JSON.parse(\n    ${quoted(JSON.stringify(tool))},\n  ),`)
    .join('\n');
  return `${banner}import type { ToolDefinition } from '../tools/tool.ts';
import type { ToolName } from './facts.ts';

export type { ToolName } from './facts.ts';

/** The tools exactly as tools/list returns them, in name order. */
export const definitions: Record<ToolName, ToolDefinition> = {
${table}
};
`;
}

/** In a file of its own: a start needs these, only tools/list needs the definitions. */
function facts() {
  const names = tools.map((tool) => `'${tool.name}'`).join(' | ');
  const rows = tools.map(({ name, annotations, inputSchema }) => {
    const duration = inputSchema.properties?.duration_seconds?.default ?? 0;
    return `  ${name}: { destructive: ${annotations.destructiveHint === true}, defaultSeconds: ${duration} },`;
  });
  return `${banner}export type ToolName = ${names || 'never'};

/** defaultSeconds: how long a call lasts where duration_seconds is not given; 0 where there is none. */
export const facts: Record<ToolName, { destructive: boolean; defaultSeconds: number }> = {
${rows.join('\n')}
};
`;
}

/** In a file of its own: only a call needs these. */
function validate() {
  const checks = tools.map((tool) => `  ${tool.name}: validators.${camel(tool.name)},`).join('\n');
  return `${banner}import type { Validate } from '../tools/tool.ts';
import type { ToolName } from './facts.ts';
import type { ToolArgs } from './types.ts';
import * as validators from './validators.js';

export const validate: { [Name in ToolName]: Validate<ToolArgs[Name]> } = {
${checks}
};
`;
}

/** `types`: exported name to the type it validates, all from one sibling file. */
function validatorTypes(types, file) {
  const rows = Object.entries(types).map(([name, type]) => `export declare const ${name}: Validate<${type}>;`);
  const imports = `import type { Validate } from '../tools/tool.ts';\nimport type { ${Object.values(types).join(', ')} } from './${file}';\n`;
  return `${banner}${imports}${rows.join('\n')}\n`;
}

const inputs = Object.fromEntries(tools.map((tool) => [camel(tool.name), tool.inputSchema]));
const inputTypes = Object.fromEntries(tools.map((tool) => [camel(tool.name), `${pascal(tool.name)}Args`]));
const files = {
  'types.ts': await types(),
  'validators.js': validators(inputs),
  'validators.d.ts': validatorTypes(inputTypes, 'types.ts'),
  'facts.ts': facts(),
  'definitions.ts': definitions(),
  'validate.ts': validate(),
  'view.ts': `// Generated from src/app/ by scripts/generate.mjs. Do not edit.\nexport const html = ${JSON.stringify(await appHtml())};\n`,
  'config-types.ts': banner + (await compile(configSchema, 'Config', typeOptions)),
  'config-validator.js': validators({ config: configSchema }),
  'config-validator.d.ts': validatorTypes({ config: 'Config' }, 'config-types.ts'),
};

mkdirSync(outDir, { recursive: true });
for (const [name, text] of Object.entries(files)) {
  let current;
  try {
    current = readFileSync(join(outDir, name), 'utf8');
  } catch {}
  if (current !== text) writeFileSync(join(outDir, name), text);
}
