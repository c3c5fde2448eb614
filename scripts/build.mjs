// Bundles src/ into dist/: main.js with all that a start needs, chunks that are loaded when they are needed, and the
// licences of the packages that are in them.
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { appInputs } from './app.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
// Swapped in at the end: a build that fails leaves the last one that works.
const outdir = join(root, 'dist.new');

const { outputFiles, metafile } = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir,
  write: false,
  metafile: true,
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  minify: true,
  keepNames: false,
  legalComments: 'none',
  alias: {
    debug: './scripts/no-debug.cjs',
    // Its ESM form, of which only the decoder is taken: a third of its CommonJS.
    '@msgpack/msgpack': './node_modules/@msgpack/msgpack/dist.esm/index.mjs',
  },
  chunkNames: 'chunks/[name]-[hash]',
  logLevel: 'warning',
});
const sources = new Map(outputFiles.map(({ path, text }) => [basename(path), text]));
const imports = new Map(Object.entries(metafile.outputs).map(([path, output]) => [basename(path), output.imports]));

/** Chunks that main.js cannot start without, each behind those that it needs itself; main.js is the last. */
const eager = new Set();
const seen = new Set();
visit('main.js');

rmSync(outdir, { recursive: true, force: true });
mkdirSync(join(outdir, 'chunks'), { recursive: true });
const parts = [];
for (const name of eager) parts.push(asPart(name, await asCommonJs(name)));
// Node starts CommonJS faster: its loader of ES modules is not in the snapshot that Node itself starts from.
writeFileSync(join(outdir, 'package.json'), '{"type":"commonjs"}\n');
writeFileSync(join(outdir, 'main.js'), `#!/usr/bin/env node\n'use strict';\n${parts.join('\n')}\n`, { mode: 0o755 });
for (const name of sources.keys()) {
  if (!eager.has(name)) writeFileSync(join(outdir, 'chunks', name), await asCommonJs(name));
}
writeFileSync(join(outdir, 'LICENSES.txt'), licences(await appInputs()));
rmSync(dist, { recursive: true, force: true });
renameSync(outdir, dist);

function visit(name) {
  if (seen.has(name) || !sources.has(name)) return;
  seen.add(name);
  for (const { path, kind } of imports.get(name)) if (kind === 'import-statement') visit(basename(path));
  eager.add(name);
}

/** esbuild splits ES modules only: each is made CommonJS by itself, and told where the others are now. */
async function asCommonJs(name) {
  const { code } = await transform(sources.get(name), {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    minify: true,
    supported: { 'dynamic-import': false },
    logLevel: 'warning',
  });
  return code.replace(/require\("\.\/(?:chunks\/)?([\w.-]+)"\)/g, (_, needed) => {
    const own = JSON.stringify(needed);
    if (eager.has(name)) return eager.has(needed) ? `own[${own}]` : `require("./chunks/${needed}")`;
    return eager.has(needed) ? `require("../main.js")[${own}]` : `require("./${needed}")`;
  });
}

/** One file is read instead of ten; main.js exports them to the chunks that come later. */
function asPart(name, code) {
  return `((own,module)=>{${code}\nown[${JSON.stringify(name)}]=module.exports})(exports,{});`;
}

/** MIT, ISC and BSD ask for their notice beside each copy, which a minified bundle is. Also the list of what is bundled. */
function licences(inApp) {
  const outputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
  const paths = outputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([path]) => path);
  const folders = new Set(
    [...paths, ...inApp].flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  const parts = [...folders].map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find((one) => /^licen[cs]e/i.test(one));
    const text = file
      ? readFileSync(join(root, folder, file), 'utf8').trim()
      : 'The package brings no text of it; see spdx.org/licenses.';
    return `== ${name} ${version} (${license}) ==\n\n${text}\n`;
  });
  return `What the programs in this folder contain of others.\n\n${parts.sort().join('\n')}`;
}
