// An ensemble on the Play page: it rules as a classifier does, and says what it is made of.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { json, nines } from '../lib/nines.mjs';
import { setting } from '../lib/setting.mjs';

let made;
const { server, boss, started } = await setting(async (folder) => {
  await nines(folder, '-q', 'train', 'classifier', '--name', 'second', '--epochs', '1', '--seed', '1', '--batch', '64');
  made = await json(folder, 'ensemble', 'create', 'both', '--member', 'injury', '--member', 'second', '--combine', 'max');
  await nines(folder, '-q', 'calibrate', '--classifier', 'both', '--fresh', '1', '--acceptance', '0.5');
});
const PROMPT = 'The knight raised his sword and charged at the bandit leader. Behind him, the village burned.';
const rows = (page) => page.locator('main li[id^="draw-"]');

test('an ensemble rules on the Play page by its members', async () => {
  assert.equal(made.ensemble, 'both v1');
  const page = await window(started, boss);
  await page.goto(`${server.origin}/play?prompt=${encodeURIComponent(PROMPT)}&seed=3&draws=4`);
  await page.getByRole('combobox', { name: 'Classifier' }).waitFor();
  assert.equal(await page.getByRole('combobox', { name: 'Classifier' }).locator('option:checked').innerText(), 'both v1');
  await page.getByText('The highest score of injury v1, second v1').waitFor();
  await until('four candidates with a verdict', async () => {
    const found = await rows(page).locator('.rulings').allTextContents();
    return found.length === 4 && found.every((ruled) => /accept|reject/i.test(ruled));
  }, 120);
  // The same snippets by the ensemble and by its members: the highest of theirs is its score.
  const texts = await rows(page).locator('.completion').allTextContents();
  const { rows: known } = await boss.must('GET', '/classifiers');
  const id = (label) => known.find((one) => one.label === label).id;
  assert.deepEqual(known.find((one) => one.label === 'both v1').ensemble, { members: ['injury v1', 'second v1'], combine: 'max' });
  const snippets = texts.map((completion) => ({ prompt: PROMPT, completion }));
  const by = async (label) => (await boss.must('POST', '/score', { classifier: id(label), snippets })).scores.map((one) => one.score);
  const [all, first, second] = [await by('both v1'), await by('injury v1'), await by('second v1')];
  for (const at of all.keys()) assert.equal(all[at], Math.max(first[at], second[at]));
  nothingWrong(page);
});
