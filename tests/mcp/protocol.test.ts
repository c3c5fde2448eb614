import { describe, expect, test } from 'vitest';
import { RpcError } from '../../src/errors.ts';
import {
  classify,
  complete,
  type LegacySession,
  legacyVersions,
  modernVersions,
  negotiate,
  progressToken,
} from '../../src/mcp/protocol.ts';
import { envelope } from '../support/streams.ts';

const p = (name: string) => `io.modelcontextprotocol/${name}`;
const session: LegacySession = { version: '2025-03-26', capabilities: { roots: {} }, logLevel: undefined };

/** What a request is served as, with an error reduced to its code. */
function era(method: string, params?: Record<string, unknown>, known?: LegacySession) {
  const found = classify(method, params, known);
  return found instanceof RpcError ? found.code : found;
}

describe('classify (protocol.md section 3)', () => {
  const legacy = { kind: 'legacy', version: '2025-11-25' };
  const modern = { kind: 'modern', version: '2026-07-28', capabilities: {}, logLevel: undefined };

  test.each([
    ['initialize, before any session', 'initialize', {}, undefined, legacy],
    ['initialize, again', 'initialize', {}, session, { ...legacy, version: '2025-03-26' }],
    ['ping without params', 'ping', undefined, undefined, legacy],
    ['a tool call of a script, without a handshake', 'tools/call', { name: 'x' }, undefined, legacy],
    ['anything in a session', 'tools/list', {}, session, { ...legacy, version: '2025-03-26' }],
    ['an empty _meta', 'tools/list', { _meta: {} }, undefined, legacy],
    ['a _meta that is no object', 'tools/list', { _meta: 'x' }, undefined, legacy],
    ['a progress token claims nothing', 'tools/call', { _meta: { progressToken: 0 } }, undefined, legacy],
    [
      'a related task claims nothing',
      'tools/call',
      { _meta: { [p('related-task')]: { taskId: 'x' } } },
      undefined,
      legacy,
    ],
    ['trace context claims nothing', 'tools/call', { _meta: { traceparent: '00-0-0-01' } }, undefined, legacy],
    ['keys outside _meta claim nothing', 'tools/call', { [p('protocolVersion')]: '2026-07-28' }, undefined, legacy],
    [
      'discover in a session -> left to the method table',
      'server/discover',
      {},
      session,
      { ...legacy, version: '2025-03-26' },
    ],
    ['discover without envelope before a session', 'server/discover', {}, undefined, -32602],
    ['discover without params before a session', 'server/discover', undefined, undefined, -32602],
    ['a whole envelope', 'tools/list', { _meta: envelope() }, undefined, modern],
    ['a whole envelope in a legacy session', 'tools/list', { _meta: envelope() }, session, modern],
    ['an envelope on initialize -> left to the method table', 'initialize', { _meta: envelope() }, undefined, modern],
    ['no clientInfo', 'tools/list', { _meta: envelope({ [p('clientInfo')]: undefined }) }, undefined, modern],
    ['unknown keys beside', 'tools/list', { _meta: envelope({ progressToken: 1, 'x.y/z': 1 }) }, undefined, modern],
    [
      'capabilities come from the request',
      'tools/list',
      { _meta: envelope({ [p('clientCapabilities')]: { sampling: {} } }) },
      session,
      { ...modern, capabilities: { sampling: {} } },
    ],
    [
      'a log level',
      'tools/list',
      { _meta: envelope({ [p('logLevel')]: 'debug' }) },
      undefined,
      { ...modern, logLevel: 'debug' },
    ],
    [
      'an unknown version',
      'tools/list',
      { _meta: envelope({ [p('protocolVersion')]: '2099-01-01' }) },
      undefined,
      -32022,
    ],
    [
      'a legacy version',
      'tools/list',
      { _meta: envelope({ [p('protocolVersion')]: '2025-11-25' }) },
      undefined,
      -32022,
    ],
    [
      'an unknown version wins over a missing key',
      'tools/list',
      { _meta: { [p('protocolVersion')]: 'x' } },
      undefined,
      -32022,
    ],
    [
      'the version is checked in a legacy session too',
      'tools/list',
      { _meta: envelope({ [p('protocolVersion')]: 'x' }) },
      session,
      -32022,
    ],
    [
      'a version that is no string',
      'tools/list',
      { _meta: envelope({ [p('protocolVersion')]: 1 }) },
      undefined,
      -32602,
    ],
    ['null as version', 'tools/list', { _meta: envelope({ [p('protocolVersion')]: null }) }, undefined, -32602],
    ['capabilities missing', 'tools/list', { _meta: { [p('protocolVersion')]: '2026-07-28' } }, undefined, -32602],
    [
      'capabilities as an array',
      'tools/list',
      { _meta: envelope({ [p('clientCapabilities')]: [] }) },
      undefined,
      -32602,
    ],
    [
      'only clientInfo claims, too',
      'tools/list',
      { _meta: { [p('clientInfo')]: { name: 'x', version: '1' } } },
      undefined,
      -32602,
    ],
    ['only a log level claims, too', 'tools/list', { _meta: { [p('logLevel')]: 'info' } }, session, -32602],
    [
      'clientInfo without version',
      'tools/list',
      { _meta: envelope({ [p('clientInfo')]: { name: 'x' } }) },
      undefined,
      -32602,
    ],
    ['an unknown log level', 'tools/list', { _meta: envelope({ [p('logLevel')]: 'loud' }) }, undefined, -32602],
  ] as const)('%s', (_name, method, params, known, expected) => {
    expect(era(method, params, known)).toEqual(expected);
  });

  test('-32022 says what is served and what was asked for', () => {
    const error = classify('m', { _meta: envelope({ [p('protocolVersion')]: '2099-01-01' }) }, undefined);
    expect(error).toMatchObject({ data: { supported: [...modernVersions], requested: '2099-01-01' } });
  });

  test('-32602 names every key that is missing or malformed', () => {
    const both = classify('m', { _meta: { [p('logLevel')]: 'info' } }, undefined);
    expect(both).toMatchObject({
      message: expect.stringContaining(`${p('protocolVersion')}, ${p('clientCapabilities')}`),
    });
    const one = classify('m', { _meta: { [p('protocolVersion')]: '2026-07-28' } }, undefined);
    expect(one).toMatchObject({ message: expect.stringContaining(p('clientCapabilities')) });
    expect(one).not.toMatchObject({ message: expect.stringContaining(p('protocolVersion')) });
  });

  test('an inherited key is no claim', () => {
    const meta = Object.create({ [p('protocolVersion')]: '2099-01-01' });
    expect(era('ping', { _meta: meta })).toEqual(legacy);
  });
});

