// Owns the view in a browser as a host shows it: the served document in a sandboxed frame under the policy that the
// extension prescribes, and a record of everything that must not happen.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Frame, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { isObject } from '../../src/rpc/message.ts';
import type { Message } from '../support/streams.ts';

/** What a host must send where the resource declares no domains (SEP-1865, UI Resource Format). */
const POLICY =
  "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'none'; object-src 'none'; base-uri 'self'";

export type Given = {
  /** The document, as resources/read gives it. */
  html: string;
  args?: Message;
  result?: Message;
  /** hostContext, such as a theme. */
  context?: Message;
  /** Whether the view may call tools, and what comes of it. */
  callTool?: (params: Message) => Message | Promise<Message>;
  browser?: BrowserContextOptions;
};

export type Stage = {
  page: Page;
  view: Frame;
  /** Dialogs, requests, pop-ups, errors and broken policies; empty where all is well. */
  mishaps: string[];
  /** Everything that the view posted. */
  heard(): Promise<Message[]>;
  show(result: Message): Promise<void>;
  post(message: Message): Promise<void>;
};

export async function openView(browser: Browser, given: Given): Promise<Stage> {
  const server = await serve(given.html);
  const context = await browser.newContext({ viewport: { width: 960, height: 900 }, ...given.browser });
  onTestFinished(async () => {
    await context.close();
    server.close();
  });
  const page = await context.newPage();
  const origin = `http://127.0.0.1:${portOf(server)}`;
  const mishaps = watched(page, origin);
  await page.addInitScript(watchWork);
  const { callTool, args, context: hostContext = {} } = given;
  if (callTool) await page.exposeFunction('callTool', callTool);
  const setting = { context: hostContext, capabilities: callTool ? { serverTools: {} } : {}, args };
  await page.goto(`${origin}/#${encodeURIComponent(JSON.stringify(setting))}`);
  const view = await viewOf(page);
  await view.locator('h1').first().waitFor();
  const stage: Stage = {
    page,
    view,
    mishaps,
    heard: async () => (await page.evaluate(() => Reflect.get(window, 'host').heard)).filter(isObject),
    show: (result) => page.evaluate((one) => Reflect.get(window, 'host').result(one), result),
    post: (message) => page.evaluate((one) => Reflect.get(window, 'host').post(one), message),
  };
  if (given.result) {
    await stage.show(given.result);
    await view.locator('header').waitFor();
  }
  return stage;
}

/** At the end of the test nothing has happened that must not. */
export function quiet<T extends Stage>(stage: T): T {
  onTestFinished(() => expect(stage.mishaps).toEqual([]));
  return stage;
}

async function viewOf(page: Page): Promise<Frame> {
  const element = await page.waitForSelector('iframe');
  const frame = await element.contentFrame();
  if (!frame) throw new Error('the host shows no view');
  return frame;
}

async function serve(html: string): Promise<Server> {
  const host = readFileSync(join(import.meta.dirname, 'host.html'));
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    if (request.url === '/view') response.setHeader('content-security-policy', POLICY).end(html);
    else if (request.url === '/') response.end(host);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}

function watched(page: Page, origin: string): string[] {
  const mishaps: string[] = [];
  page.on('dialog', (dialog) => {
    mishaps.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('popup', () => mishaps.push('a window was opened'));
  page.on('pageerror', (error) => mishaps.push(`error: ${error.message}`));
  page.on('console', (message) => mishaps.push(`console: ${message.text()}`));
  page.on('request', (request) => {
    const wanted = [`${origin}/`, `${origin}/view`, `${origin}/favicon.ico`];
    if (!wanted.includes(request.url().replace(/#.*/s, ''))) mishaps.push(`request: ${request.url()}`);
  });
  return mishaps;
}

/**
 * In each document, before anything else: the longest task so far, how long the browser took at most to make a message
 * of what was posted (whoever reads `data` first waits for it), and policies that were broken.
 */
function watchWork(): void {
  Reflect.set(window, 'longest', 0);
  Reflect.set(window, 'handover', 0);
  window.addEventListener('message', (event) => {
    const since = performance.now();
    if (event.data)
      Reflect.set(window, 'handover', Math.max(Reflect.get(window, 'handover'), performance.now() - since));
  });
  const note = (list: PerformanceObserverEntryList) => {
    for (const { duration } of list.getEntries()) {
      Reflect.set(window, 'longest', Math.max(Reflect.get(window, 'longest'), duration));
    }
  };
  for (const type of ['longtask', 'long-animation-frame'])
    new PerformanceObserver(note).observe({ type, buffered: true });
  document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
    console.error(`policy: ${violatedDirective} ${blockedURI}`),
  );
}
