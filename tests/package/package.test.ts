// What would be published: its files, its size, and what is written beside it about the same version.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { expect, test } from 'vitest';
import { dig } from '../support/streams.ts';

const root = join(import.meta.dirname, '../..');
const manifest = JSON.parse(read('package.json'));
const server = JSON.parse(read('server.json'));

/** What npm would pack of the tree as it is built now. */
function packed(): { size: number; files: string[] } {
  // --ignore-scripts: prepack would build anew, under the feet of other tests.
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const out: unknown = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8', shell: onWindows }));
  const files = [Object(dig(out, 0, 'files'))].flat();
  return { size: Number(dig(out, 0, 'size')), files: files.map((file) => String(dig(file, 'path'))) };
}
const onWindows = process.platform === 'win32';

test('npm pack: the program, its schemas and documents, below 2 MB; no source map, source or test', () => {
  const { size, files } = packed();
  expect(size).toBeLessThan(2_000_000);
  for (const file of [
    'dist/main.js',
    'dist/package.json',
    'dist/LICENSES.txt',
    'schemas/list_topics.json',
    'LICENSE',
  ]) {
    expect(files).toContain(file);
  }
  const unwanted = files.filter(
    (file) => !/^(dist|schemas|docs)\/|^[A-Z]+(\.md)?$|^(package|server)\.json$/.test(file),
  );
  expect(unwanted).toEqual([]);
  expect(files.filter((file) => /\.(map|ts|tgz|mcpb)$/.test(file))).toEqual([]);
});

test('every link of a document of the package leads to something in it', () => {
  const { files } = packed();
  for (const file of files.filter((one) => one.endsWith('.md'))) {
    for (const [, target = ''] of read(file).matchAll(/\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)/g)) {
      const path = posix.join(posix.dirname(file), target).replace(/\/$/, '');
      expect(
        files.some((one) => one === path || one.startsWith(`${path}/`)),
        `${file}: ${target}`,
      ).toBe(true);
    }
  }
});

test('package.json: one binary, no script that runs when it is installed, nothing to install beside it', () => {
  expect(manifest.bin).toEqual({ 'bitsperity-mqtt-mcp': 'dist/main.js' });
  expect(read('dist/main.js')).toMatch(/^#!\/usr\/bin\/env node\n/);
  const atInstall = ['preinstall', 'install', 'postinstall', 'prepare', 'preprepare', 'postprepare', 'dependencies'];
  expect(Object.keys(manifest.scripts).filter((name) => atInstall.includes(name))).toEqual([]);
  expect(manifest.dependencies).toBeUndefined();
});

test('package-lock.json: the same version', () => {
  const lock = JSON.parse(read('package-lock.json'));
  expect([lock.version, lock.packages[''].version]).toEqual([manifest.version, manifest.version]);
});

// The rules of https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json that a change could break.
test('server.json: this package in this version, as the MCP registry takes it', () => {
  expect(server.$schema).toBe('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json');
  expect(server.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
  expect(server.name).toBe(manifest.mcpName); // how the registry knows that the package agrees
  expect(server.description.length).toBeLessThanOrEqual(100);
  expect(server.title.length).toBeLessThanOrEqual(100);
  expect(server.version).toBe(manifest.version);
  expect(server.packages).toEqual([
    expect.objectContaining({
      registryType: 'npm',
      identifier: manifest.name,
      version: manifest.version,
      transport: { type: 'stdio' },
    }),
  ]);
  for (const { name, format } of server.packages[0].environmentVariables) {
    expect(read('src/options.ts')).toContain(name);
    expect(['string', 'number', 'boolean', 'filepath']).toContain(format);
  }
});

type Package = { name: string; version: string; licence: string };

/** What the built program contains, as the build wrote it down. */
function bundled(): Package[] {
  return [...read('dist/LICENSES.txt').matchAll(/^== (\S+) (\S+) \((.+)\) ==$/gm)].map(
    ([, name = '', version = '', licence = '']) => ({ name, version, licence }),
  );
}

/** The first three cells of each row of the tables of docs/DEPENDENCIES.md. */
function reviewed(): Package[] {
  const rows = [...read('docs/DEPENDENCIES.md').matchAll(/^\| `(\S+)` \| (\S+) \| ([^|]+) \|/gm)];
  return rows.map(([, name = '', version = '', licence = '']) => ({ name, version, licence }));
}

test('docs/DEPENDENCIES.md: every package that is bundled, with its version and licence, and no other', () => {
  const byName = (a: Package, b: Package) => (a.name < b.name ? -1 : 1);
  expect(bundled().length).toBeGreaterThan(9);
  expect(reviewed().toSorted(byName)).toEqual(bundled().toSorted(byName));
});

test('every bundled package is of package-lock.json, with a hash', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  for (const { name, version } of bundled()) {
    const entries = Object.entries(packages).filter(([path]) => path.endsWith(`node_modules/${name}`));
    const found = entries.map(([, entry]) => Object(entry)).find((entry) => entry.version === version);
    expect(found?.integrity, `${name} ${version}`).toMatch(/^sha512-/);
  }
});

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}