describe('negotiate', () => {
  test.each(legacyVersions.map((version) => [version]))('%s -> itself', (version) => {
    expect(negotiate(version)).toBe(version);
  });

  test.each(['2024-10-07', '2026-07-28', '2099-01-01', '1.0', '', 'DRAFT-2026-v1'])(
    '%j -> the newest legacy one',
    (version) => {
      expect(negotiate(version)).toBe('2025-11-25');
    },
  );
});

describe('complete', () => {
  const server = { name: 'n', title: 't', version: 'v' };
  const modern = { kind: 'modern', version: '2026-07-28', capabilities: {}, logLevel: undefined } as const;
  const cache = { ttlMs: 5, cacheScope: 'private' } as const;

  test('legacy -> the result as it is, no modern field', () => {
    const result = { tools: [] };
    expect(complete({ kind: 'legacy', version: '2025-11-25' }, result, server, cache)).toEqual({ tools: [] });
  });

  test('modern -> resultType and serverInfo; cache fields where the method has them', () => {
    const _meta = { [p('serverInfo')]: server };
    expect(complete(modern, { a: 1 }, server)).toEqual({ resultType: 'complete', a: 1, _meta });
    expect(complete(modern, { a: 1 }, server, cache)).toEqual({ resultType: 'complete', a: 1, ...cache, _meta });
  });

  test('modern, with a _meta of its own -> both', () => {
    const result = { _meta: { [p('subscriptionId')]: 0 } };
    expect(complete(modern, result, server)).toEqual({
      resultType: 'complete',
      _meta: { [p('subscriptionId')]: 0, [p('serverInfo')]: server },
    });
  });

  test('modern, input_required -> keeps its type and is never cached', () => {
    const result = { resultType: 'input_required', requestState: 'x' };
    expect(complete(modern, result, server, cache)).toEqual({ ...result, _meta: { [p('serverInfo')]: server } });
  });
});

describe('progressToken', () => {
  test.each([0, 7, -1, '', 'a'])('%j -> itself', (token) => {
    expect(progressToken({ _meta: { progressToken: token } })).toBe(token);
  });

  test.each([null, 1.5, true, {}, []])('%j -> none', (token) => {
    expect(progressToken({ _meta: { progressToken: token } })).toBeUndefined();
  });

  test('no params, no _meta, a _meta that is no object -> none', () => {
    expect([undefined, {}, { _meta: 1 }, { _meta: {} }].map(progressToken)).toEqual(Array(4).fill(undefined));
  });
});
