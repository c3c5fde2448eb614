// Builds src/app/ into one HTML document that needs nothing else: its style and its script are inline, and what else
// would run or load in it is forbidden by its own policy, whatever the host's says.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Paths of all sources of others that are in the document. */
export async function appInputs() {
  const { metafile } = await parts('main.ts');
  return Object.keys(metafile.inputs);
}

/** What hosts have: Chromium, WebKit and Gecko of two years ago; light-dark() and Array.toSorted are the newest it uses. */
const target = ['chrome123', 'safari17.5', 'firefox120'];

export async function appHtml() {
  const [script, style] = await Promise.all([bundled('main.ts'), bundled('style.css')]);
  const policy = [
    "default-src 'none'",
    `script-src ${hash(script)}`,
    `style-src ${hash(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
    // Text is text: where the browser knows trusted types, turning a string into markup throws.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
  return readFileSync(join(root, 'src/app/page.html'), 'utf8')
    .replace('POLICY', () => policy)
    .replace('<!-- style -->', () => `<style>${style}</style>`)
    .replace('<!-- script -->', () => `<script>${script}</script>`);
}

async function bundled(file) {
  const { outputFiles } = await parts(file);
  return outputFiles[0].text.trim();
}

function parts(file) {
  return build({
    absWorkingDir: root,
    entryPoints: [join('src/app', file)],
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    format: 'iife',
    target,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
  });
}

/** Of the text between the tags, which must be exactly this. */
function hash(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
