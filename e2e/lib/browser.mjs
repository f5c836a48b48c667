// A real Chromium, and what every page must pass in it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { pause } from './nines.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** The open pages, to be described where something does not come to hold. */
const open = new Set();

/** Starts the browser; it ends with the test. */
export async function browser(t, options = {}) {
  const executablePath =
    process.env.CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium || command -v chromium-browser']).toString().trim();
  const started = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'], ...options });
  t?.after(() => started.close());
  return started;
}

/** Opens a window of its own, signed in as a client is, and hears what goes wrong in it. */
export async function window(started, client, options = {}) {
  const context = await started.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  if (client?.cookie) {
    const [name, value] = client.cookie.split('=');
    await context.addCookies([{ name, value, url: client.origin, httpOnly: true, sameSite: 'Strict' }]);
  }
  const page = await context.newPage();
  open.add(page);
  page.on('close', () => open.delete(page));
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    // A refusal that the page itself handles is also told to the console.
    if (message.type() === 'error' && !/Failed to load resource|ERR_CONNECTION|net::/.test(text)) page.wrong.push(text);
  });
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol.startsWith('http') && url.hostname !== '127.0.0.1') page.wrong.push(`asked for ${request.url()}`);
  });
  page.setDefaultTimeout(20_000);
  return page;
}

/** Waits until something holds; fails, naming it, where it does not come to hold. */
export async function until(what, holds, seconds = 60) {
  for (let i = 0; i < seconds * 10; i++) {
    if (await holds()) return;
    await pause(100);
  }
  for (const page of open) console.error(await described(page));
  assert.fail(`not within ${seconds} s: ${what}`);
}

/** What a page shows and what it keeps for the server, for whoever reads why a test failed. */
async function described(page) {
  const text = await page.locator('body').innerText({ timeout: 2000 }).catch(String);
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage })).catch(String);
  return `--- ${page.url()} showed\n${text.slice(0, 3000)}\n--- and kept ${kept.slice(0, 2000)}\n--- and said ${page.wrong.join(' | ')}`;
}

/** Waits until a page has drawn what it is about, and nothing of it is still on its way. */
export async function settled(page) {
  const main = page.locator('main');
  await main.getByRole('heading').or(main.locator('.title')).first().waitFor();
  await until(`${page.url()} is quiet`, async () => !(await main.locator('[aria-busy="true"]').count()));
}

/** Fails where the page told the console of an error, or asked another host for anything. */
export function nothingWrong(page) {
  assert.deepEqual(page.wrong, []);
}

/** Fails where axe finds something that keeps people out, or where the page is wider than the window. */
export async function accessible(page, what) {
  const session = await page.context().newCDPSession(page);
  // Not as a script of the page: its policy allows none from outside, which is what we want of it.
  const { readFile } = await import('node:fs/promises');
  const { exceptionDetails, result } = await session.send('Runtime.evaluate', {
    expression: `${await readFile(AXE, 'utf8')};
      axe.run(document, { resultTypes: ['violations'] }).then((found) => JSON.stringify(found.violations.map((one) => ({
        id: one.id, help: one.help, nodes: one.nodes.map((node) => node.html + ' ' + (node.any[0]?.message ?? '')).slice(0, 3) }))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  assert.equal(exceptionDetails, undefined, JSON.stringify(exceptionDetails));
  assert.deepEqual(JSON.parse(result.value), [], `axe on ${what}`);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(wider <= 0, `${what} is ${wider} px wider than the window`);
}
