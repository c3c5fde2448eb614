import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, holdsSecret, readConfig } from '../src/config.ts';
import { ToolError, type ToolErrorData } from '../src/errors.ts';
import { profilesOf } from '../src/profiles.ts';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'config-test-'));
});
afterAll(() => rm(dir, { recursive: true }));

let files = 0;
async function configFile(content: unknown): Promise<string> {
  const file = join(dir, `config-${++files}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

/** Opens the profile `p` of a config. */
async function openProfile(profile: object, env: Record<string, string> = {}) {
  const file = await configFile({ profiles: { p: { url: 'mqtt://broker', ...profile } } });
  return profilesOf(await readConfig(file), file, env).open('p');
}

async function failure(promise: Promise<unknown>): Promise<ToolErrorData> {
  const error = await promise.then(
    () => expect.fail('it succeeded'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ToolError)) throw error;
  return error.data;
}

describe('readConfig', () => {
  test('an empty object -> a config; every key is optional', async () => {
    expect(await readConfig(await configFile({}))).toEqual({});
    expect(await readConfig(await configFile({ profiles: {}, policy: {} }))).toEqual({ profiles: {}, policy: {} });
  });

  test.each<[string, unknown, RegExp]>([
    ['an unknown key', { profile: {} }, /unknown key profile$/],
    [
      'an unknown key further down',
      { profiles: { plant: { url: 'mqtt://b', pasword: 'secret' } } },
      /unknown key profiles\.plant\.pasword/,
    ],
    [
      'a secret for a key',
      { profiles: { p: { url: 'mqtt://b', password: { 's-secret': 1 } } } },
      /profiles\.p\.password\.\(not repeated\)/,
    ],
    ['a url for a key', { profiles: { 'mqtt://u:secret@h': { url: 1 } } }, /\(not repeated: .*\.url must be string/],
    ['a missing key', { profiles: { plant: {} } }, /missing key profiles\.plant\.url/],
    ['a wrong type', { policy: { read_only: 'yes' } }, /policy\.read_only must be boolean/],
    [
      'a wrong value',
      { profiles: { p: { url: 'mqtt://b', protocol_version: 3 } } },
      /profiles\.p\.protocol_version must/,
    ],
    ['a name with a slash', { profiles: { 'a/b~c': { url: 1 } } }, /profiles\.a\/b~c\.url must be string/],
    [
      'a secret that is none',
      { profiles: { p: { url: 'mqtt://b', password: { env: 'A', file: 'secret' } } } },
      /profiles\.p\.password/,
    ],
    [
      'a will without a topic',
      { profiles: { p: { url: 'mqtt://b', will: {} } } },
      /missing key profiles\.p\.will\.topic/,
    ],
    [
      'a will at QoS 3',
      { profiles: { p: { url: 'mqtt://b', will: { topic: 'a', qos: 3 } } } },
      /profiles\.p\.will\.qos must be equal to one of/,
    ],
    ['a list unknown', { policy: { publish: { permit: [] } } }, /unknown key policy\.publish\.permit/],
    [
      'a filter that is none',
      { policy: { subscribe: { deny: ['a#'] } } },
      /policy\.subscribe\.deny: "a#" is not a valid/,
    ],
    [
      'a danger topic that is none',
      { policy: { danger_topics: ['a/#/b'] } },
      /policy\.danger_topics: "a\/#\/b" is not/,
    ],
    [
      'a filter that is a url',
      { policy: { publish: { allow: ['mqtt://u:secret@h/#/x'] } } },
      /policy\.publish\.allow: not a topic filter$/,
    ],
    ['a filter that is a number', { policy: { publish: { allow: [1] } } }, /policy\.publish\.allow\.0 must be string/],
    ['a broker with a scheme', { policy: { allowed_brokers: ['mqtt://b'] } }, /policy\.allowed_brokers\.0 must match/],
    ['a bare IPv6 broker', { policy: { allowed_brokers: ['::1'] } }, /policy\.allowed_brokers\.0 must match/],
    ['no message at all', { policy: { max_publishes_per_minute: 0 } }, /policy\.max_publishes_per_minute must be >= 1/],
    ['half a message', { policy: { max_retained_writes: 0.5 } }, /policy\.max_retained_writes must be integer/],
    ['an array', [], /the whole must be object/],
    ['null', null, /the whole must be object/],
  ])('%s -> one line that names the key and repeats no value', async (_what, content, message) => {
    const file = await configFile(content);
    const error: unknown = await readConfig(file).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    const text = error instanceof Error ? error.message : '';
    expect(text).toMatch(message);
    expect(text).not.toMatch(/\n|secret/);
    expect(text.startsWith(`config: ${file}: `)).toBe(true);
  });

  test('no JSON -> says so, without a piece of it', async () => {
    await expect(readConfig(await configFile('{"password": secret'))).rejects.toThrow(/config: \S+ is not valid JSON$/);
  });

  test('itself in place of its path -> not repeated', async () => {
    const text = '{"profiles":{"p":{"url":"broker","password":"marker"}}}';
    await expect(readConfig(text)).rejects.toThrow(
      /^config: cannot read \(not repeated: it may hold a secret\): ENOENT$/,
    );
  });

  test.each([
    ['no such file', 'missing.json', 'ENOENT'],
    ['a folder', '.', 'EISDIR'],
  ])('%s -> says which and why', async (_what, name, code) => {
    await expect(readConfig(join(dir, name))).rejects.toThrow(`config: cannot read ${join(dir, name)}: ${code}`);
  });
});

describe('profiles', () => {
  test('names -> as in the file', async () => {
    const file = await configFile({ profiles: { b: { url: 'mqtt://b' }, a: { url: 'mqtt://a' } } });
    expect(profilesOf(await readConfig(file), file, {}).names()).toEqual(['b', 'a']);
  });

  test.each(['nope', '__proto__', 'constructor'])(
    'unknown profile %s -> invalid_arguments that names those there are',
    async (name) => {
      const file = await configFile({ profiles: { plant: { url: 'mqtt://b' } } });
      const profiles = profilesOf(await readConfig(file), file, {});
      expect(await failure(profiles.open(name))).toMatchObject({
        code: 'invalid_arguments',
        hint: 'Profiles: plant.',
        problems: [{ path: '/profile', expected: expect.any(String) }],
      });
    },
  );

  test('no secrets, no files -> what the file says', async () => {
    const profile = {
      username: 'u',
      protocol_version: 4,
      keepalive_seconds: 0,
      servername: 's',
      alpn: ['mqtt'],
      verify: false,
    };
    expect(await openProfile(profile)).toEqual({
      url: 'mqtt://broker',
      username: 'u',
      protocolVersion: 4,
      keepaliveSeconds: 0,
      tls: { servername: 's', ALPNProtocols: ['mqtt'], rejectUnauthorized: false },
    });
  });

  test('a password: string, env, file, command -> read; one newline at the end is dropped', async () => {
    await mkdir(join(dir, 'sub'), { recursive: true });
    await writeFile(join(dir, 'sub', 'pass.txt'), ' säcret \r\n');
    const command = [process.execPath, '-e', 'process.stdout.write("from command\\n\\n")'];
    const passwords = [];
    for (const password of ['plain', { env: 'SECRET' }, { file: 'sub/pass.txt' }, { command }]) {
      passwords.push((await openProfile({ password }, { SECRET: 'from env' })).password);
    }
    expect(passwords).toEqual(['plain', 'from env', ' säcret ', 'from command\n']);
  });

  test('a will -> as in the file, with what an ordinary message has by default', async () => {
    const will = { topic: 'assistant/state', payload: 'offline', retain: true };
    expect((await openProfile({ will })).will).toEqual({ ...will, qos: 0 });
    expect((await openProfile({ will: { topic: 'a' } })).will).toEqual({
      topic: 'a',
      payload: '',
      qos: 0,
      retain: false,
    });
  });

  test('a will to a filter -> one line that names the key', async () => {
    await expect(openProfile({ will: { topic: 'a/#' } })).rejects.toThrow(/^config: \S+: profiles\.p\.will\.topic: /);
  });

  test.each([
    ['unix:///run/mosquitto.sock', undefined],
    ['unix:///with%20blank', undefined],
    ['unix://relative', /profiles\.p\.url: .* must be absolute/],
    ['unix://', /profiles\.p\.url: .* must be absolute/],
    [`unix:///${'x'.repeat(103)}`, /at most 103 bytes/],
  ])('the url %s -> %s', async (url, error) => {
    if (error) await expect(openProfile({ url })).rejects.toThrow(error);
    else expect((await openProfile({ url })).url).toBe(url);
  });

  test('a command runs in the folder of the config', async () => {
    const command = [process.execPath, '-p', 'process.cwd()'];
    const { password = '' } = await openProfile({ password: { command } });
    expect(password.endsWith(dir)).toBe(true);
  });

  test('secrets are read anew each time a profile is opened, never before', async () => {
    const file = await configFile({ profiles: { p: { url: 'mqtt://b', password: { file: 'later.txt' } } } });
    const profiles = profilesOf(await readConfig(file), file, {});
    await writeFile(join(dir, 'later.txt'), 'one');
    expect((await profiles.open('p')).password).toBe('one');
    await writeFile(join(dir, 'later.txt'), 'two');
    expect((await profiles.open('p')).password).toBe('two');
  });

  test('files of TLS -> their bytes, relative to the config', async () => {
    for (const name of ['ca', 'cert', 'key', 'pass']) await writeFile(join(dir, `${name}.pem`), `${name}\n`);
    const { tls } = await openProfile({
      ca_file: 'ca.pem',
      cert_file: 'cert.pem',
      key_file: join(dir, 'key.pem'),
      key_passphrase: { file: 'pass.pem' },
    });
    expect(tls).toEqual({
      ca: Buffer.from('ca\n'),
      cert: Buffer.from('cert\n'),
      key: Buffer.from('key\n'),
      passphrase: 'pass',
    });
  });

  const printsSecret = [process.execPath, '-e', 'console.log("s3cret"); console.error("s3cret"); process.exit(1)'];
  test.each<[string, object, RegExp]>([
    ['an environment variable that is not set', { password: { env: 'NOT_SET' } }, /password .*NOT_SET is not set/],
    ['a name that every object has', { password: { env: 'constructor' } }, /password .*variable it names is not set/],
    ['a file that is not there', { key_passphrase: { file: 'none' } }, /key_passphrase .*ENOENT/],
    ['a ca_file that is not there', { ca_file: 'none.pem' }, /ca_file .*ENOENT/],
    ['a command that fails', { password: { command: printsSecret } }, /password .*command failed/],
    ['a command that is not there', { password: { command: ['no-such-command'] } }, /password .*command failed/],
  ])('%s -> invalid_arguments that names the key, not what was printed', async (_what, profile, message) => {
    const error = await failure(openProfile(profile));
    expect(error.code).toBe('invalid_arguments');
    expect(error.message).toMatch(message);
    expect(JSON.stringify(error)).not.toContain('s3cret');
  });

  test.each([
    ['a pipe', 'pipe', /password .*not a regular file/],
    ['a device', '/dev/zero', /password .*not a regular file/],
    ['a folder', '.', /password .*EISDIR/],
    ['64 KiB and a byte', 'big', /password .*more than 65536 bytes/],
  ])('a password in %s -> refused at once, not read', async (_what, file, message) => {
    if (file === 'pipe') execFileSync('mkfifo', [join(dir, 'pipe')]);
    await writeFile(join(dir, 'big'), 'x'.repeat(65_537));
    const error = await failure(openProfile({ password: { file } }));
    expect(error.message).toMatch(message);
  });

  test('a file of exactly 64 KiB, and PEM of more -> read', async () => {
    await writeFile(join(dir, 'most'), 'x'.repeat(65_536));
    await writeFile(join(dir, 'many.pem'), 'x'.repeat(300_000));
    const { password, tls } = await openProfile({
      password: { file: 'most' },
      ca_file: 'many.pem',
      key_file: 'many.pem',
    });
    expect(tls?.key).toHaveLength(300_000);
    expect(password).toHaveLength(65_536);
    expect(tls?.ca).toHaveLength(300_000);
  });

  test('a command that ignores SIGTERM, and a call that ends -> killed, with the reason of the call', async () => {
    const script = join(dir, 'stubborn.sh');
    await writeFile(script, `#!/bin/sh\ntrap '' TERM\necho $$ > ${join(dir, 'pid')}\nwhile :; do sleep 0.1; done\n`);
    await chmod(script, 0o700);
    const file = await configFile({ profiles: { p: { url: 'mqtt://b', password: { command: [script] } } } });
    const ending = new AbortController();
    const opening = profilesOf(await readConfig(file), file, {}).open('p', ending.signal);
    const pid = async () => Number(await readFile(join(dir, 'pid'), 'utf8').catch(() => '0'));
    await expect.poll(pid).toBeGreaterThan(0);
    ending.abort(new Error('the call has ended'));
    await expect(opening).rejects.toThrow('the call has ended');
    const running = await pid();
    const alive = () => {
      try {
        return process.kill(running, 0);
      } catch {
        return false;
      }
    };
    await expect.poll(alive).toBe(false);
  });

  test.each(['hunter2', 'p@ss:w0rd', 'Marker'])(
    'a password in the place of a variable -> not repeated (%s)',
    async (env) => {
      const error = await failure(openProfile({ password: { env } }));
      expect(error.message).toMatch(/the environment variable it names is not set/);
      expect(JSON.stringify(error)).not.toContain(env);
    },
  );

  test('a query in the url -> the config holds a secret', () => {
    expect(holdsSecret({ url: 'wss://h/mqtt?token=x' })).toBe(true);
    expect(holdsSecret({ url: 'wss://h/mqtt' })).toBe(false);
  });

  test('a profile that is named like a url -> one line that does not repeat it', async () => {
    const file = await configFile({ profiles: { 'mqtt://u:marker@h': { url: 'mqtt://b' } } });
    const config = await readConfig(file);
    expect(() => profilesOf(config, file, {})).toThrow(/^config: \S+: profiles: a name looks like a URL/);
  });

  test('a command that reads its input -> finds it empty, and does not hang', async () => {
    const script = join(dir, 'asks.sh');
    await writeFile(script, '#!/bin/sh\ncat\necho done\n');
    await chmod(script, 0o700);
    expect((await openProfile({ password: { command: [script] } })).password).toBe('done');
  });
});

