// Bundles src/ into dist/: main.js, and chunks that are loaded when they are needed (mqtt, the demo, the config check).
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');
// Swapped in at the end: a build that fails leaves the last one that works.
const outdir = join(root, 'dist.new');

rmSync(outdir, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outdir,
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
  // CommonJS packages call require() for Node's own modules.
  banner: { js: "import { createRequire as __cr } from 'node:module';const require = __cr(import.meta.url);" },
  logLevel: 'warning',
});
rmSync(dist, { recursive: true, force: true });
renameSync(outdir, dist);
