import { expect, test, vi } from 'vitest';
import { nodeFinding } from '../../src/doctor/node.ts';
import { createScreen, looksOf } from '../../src/doctor/screen.ts';

function screen(options: Partial<Parameters<typeof createScreen>[0]> = {}) {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  const made = createScreen({ write, terminal: false, coloured: false, columns: 40, ...options });
  return { ...made, text: () => text };
}

test('plain: a line each, no escape, no progress; the next step below what is not well', () => {
  const { heading, waits, finding, close, text } = screen();
  heading('The broker');
  waits('testing dns');
  finding({ status: 'failed', what: 'dns', detail: 'no such name', next: 'check it' });
  finding({ status: 'ok', what: 'tcp', detail: 'open', next: 'nothing' });
  close();
  expect(text()).toBe(
    '\nThe broker\n  FAILED   dns        no such name\n                      -> check it\n  ok       tcp        open\n',
  );
});

test('a terminal: what is waited for, counted by the second, gone before the next line', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  try {
    const { waits, finding, text } = screen({ terminal: true });
    waits('testing tcp');
    vi.advanceTimersByTime(2_000);
    finding({ status: 'ok', what: 'tcp', detail: 'open' });
    vi.advanceTimersByTime(5_000);
    const clear = '\r\x1b[2K';
    expect(text()).toBe(
      `${clear}  … testing tcp${clear}  … testing tcp, 1 s${clear}  … testing tcp, 2 s${clear}  ok       tcp        open\n`,
    );
  } finally {
    vi.useRealTimers();
  }
});

test('a progress line is never wider than the terminal', () => {
  const { waits, close, text } = screen({ terminal: true });
  waits('x'.repeat(200));
  close();
  expect(text().split('\r\x1b[2K')[1]).toHaveLength(39);
});

test('text of a broker moves no cursor and hides nothing', () => {
  const { finding, text } = screen({ coloured: true });
  finding({ status: 'warning', what: 'tls', detail: 'CN=\x1b]0;x\x07\r\n\u202eevil\u200b\ud800', next: '\x1b[2J' });
  expect(text()).toContain('CN=\\u{1b}]0;x\\u{7}\\u{d}\\u{a}\\u{202e}evil\\u{200b}\\u{d800}');
  expect(text().replaceAll('\x1b[33m', '').replaceAll('\x1b[0m', '')).not.toMatch(/[\x1b\x07\r\u202e\u200b]/);
});

test.each([
  ['a terminal', { terminal: true, env: {} }, { terminal: true, coloured: true }],
  ['a pipe', { terminal: false, env: {} }, { terminal: false, coloured: false }],
  ['NO_COLOR', { terminal: true, env: { NO_COLOR: '1' } }, { terminal: true, coloured: false }],
  ['an empty NO_COLOR', { terminal: true, env: { NO_COLOR: '' } }, { terminal: true, coloured: true }],
  ['a dumb terminal', { terminal: true, env: { TERM: 'dumb' } }, { terminal: false, coloured: false }],
])('%s', (_name, output, looks) => {
  expect(looksOf({ columns: undefined, ...output })).toEqual({ columns: 80, ...looks });
});

test.each([
  ['18.20.0', 'failed'],
  ['20.18.3', 'failed'],
  ['20.19.0', 'ok'],
  ['22.0.0', 'ok'],
  ['24.1.0', 'ok'],
])('Node %s -> %s', (version, status) => expect(nodeFinding(version)).toMatchObject({ status, what: 'Node' }));
