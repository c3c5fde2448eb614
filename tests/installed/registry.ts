// Owns an npm registry on loopback that knows one package: the tree as it is built now. With it `npx -y NAME` can be run
// as it is printed, before anything is published. Any other package is 404.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dig } from '../support/streams.ts';

const root = join(import.meta.dirname, '../..');

export type Registry = {
  url: string;
  /** The package as a file. */
  tarball: string;
  /** Settings under which npm asks this registry alone, with a cache of its own. */
  env: Record<string, string>;
  /** Paths that were asked for. */
  asked: string[];
  close(): void;
};

export async function startRegistry(): Promise<Registry> {
  const dir = mkdtempSync(join(tmpdir(), 'bitsperity-mqtt-mcp registry ')); // with spaces: users have them too
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir], { cwd: root });
  const file = `${manifest.name}-${manifest.version}.tgz`;
  const tarball = join(dir, file);
  const bytes = readFileSync(tarball);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(path);
    if (path === `/${file}`) return response.end(bytes);
    if (path !== `/${manifest.name}`) return response.writeHead(404).end('{}');
    const dist = {
      tarball: `${url}/${file}`,
      integrity: `sha512-${createHash('sha512').update(bytes).digest('base64')}`,
    };
    const versions = { [manifest.version]: { ...manifest, dist } };
    const about = { name: manifest.name, 'dist-tags': { latest: manifest.version }, versions };
    return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(about));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${dig(server.address(), 'port')}`;
  const env = {
    npm_config_registry: `${url}/`,
    npm_config_cache: join(dir, 'cache'),
    npm_config_update_notifier: 'false',
  };
  const close = () => {
    server.close();
    rmSync(dir, { recursive: true, force: true });
  };
  return { url, tarball, env, asked, close };
}
