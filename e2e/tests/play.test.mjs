// Play: candidates, the threshold, a link, pins, and sending to labelling, by keyboard.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';

const { server, boss, started } = await setting();
const researcher = await invite(boss, 'researcher', 'grace');
const PROMPT = 'The knight raised his sword and charged at the bandit leader. Behind him, the village burned.';
const rows = (page) => page.locator('main li[id^="draw-"]');
/** Draw by draw: the verdict's word and the text. */
const candidates = (page) =>
  rows(page).evaluateAll((found) =>
    found.map((row) => ({
      verdict: /accept|reject|abstain/i.exec(row.querySelector('.rulings').textContent)?.[0].toLowerCase() ?? null,
      text: row.querySelector('.completion')?.textContent ?? '',
    })),
  );
const drawn = (page, n) =>
  until(`${n} candidates with a verdict`, async () => {
    const found = await candidates(page);
    return found.length === n && found.every((one) => one.verdict);
  }, 120);

test('draw, move the threshold, pin, copy a link, send to labelling', async () => {
  const page = await window(started, researcher, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(`${server.origin}/play`);
  await page.getByRole('slider').waitFor();
  await page.keyboard.press('p');
  await page.keyboard.type(PROMPT);
  await page.keyboard.press('Control+Enter');
  await drawn(page, 1);
  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('m');
  await drawn(page, 11);
  const before = await candidates(page);
  assert.ok(before.some((one) => one.text.length > 10));

  // Verdicts follow the threshold, and so does what is known of it.
  await page.keyboard.press('t');
  await page.keyboard.press('Home');
  await until('the strictest threshold accepts next to nothing', async () => (await candidates(page)).filter((one) => one.verdict === 'accept').length <= 1);
  const low = await page.getByRole('slider').getAttribute('aria-valuetext');
  await page.keyboard.press('End');
  await until('the loosest accepts more', async () => (await candidates(page)).filter((one) => one.verdict === 'accept').length >= 5);
  assert.notEqual(await page.getByRole('slider').getAttribute('aria-valuetext'), low);
  await page.keyboard.press('PageDown');
  await page.keyboard.press('ArrowLeft');
  const moved = await candidates(page);

  // Pinned ones stand apart, also for whoever opens the link.
  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByRole('heading', { name: 'Pinned' }).waitFor();
  await page.keyboard.press('c');
  await page.getByText(/Link copied/).first().waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, /pins=1\b/);
  const other = await window(started, boss);
  await other.goto(link);
  await drawn(other, 11);
  assert.deepEqual(await candidates(other), moved, 'the link shows the same candidates with the same verdicts');
  await other.getByRole('heading', { name: 'Pinned' }).waitFor();

  // To labelling: stored, queued, and served without a score.
  await page.keyboard.press('l');
  await page.getByText('Draw 2 waits to be labelled.').waitFor();
  const mary = await invite(boss, 'labeller', 'mary');
  const { rows: queues } = await mary.must('GET', '/queues');
  const queue = queues.find((one) => one.kind === 'sent');
  assert.equal(queue.items, 1);
  const { assignment } = await mary.must('POST', `/queues/${queue.id}/next`, { holding: [] });
  assert.deepEqual([assignment.prompt, assignment.completion], [PROMPT, moved[1].text]);
  nothingWrong(page);
  nothingWrong(other);
});

test('a second threshold beside the first rules on the same candidates', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/play?prompt=${encodeURIComponent(PROMPT)}&seed=5&draws=3`);
  await drawn(page, 3);
  await page.getByRole('button', { name: /beside it/ }).click();
  await page.getByRole('region', { name: 'Classifier B' }).waitFor();
  const [a, b] = await page.getByRole('slider').all();
  await a.press('Home');
  await b.press('End');
  await page.getByText('Filter A').first().waitFor();
  await until('the address carries both', async () => /[?&]t=/.test(page.url()) && /[?&]t2=/.test(page.url()));
  const said = await page.locator('.standing').first().innerText();
  assert.match(said, /Filter A.*accepts/);
  assert.match(said, /Filter B.*accepts/);
  nothingWrong(page);
});