describe('secrets in the file', () => {
  test('a literal password, a token in the url -> in nothing that is kept, and opening has them', async () => {
    const url = 'wss://user:marker-pass@broker/mqtt?token=marker-token';
    const file = await configFile({
      profiles: { p: { url, password: 'marker-literal' } },
      policy: { read_only: true },
    });
    const config = await readConfig(file);
    const profiles = profilesOf(config, file, {});
    expect(config).toEqual({ policy: { read_only: true } });
    const opened = await profiles.open('p');
    expect(opened).toMatchObject({ url, password: 'marker-literal' });
    for (const kept of [config, profiles]) {
      const shown = inspect(kept, { depth: Number.POSITIVE_INFINITY, showHidden: true }) + JSON.stringify(kept);
      expect(shown).not.toContain('marker');
    }
    // What was lent is not what is kept.
    opened.password = 'spoilt';
    expect(await profiles.open('p')).toMatchObject({ url, password: 'marker-literal' });
  });

  test.each([
    'marker',
    'http://user:marker@host',
    'mqtt://user:marker@',
    'mqtt://user:marker@host:99999',
    'mqtt://host/?marker=marker',
    'mqtt://user:%zzmarker@host',
  ])('a url that is none, %s -> one line that names the key and does not repeat it', async (url) => {
    const file = await configFile({ profiles: { ok: { url: 'mqtt://b' }, x: { url } } });
    const config = await readConfig(file);
    const open = () => profilesOf(config, file, {});
    expect(open).toThrow(ConfigError);
    expect(open).toThrow(/^config: \S+: profiles\.x\.url: [^\n]+$/);
    expect(open).not.toThrow(/marker/);
  });
});
