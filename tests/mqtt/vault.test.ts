import { inspect } from 'node:util';
import nacl from 'tweetnacl';
import { afterEach, expect, test, vi } from 'vitest';
import { createVault } from '../../src/mqtt/vault.ts';

const SECRET = 'pä$$wörd 😀\0end';

afterEach(() => vi.restoreAllMocks());

test('a sealed secret opens to the same bytes, as often as wanted', () => {
  const vault = createVault();
  const sealed = vault.seal(SECRET);
  for (let i = 0; i < 3; i++) expect(vault.open(sealed, (bytes) => bytes.toString('utf8'))).toBe(SECRET);
  expect(vault.open(vault.seal(''), (bytes) => bytes.length)).toBe(0);
});

test('the opened bytes are zeroed when use returns, and when it throws', () => {
  const vault = createVault();
  const kept: Buffer[] = [];
  vault.open(vault.seal(SECRET), (bytes) => kept.push(bytes));
  expect(() =>
    vault.open(vault.seal(SECRET), (bytes) => {
      kept.push(bytes);
      throw new Error('use failed');
    }),
  ).toThrow('use failed');
  expect(kept).toHaveLength(2);
  for (const bytes of kept) {
    expect(bytes.length).toBeGreaterThan(0);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
  }
});

test('printed, serialised or listed, a sealed secret shows [sealed] only', () => {
  const sealed = createVault().seal(SECRET);
  expect(JSON.stringify({ password: sealed })).toBe('{"password":"[sealed]"}');
  expect(inspect(sealed, { showHidden: true, depth: null })).toBe('[sealed]');
  expect(inspect({ deep: [sealed] }, { depth: null })).toContain('[sealed]');
  expect(`${sealed}`).toBe('[sealed]');
  expect(inspect(sealed, { customInspect: false, showHidden: true, depth: null })).not.toMatch(/Uint8Array|Buffer|end/);
  expect(Object.isFrozen(sealed)).toBe(true);
});

test('the vault shows neither its key nor its boxes', () => {
  const vault = createVault();
  vault.seal(SECRET);
  expect(JSON.stringify(vault)).toBe('{}');
  expect(inspect(vault, { showHidden: true, depth: null })).not.toMatch(/Uint8Array|nonce/);
});

test('a tampered box throws and shows nothing', () => {
  const real = nacl.secretbox;
  for (const at of [0, 15, 16, 20]) {
    const forged = Object.assign((message: Uint8Array, nonce: Uint8Array, key: Uint8Array) => {
      const box = real(message, nonce, key);
      box[at] = (box[at] ?? 0) ^ 1;
      return box;
    }, real);
    const vault = createVault();
    nacl.secretbox = forged;
    const sealed = vault.seal(SECRET);
    nacl.secretbox = real;
    expect(() => vault.open(sealed, () => expect.fail('was opened'))).toThrow('vault: the box was tampered with');
  }
});

test('another vault, or a look-alike, opens nothing', () => {
  const vault = createVault();
  const sealed = vault.seal(SECRET);
  expect(() => createVault().open(sealed, String)).toThrow('vault: not sealed by this vault');
  expect(() => vault.open({ ...sealed }, String)).toThrow('vault: not sealed by this vault');
});

test('every seal has a nonce of its own, every vault a key of its own', () => {
  const random = vi.spyOn(nacl, 'randomBytes');
  const vault = createVault();
  createVault();
  for (let i = 0; i < 100; i++) vault.seal('same');
  const drawn = random.mock.results.map((result) => Buffer.from(result.value).toString('hex'));
  expect(drawn).toHaveLength(102);
  expect(new Set(drawn).size).toBe(102);
  expect(drawn[0]).toHaveLength(64);
  expect(drawn[2]).toHaveLength(48);
});
