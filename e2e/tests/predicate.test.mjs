// Predicate: versions of the guide, rulings between labellers and researchers, and check items.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';
import { shown } from '../lib/working.mjs';

const { server, boss, started } = await setting();
const researcher = await invite(boss, 'researcher', 'grace');
const mary = await invite(boss, 'labeller', 'mary');
const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'work', n: 5, seed: 6 });

test('a ruling is asked while labelling and answered by keys', async () => {
  const hers = await window(started, mary);
  await hers.goto(`${server.origin}/label/${queue.id}`);
  await until('there is an item', () => shown(hers));
  await hers.keyboard.press('r');
  await hers.getByRole('group', { name: 'Ask for a ruling' }).waitFor();
  await hers.keyboard.type('Is a stumble an injury?');
  await hers.keyboard.press('Enter');
  await hers.getByText(/^Asked\./).first().waitFor();
  await until('it has arrived', async () => (await researcher.must('GET', '/rulings')).rows.length === 1);

  const page = await window(started, researcher);
  await page.goto(`${server.origin}/predicate?view=rulings`);
  await page.getByText('Is a stumble an injury?').first().waitFor();
  await page.keyboard.press('a');
  await page.getByLabel('Answer').waitFor();
  await page.keyboard.type('No, unless somebody is hurt by it.');
  await page.keyboard.press('Control+Enter');
  await page.getByText('1 answered').waitFor();

  await hers.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Predicate' }).click();
  await hers.getByRole('link', { name: 'Rulings' }).click();
  await hers.getByText('No, unless somebody is hurt by it.').waitFor();
  assert.equal(await hers.getByRole('button', { name: /^Change/ }).count(), 0, 'labellers do not answer');
  const [ruling] = (await researcher.must('GET', '/rulings')).rows;
  assert.ok(ruling.snippet, 'the snippet went with the question');
  nothingWrong(hers);
  nothingWrong(page);
});

test('a new version of the guide is written, compared, stored in the project and told to who labels', async () => {
  const hers = await window(started, mary);
  await hers.goto(`${server.origin}/label/${queue.id}`);
  await until('there is an item', () => shown(hers));

  const page = await window(started, researcher);
  await page.goto(`${server.origin}/predicate`);
  await page.getByRole('button', { name: /Edit/ }).waitFor();
  await page.keyboard.press('e');
  const text = page.getByLabel('Guide, in Markdown');
  const before = await text.inputValue();
  await text.fill(`${before}\n## Paper cuts\n\nA paper cut that bleeds is **clear**.\n`);
  await page.getByLabel('What changed and why').fill('paper cuts are settled');
  await page.keyboard.press('Enter');
  await page.getByText(/Saved as version 2/).first().waitFor();
  await page.getByRole('heading', { name: 'Paper cuts' }).waitFor();
  await hers.getByText(/The guide changed: version 2/).first().waitFor();
  await hers.keyboard.press('g');
  await hers.getByRole('complementary', { name: /guide/i }).getByText('Paper cuts').waitFor();

  await page.getByRole('heading', { level: 1, name: /^Predicate/ }).focus();
  await page.keyboard.press('v');
  await page.getByRole('heading', { name: 'Changes from version 1 to 2' }).waitFor();
  await page.locator('ins', { hasText: 'Paper cuts' }).first().waitFor();
  assert.equal(await page.locator('p.changed del').count(), 0, 'nothing went');
  await page.getByText('paper cuts are settled').first().waitFor();

  const config = await readFile(join(server.project, 'nines.toml'), 'utf8');
  assert.match(config, /version = 2/);
  const file = /guide = "(.+)"/.exec(config)[1];
  assert.match(await readFile(join(server.project, file), 'utf8'), /A paper cut that bleeds/);
  const { assignment } = await mary.must('POST', `/queues/${queue.id}/next`, { holding: [] });
  await mary.must('POST', `/assignments/${assignment.id}/label`, { verdict: 'no', severity: null, seconds: 3, away_seconds: 0 });
  const [{ id }] = (await researcher.must('GET', '/snippets?labeller=mary')).rows;
  const { labels } = await researcher.must('GET', `/snippets/${id}`);
  assert.match(labels.find((label) => label.labeller === 'mary').predicate, /2/, 'labels carry the version they were given under');

  // Who began from an older version is told, and nothing is overwritten.
  const late = await researcher.call('PUT', '/guide', { text: 'other', note: 'late', version: 1 });
  assert.equal(late.status, 409);
  nothingWrong(page);
  nothingWrong(hers);
});

test('check items are suggested and retired', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/predicate?view=checks`);
  await page.getByText('No check items').waitFor();
  await page.keyboard.press('s');
  for (const [label, n] of [['Practice', '2'], ['Qualification', '3'], ['Gold', '4']]) await page.getByLabel(label, { exact: true }).fill(n);
  await page.keyboard.press('Enter');
  await page.getByText('9 items were made.').waitFor();
  const purposes = (await researcher.must('GET', '/checks?limit=100')).rows.map((check) => check.purpose);
  assert.deepEqual(['practice', 'qualification', 'gold'].map((one) => purposes.filter((purpose) => purpose === one).length), [2, 3, 4]);
  await page.getByRole('button', { name: /^Retire/ }).first().click();
  await page.getByText(/is retired; answers to it stay/).waitFor();
  await until('one is out of use', async () => (await researcher.must('GET', '/checks?limit=100')).rows.filter((check) => !check.retired).length === 8);
  nothingWrong(page);
});
