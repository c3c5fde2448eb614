import { Client as ModernClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernTransport } from '@modelcontextprotocol/client/stdio';
import { Client as V1Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as V1Transport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { answers, builtImage, docker, lines, listening, run, sessionAnswers, sessionScript } from './docker.ts';

const hardened = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--memory', '128m'];
const mosquitto = process.env.MOSQUITTO_IMAGE || 'eclipse-mosquitto:2';
const daemon = ['node', '/app/dist/main.js'];
const mine = `bitsperity-mqtt-mcp-test-${process.pid}`;
const containers: string[] = [];
let image = '';

beforeAll(async () => {
  image = await builtImage();
  await docker('network', 'create', mine);
});

afterAll(async () => {
  if (containers.length > 0) await docker('rm', '--force', '--volumes', ...containers);
  await docker('network', 'rm', mine);
});

/** A container in the network of this file, gone after it. */
async function started(name: string, ...args: string[]): Promise<string> {
  const id = await docker('run', '--detach', '--network', mine, '--network-alias', name, ...args);
  containers.push(id);
  return id;
}

/** A mosquitto as compose.yaml has it, up. */
async function broker(name: string): Promise<void> {
  await listening(
    await started(
      name,
      '--volume',
      `${process.cwd()}/docker/mosquitto.conf:/mosquitto/config/mosquitto.conf:ro`,
      mosquitto,
    ),
  );
}

/** What `source` prints in a container of the image, as JSON. */
const inside = async (source: string) =>
  JSON.parse(await docker('run', '--rm', '--entrypoint', 'node', image, '--print', `JSON.stringify((${source}))`));

const initialize = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'container test', version: '1' } },
};

test('docker run -i, hardened: answers initialize on stdout, ends with its input', async () => {
  const { code, stdout, stderr } = await run('docker', ['run', '-i', '--rm', ...hardened, image], {
    input: lines(initialize),
  });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(answers(stdout)).toMatchObject({
    1: { protocolVersion: '2025-11-25', serverInfo: { name: 'bitsperity-mqtt-mcp' } },
  });
});

test('docker run -i, hardened: a session on a broker of the network, by name', async () => {
  await broker('broker-of-run');
  const args = ['run', '-i', '--rm', '--network', mine, ...hardened, image, '--drain', '20'];
  const { code, stdout, stderr } = await run('docker', args, { input: sessionScript('broker-of-run') });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(answers(stdout)).toMatchObject(sessionAnswers('broker-of-run'));
});

test('docker run -i: both official clients, each with a session on a broker', async () => {
  await broker('broker-of-clients');
  const command = () => ({
    command: 'docker',
    args: ['run', '-i', '--rm', '--network', mine, ...hardened, image],
  });
  const me = { name: 'container test', version: '1' };
  const v1 = new V1Client(me);
  await v1.connect(new V1Transport(command()));
  const modern = new ModernClient(me, { versionNegotiation: { mode: 'auto' } });
  await modern.connect(new ModernTransport(command()));
  const connect = {
    name: 'establish_connection',
    arguments: { connection_string: 'mqtt://broker-of-clients:1883', name: 'b' },
  };
  for (const client of [v1, modern]) {
    expect(client.getServerVersion()).toMatchObject({ name: 'bitsperity-mqtt-mcp' });
    const names = (await client.listTools()).tools.map(({ name }) => name);
    expect(names).toContain('subscribe_and_collect');
    const called = await client.callTool(connect);
    expect(called).toMatchObject({ structuredContent: { status: 'connected', broker: 'broker-of-clients' } });
    await client.close();
  }
});

test('docker exec -i: a session beside a container that waits', async () => {
  await broker('broker');
  const waiting = await started('mcp', '--interactive', ...hardened, image);
  const args = ['exec', '-i', waiting, ...daemon, '--drain', '20'];
  const { code, stdout, stderr } = await run('docker', args, { input: sessionScript('broker') });
  expect({ code, stderr }).toMatchObject({ code: 0 });
  expect(answers(stdout)).toMatchObject(sessionAnswers('broker'));
});

test('process 1 is the program itself, not root, and ends by `docker stop` with 0', async () => {
  const waiting = await started('stopped', '--interactive', ...hardened, image);
  const source = "JSON.stringify([fs.readFileSync('/proc/1/cmdline', 'utf8'), fs.statSync('/proc/1').uid])";
  const [command, uid] = JSON.parse(await docker('exec', waiting, 'node', '--print', source));
  expect(command.split('\0').slice(0, -1)).toEqual(daemon);
  expect(uid).not.toBe(0);
  await docker('stop', '--time', '20', waiting);
  expect(await docker('inspect', '--format', '{{.State.ExitCode}}', waiting)).toBe('0');
});

test('the image: a user by number, no shell, no command', async () => {
  const { User, Entrypoint, Cmd, Labels } = JSON.parse(await docker('inspect', '--format', '{{json .Config}}', image));
  expect({ User, Entrypoint, Cmd: Cmd ?? [] }).toEqual({ User: '1000:1000', Entrypoint: daemon, Cmd: [] });
  expect(Labels).toMatchObject({ 'org.opencontainers.image.title': 'bitsperity-mqtt-mcp' });
});

test('the image: /app holds package.json and the bundle', async () => {
  const files: string[] = await inside(
    "fs.readdirSync('/app', { recursive: true, withFileTypes: true }).filter((e) => e.isFile()).map((e) => e.parentPath + '/' + e.name).sort()",
  );
  expect(files).toContain('/app/dist/main.js');
  for (const file of files)
    expect(file).toMatch(
      /^\/app\/(package\.json|dist\/package\.json|dist\/LICENSES\.txt|dist\/[^/]+\.js|dist\/chunks\/[^/]+\.js)$/,
    );
  expect(await inside("fs.readdirSync('/').filter((name) => name === 'src')")).toEqual([]);
});
