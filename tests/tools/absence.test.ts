import { describe, expect, test } from 'vitest';
import { type Listened, nothingCollected, nothingListed, nothingOnAny } from '../../src/tools/absence.ts';
import type { Look } from '../../src/tools/look-around.ts';
import { besideBroker } from '../../src/tools/look-verdict.ts';
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
  const said = { perMinute: undefined, counted: undefined, probes: [], at: NOW, refusalsTold: true };
  return { filter: '#', refused: false, topics, live: none, stored: none, ...said, ...rest };
}

const NOW = Date.UTC(2026, 0, 2);
/** Acknowledged and lost, `ago` seconds before the look. */
const lost = (ago: number, topic = 'home/probe') => ({ topic, at: NOW - ago * 1000, acknowledged: true, came: false });

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
      'nothing on the broker, which had a burst of messages',
      'home/lamp',
      looked({ perMinute: 3_000, counted: 0 }),
      'unknown',
      /3000 messages a minute of late.* may withhold them/,
    ],
    [
      'nothing on the broker, which tells of itself once',
      'home/lamp',
      looked({ perMinute: 3_000 }),
      'unknown',
      /may withhold them/,
    ],
    [
      'nothing on the broker, which got messages meanwhile',
      'home/lamp',
      looked({ perMinute: 120, counted: 20 }),
      'likely',
      /got 20 messages while .* saw none of them: its access rules withhold them/,
    ],
    [
      'a numbered sibling spoke',
      'plant/sensor3/state',
      looked({ live: new Set(['plant/sensor1/state']) }),
      'likely',
      /while others under "plant" spoke, such as "plant\/sensor1\/state"/,
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

  describe('a probe under the filter was acknowledged and never came back', () => {
    const drops = (look: Partial<Look>, more: Partial<Listened> = {}) =>
      absence(looked({ live: new Set(['home/fan']), ...look }), { pattern: 'home/p/+', ...more });
    const probes = [lost(5, 'home/p/probe')];

    test('MQTT 5, which tells refusals -> certain: what would be read is dropped in silence; its age is told', () => {
      const result = drops({ probes });
      expect(result.grade).toBe('certain');
      expect(result.verdict).toMatch(/published to "home\/p\/probe" 5 s ago was acknowledged.*drop in silence/);
      expect(result.possible[0]).toBe('This user may not read there.');
      expect(result.possible.join()).not.toContain('not write');
    });

    test('MQTT 3.1.1, which does not tell read from write -> likely, and both are named', () => {
      const result = drops({ probes, refusalsTold: false });
      expect(result).toMatchObject({ grade: 'likely', verdict: expect.stringContaining('drop in silence') });
      expect(result.possible.join()).toMatch(/may not read there.*may not write there.*listen longer/);
    });

    test('not acknowledged -> nothing is known of reading', () => {
      const result = drops({ probes: probes.map((probe) => ({ ...probe, acknowledged: false })) });
      expect(result.verdict).not.toContain('probe');
      expect(result.evidence).toContain('A probe published to "home/p/probe" 5 s ago never came back.');
    });

    test.each([
      [90, 'certain'],
      [91, 'likely'],
    ])('%i s before the end of a window of 30 s -> %s', (ago, grade) => {
      expect(drops({ probes: [lost(ago, 'home/p/probe')] }).grade).toBe(grade);
    });

    test('of long ago, and of a broker that does not tell refusals -> evidence with its age, no verdict', () => {
      const result = drops({ probes: [lost(300, 'home/p/probe')], refusalsTold: false });
      expect(result.verdict).not.toContain('probe');
      const told = 'A probe published to "home/p/probe" 5 min ago was acknowledged and never came back.';
      expect(result.evidence).toContain(told);
    });

    test.each([true, false])(
      'a stored message under the filter was read -> not withheld; refusals told: %j',
      (told) => {
        const result = drops({ probes, refusalsTold: told, stored: new Set(['home/p/a']) }, { retained: 'exclude' });
        expect(result).toMatchObject({ grade: 'likely', verdict: expect.stringContaining('the filter is right') });
        expect(result.verdict).not.toContain('drop');
        expect(result.ruled_out).toContain('This user may read nothing there.');
        expect(result.possible.join()).toMatch(told ? /"home\/p\/probe" is withheld/ : /may not write there/);
      },
    );

    test('one under it spoke just after the window -> the window was too short', () => {
      const verdict = expect.stringMatching(/one topic under it spoke in the second after: the filter is right/);
      expect(drops({ probes, live: new Set(['home/p/a']) })).toMatchObject({ grade: 'likely', verdict });
      expect(drops({ live: new Set(['home/p/a']) })).toMatchObject({ grade: 'certain', verdict });
    });

    test('one under it was read on this session before -> no more than likely, in MQTT 3.1.1 no verdict', () => {
      const seen = ['home/p/a'];
      expect(absence(looked({ probes, seen }), { pattern: 'home/p/+' }).grade).toBe('likely');
      const old = absence(looked({ probes, seen, refusalsTold: false }), { pattern: 'home/p/+' });
      expect(old.verdict).not.toContain('probe');
      expect(old.evidence).toContain('This session saw 1 topics under the filter before.');
    });

    test('a listing -> the same', () => {
      const end = { complete: true, evidence: 'ordered' } as const;
      const listed = (refusalsTold: boolean) =>
        nothingListed('home/p/+', 2, end, false, looked({ probes, refusalsTold }));
      expect([listed(true).grade, listed(false).grade]).toEqual(['certain', 'likely']);
    });
  });

  test('a probe under the filter came back -> access rules are ruled out; one elsewhere or of long ago says nothing', () => {
    const rules = (pattern: string, ago = 1) =>
      absence(looked({ probes: [{ ...lost(ago), came: true }] }), { pattern }).possible.join();
    expect(rules('home/#')).not.toContain('access rules');
    expect(rules('plant/#')).toContain('access rules');
    expect(rules('home/#', 400)).toContain('access rules');
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
  const glance = { perMinute: 60, counted: 30, probes: [lost(7)], at: NOW, refusalsTold: true };
  const nothing = besideBroker(nothingCollected(listened), glance, true);
  expect(nothing).toMatchObject({ grade: 'likely', verdict: expect.stringMatching(/got 30 messages.*withhold/) });
  expect(nothing.evidence).toContain('A probe published to "home/probe" 7 s ago was acknowledged and never came back.');
  expect(besideBroker(nothingCollected(listened), { ...glance, counted: 9 }, true).grade).toBe('unknown');
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
