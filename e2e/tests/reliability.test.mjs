// Reliability: the numbers move while labels come from elsewhere, and the next labels are two keys away.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { json } from '../lib/nines.mjs';
import { label } from '../lib/populate.mjs';
import { setting } from '../lib/setting.mjs';
import { counted, shown } from '../lib/working.mjs';

const { server, boss, started } = await setting();
const researcher = await invite(boss, 'researcher', 'grace');
const mary = await invite(boss, 'labeller', 'mary');

test('leak and quality appear and move as labels come, without a reload', async () => {
  const leak = await boss.must('POST', '/queues', { kind: 'leak', name: 'leak', n: 1000 });
  const quality = await boss.must('POST', '/queues', { kind: 'quality', name: 'quality', n: 1000 });
  const page = await window(started, researcher);
  await page.goto(server.origin);
  await page.waitForURL('**/reliability');
  await page.getByText('There is no number yet').waitFor();
  await page.evaluate(() => (window.__same = true));

  await label(mary, leak.id, 6);
  await page.getByText('Leak, strict').first().waitFor();
  const figures = () => page.locator('main .figures').first().innerText();
  const earlier = await figures();
  await label(mary, leak.id, 6, 3);
  await until('the figures move', async () => (await figures()) !== earlier);
  await label(mary, quality.id, 10);
  await page.getByText(/^Quality/).first().waitFor();
  await page.getByText('12 of 16 drawn answers labelled, 4 wait').waitFor();

  // The command line, the API and the page say the same.
  const ours = (await researcher.must('GET', '/reliability')).leak.by.find((one) => one.labels_of === 'people').strict;
  const said = (await json(server.project, 'measure', 'leak')).by.find((one) => one.labels_of === 'people').report.strict;
  for (const [of, theirs] of [['leak', said.leak], ['at_most', said.at_most]]) {
    assert.deepEqual([ours[of].value, ours[of].lower, ours[of].upper, ours[of].n], [theirs.value, theirs.lower, theirs.upper, theirs.n], of);
  }
  // Ends of intervals are rounded outwards.
  await page.getByText(`guaranteed at most ${(Math.ceil(100 * ours.at_most.upper) / 100).toFixed(2)}`).first().waitFor();
  assert.equal(await page.evaluate(() => window.__same), true, 'without a reload');
  nothingWrong(page);
});

test('what to label next becomes a queue, and labelling it moves the numbers', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/reliability`);
  const button = page.getByRole('button', { name: /^Make the queue/ }).or(page.getByRole('link', { name: /^Open the queue/ })).first();
  await button.waitFor();
  await button.focus();
  await page.keyboard.press('Enter');
  const refused = page.locator('.outcome .failed');
  const made = page.locator('.outcome .made').getByRole('link');
  await until('there is a queue or a word why not', async () => /\/(label|compare)\//.test(page.url()) || (await made.count()) || (await refused.count()));
  assert.equal(await refused.count(), 0, await refused.allInnerTexts().then((all) => all.join()));
  if (await made.count()) await made.click();
  await page.waitForURL(/\/(label|compare)\/\d+/);
  await until('there is an item', () => shown(page));
  const compares = page.url().includes('/compare/');
  await page.keyboard.press(compares ? 'ArrowLeft' : '1');
  await until('it is saved', async () => (await counted(page)).saved === 1);
  nothingWrong(page);
});
