// `make bundle`: the built program as one .mcpb file, for hosts that install a server by a click. The manifest is made
// from package.json and schemas/, and packed by the format's own tool, which validates it.
// Usage: node scripts/bundle.mjs [file]
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packExtension } from '@anthropic-ai/mcpb/cli';

const root = fileURLToPath(new URL('..', import.meta.url));
const { name, version, description, license, keywords, engines } = readJson('package.json');
const output = resolve(process.argv[2] ?? join(root, `${name}.mcpb`));
const stage = join(root, '.cache/bundle');

const manifest = {
  manifest_version: '0.3',
  name,
  display_name: 'MQTT',
  version,
  description,
  author: { name: 'Bitsperity' },
  server: {
    type: 'node',
    entry_point: 'dist/main.js',
    mcp_config: {
      command: 'node',
      // biome-ignore-start lint/suspicious/noTemplateCurlyInString: the host fills these in
      args: ['${__dirname}/dist/main.js'],
      env: { MQTT_MCP_CONFIG: '${user_config.config_file}', MQTT_MCP_READ_ONLY: '${user_config.read_only}' },
      // biome-ignore-end lint/suspicious/noTemplateCurlyInString: the host fills these in
    },
  },
  tools: readdirSync(join(root, 'schemas'))
    .sort()
    .map((file) => readJson(`schemas/${file}`))
    .map((tool) => ({ name: tool.name, description: tool.title })),
  tools_generated: false,
  prompts_generated: true,
  keywords,
  license,
  compatibility: { platforms: ['darwin', 'linux', 'win32'], runtimes: { node: engines.node } },
  user_config: {
    // Empty where nobody chose one: without a default a host hands over the placeholder itself.
    config_file: {
      type: 'file',
      title: 'Config file',
      description:
        'JSON file with broker profiles and policy; without one the assistant connects by connection strings',
      required: false,
      default: '',
    },
    read_only: {
      type: 'boolean',
      title: 'Read only',
      description: 'Offer no tool that publishes',
      required: false,
      default: false,
    },
  },
};

rmSync(stage, { recursive: true, force: true });
mkdirSync(stage, { recursive: true });
writeFileSync(join(stage, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const part of ['dist', 'LICENSE', 'README.md']) cpSync(join(root, part), join(stage, part), { recursive: true });
if (!(await packExtension({ extensionPath: stage, outputPath: output, silent: true }))) {
  process.stderr.write('bundle failed: the manifest is not valid\n');
  process.exit(1);
}
process.stdout.write(`${output}\n`);

function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), 'utf8'));
}
