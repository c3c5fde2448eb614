// Owns a Chromium for the tests: finding it, installing it, starting it. Never skips.
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { canInstall, install } from '../support/apt.ts';
import { isProgram } from '../support/is-program.ts';

/** A browser may have to be installed first. */
export const STARTUP_MS = 300_000;

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** CHROMIUM, the first on PATH, or the distribution's, installed where that is possible. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM || find() || (await installed());
  // A container has little shared memory, and root has no sandbox; the pages here are our own.
  const args = ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb', '--disable-lcd-text'];
  return chromium.launch({ executablePath, args });
}

function find(): string | undefined {
  const dirs = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return dirs.flatMap((dir) => names.map((name) => join(dir, name))).find(isProgram);
}

async function installed(): Promise<string> {
  if (!canInstall()) {
    throw new Error('no Chromium for the tests: install it (apt install chromium), or set CHROMIUM to the path of one');
  }
  process.stderr.write("[browser] no Chromium here: installing the distribution's with apt-get\n");
  await install('chromium', '/usr/bin/chromium');
  const path = find();
  if (path === undefined) throw new Error('apt-get installed chromium, but there is none on PATH');
  return path;
}
