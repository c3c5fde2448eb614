import { describe, expect, test } from 'vitest';
import { besideBroker, type Listened, nothingCollected, nothingListed, nothingOnAny } from '../../src/tools/absence.ts';
import type { Look } from '../../src/tools/look-around.ts';
import { upBetween } from '../../src/tools/up-time.ts';

const listened: Listened = {
  pattern: 'home/lamp',
  seconds: 30,
  grantedQos: 0,
  retained: 'include',
  interrupted: false,
};

function looked(more: Partial<Look> & { seen?: string[] } = {}): Look {
  const { seen = [], ...rest } = more;
  const none = new Set<string>();
  const topics = new Set([...seen, ...(rest.live ?? []), ...(rest.stored ?? [])]);
  return { filter: '#', refused: false, topics, live: none, stored: none, perMinute: undefined, probes: [], ...rest };
}

const absence = (look: Look, more: Partial<Listened> = {}) => nothingCollected({ ...listened, look, ...more });

describe('nothing came', () => {
  test.each<[string, string, Look, string, RegExp]>([
    [
      'a twin in another case',
      'Home/Lamp',
      looked({ seen: ['home/lamp'] }),
      'likely',
      /"home\/lamp" exists: topics are case-sensitive/,
    ],
    ['a slash', '/home/lamp', looked({ seen: ['home/lamp'] }), 'likely', /slash/],
    ['topics below', 'home/lamp', looked({ seen: ['home/lamp/state'] }), 'likely', /add \/# to the filter/],
    ['misspelled', 'home/lampp/state', looked({ seen: ['home/lamp/state'] }), 'likely', /misspelled/],
    [
      'siblings spoke',
      'home/lamp',
      looked({ live: new Set(['home/fan']) }),
      'likely',
      /while others under "home" spoke, such as "home\/fan"/,
    ],
    ['siblings exist', 'home/lamp', looked({ seen: ['home/fan'] }), 'likely', /others exist under "home"/],
    ['others elsewhere', 'home/lamp', looked({ seen: ['x'] }), 'unknown', /No message came/],
    [
      'nothing on the broker, which moves messages',
      'home/lamp',
      looked({ perMinute: 120 }),
      'likely',
      /120 messages a minute, and this user sees none/,
    ],
    ['nothing on the broker, which is idle', 'home/lamp', looked({ perMinute: 0 }), 'likely', /nobody publishes/],
    [
      'nothing on the broker, which tells nothing',
      'home/lamp',
      looked(),
      'unknown',
      /empty, or this user may read nothing/,
    ],
    ['the look was refused', 'home/lamp', looked({ refused: true }), 'unknown', /No message came/],
  ])('%s', (_what, pattern, look, grade, verdict) => {
    const result = absence(look, { pattern });
    expect(result.grade).toBe(grade);
    expect(result.verdict).toMatch(verdict);
    expect(result.verdict).toMatch(/^[A-Z].*\.$/);
    expect(result.ruled_out).toContain('The broker refused the subscription.');
    expect(result.evidence.length).toBeGreaterThan(2);
  });

  test('stored under the filter, retained left out -> certain: the filter is right and nobody spoke', () => {
    const result = absence(looked({ stored: new Set(['home/lamp']) }), { retained: 'exclude' });
    expect(result).toMatchObject({
      grade: 'certain',
      verdict: expect.stringContaining('1 topic under it has a stored message'),
    });
    expect(result.possible.join()).not.toContain('access rules');
  });

  test('a probe under the filter was acknowledged and never came back -> certain: rules that drop in silence', () => {
    const probes = [{ topic: 'home/probe', at: 0, acknowledged: true, came: false }];
    const result = absence(looked({ probes, live: new Set(['home/fan']) }), { pattern: 'home/#' });
    expect(result).toMatchObject({ grade: 'certain', verdict: expect.stringContaining('drop in silence') });
  });

  test('a probe under the filter came back -> access rules are ruled out; one elsewhere says nothing', () => {
    const probe = { topic: 'home/probe', at: 0, acknowledged: true, came: true };
    const rules = (pattern: string) => absence(looked({ probes: [probe] }), { pattern }).possible.join();
    expect(rules('home/#')).not.toContain('access rules');
    expect(rules('plant/#')).toContain('access rules');
  });

  test('the connection was lost -> unknown, whatever else is there', () => {
    expect(absence(looked({ seen: ['home/fan'] }), { interrupted: true })).toMatchObject({ grade: 'unknown' });
  });

  test('a hostile topic beside it -> quoted, cut, nothing invisible', () => {
    const { verdict } = absence(looked({ seen: [`home/lamp/${'\u202e'.repeat(9)}${'x'.repeat(60_000)}`] }));
    expect(verdict.length).toBeLessThan(400);
    expect(verdict).not.toContain('\u202e');
  });

  test('# -> topics with $ are not covered; a leading slash and a shared subscription are named', () => {
    expect(absence(looked(), { pattern: '#' }).possible.join()).toContain('begin with $');
    expect(absence(looked(), { pattern: '/a' }).possible.join()).toContain('begins with a slash');
    expect(absence(looked(), { pattern: '$share/g/a' }).possible.join()).toContain('share group');
  });
});

describe('how long the connection was up', () => {
  test('all of the window, or what the gaps leave of it', () => {
    expect(absence(looked()).evidence).toContain('The connection was up for all of the 30 s.');
    const lost = absence(looked(), {
      interrupted: true,
      upSeconds: upBetween(0, 30_000, [{ from: 5_000, to: 9_000 }]),
    });
    expect(lost.evidence).toContain('The connection was up for 26 of the 30 s.');
    expect(upBetween(0, 30_000, [{ from: 20_000, to: undefined }])).toBe(20);
  });

  test('a listing says so too', () => {
    const end = { complete: false, evidence: 'quiet_window' } as const;
    const up = { seconds: 5, upSeconds: 2 };
    expect(nothingListed('a', 5, end, true, undefined, up).evidence).toContain(
      'The connection was up for 2 of the 5 s.',
    );
  });
});

test('several filters -> the granted QoS of each, the surest verdict, no cause ruled out for one alone', () => {
  const look = looked({ stored: new Set(['home/lamp']) });
  const all = nothingOnAny([absence(look, { pattern: 'x/y', grantedQos: 1 }), absence(look)]);
  expect(all.grade).toBe('certain');
  expect(all.evidence).toEqual(
    expect.arrayContaining(['SUBACK granted QoS 1 for "x/y".', 'SUBACK granted QoS 0 for "home/lamp".']),
  );
  expect(all.ruled_out).not.toContain('This user may not read there.');
});

test('who heard all topics -> what the broker counts and what was probed; withheld where nothing came at all', () => {
  const probes = [{ topic: 'home/probe', at: 0, acknowledged: true, came: false }];
  const nothing = besideBroker(nothingCollected(listened), { perMinute: 60, probes }, true);
  expect(nothing).toMatchObject({ grade: 'likely', verdict: expect.stringMatching(/60 messages a minute.*withhold/) });
  expect(nothing.evidence).toContain('A probe published to "home/probe" was acknowledged and never came back.');
});

describe('nothing was listed', () => {
  const ordered = { complete: true, evidence: 'ordered' } as const;

  test('proven, nothing live listened for -> certain', () => {
    expect(nothingListed('a/#', 0, ordered, false)).toMatchObject({ grade: 'certain' });
  });

  test('a quiet window -> likely; interrupted -> unknown', () => {
    expect(nothingListed('a/#', 0, { complete: true, evidence: 'quiet_window' }, false).grade).toBe('likely');
    expect(nothingListed('a/#', 5, ordered, true).grade).toBe('unknown');
  });

  test('a twin -> named', () => {
    expect(nothingListed('Home/#', 5, ordered, false, looked({ seen: ['home/lamp'] })).verdict).toContain(
      'case-sensitive',
    );
  });
});
