// Data: searching, the address as the state, disagreements settled by keys, and queues of a search.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';

const { server, boss, started } = await setting();
const researcher = await invite(boss, 'researcher', 'grace');
const [mary, joan] = [await invite(boss, 'labeller', 'mary'), await invite(boss, 'labeller', 'joan')];
const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'two each', n: 3, seed: 8, overlap: 2 });
for (const [person, said] of [[mary, { verdict: 'yes', severity: 2 }], [joan, { verdict: 'no', severity: null }]]) {
  for (let i = 0; i < 3; i++) {
    const { assignment } = await person.must('POST', `/queues/${queue.id}/next`, { holding: [] });
    await person.must('POST', `/assignments/${assignment.id}/label`, { ...said, seconds: 4, away_seconds: 0 });
  }
}
const listed = (page) => page.getByRole('group', { name: 'Snippets' }).locator('tbody tr').allInnerTexts();

test('the search and its filters stand in the address and outlive a reload', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/data`);
  await page.getByRole('group', { name: 'Snippets' }).locator('tbody tr').first().waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('horse');
  await page.keyboard.press('Enter');
  await page.waitForURL(/text=horse/);
  const ids = async () => (await listed(page)).map((row) => Number(/^\d+/.exec(row)?.[0]));
  const shows = async (what, query) => {
    const wanted = (await researcher.must('GET', `/snippets?${query}&limit=20`)).rows.map((row) => row.id);
    assert.ok(wanted.length > 0);
    await until(what, async () => JSON.stringify((await ids()).slice(0, wanted.length)) === JSON.stringify(wanted));
  };
  await shows('the list is what holds the word', 'text=horse');
  await page.getByRole('combobox', { name: 'Label', exact: true }).selectOption('yes');
  await page.waitForURL(/label=yes/);
  await shows('the list is what the filter leaves', 'text=horse&label=yes');
  await page.reload();
  await shows('the same rows after a reload', 'text=horse&label=yes');
  assert.equal(await page.getByRole('searchbox', { name: 'Text' }).inputValue(), 'horse');
  assert.equal(await page.getByRole('combobox', { name: 'Label', exact: true }).inputValue(), 'yes');
  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('x');
  await page.waitForURL((url) => !url.search);
  nothingWrong(page);
});

test('a disagreement is settled by keys, taken back and settled again', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/data`);
  await page.getByRole('navigation', { name: 'Views of the data' }).getByRole('link', { name: 'Disagreements' }).click();
  await page.waitForURL(/label=disagreement/);
  await page.getByText('they disagree').locator('visible=true').first().waitFor();
  const { rows } = await researcher.must('GET', '/snippets?label=disagreement&limit=100');
  const [first] = rows;
  await page.keyboard.press('a');
  const heading = page.getByRole('heading', { level: 1, name: /Adjudicate/ });
  await heading.waitFor();
  assert.match(await heading.innerText(), new RegExp(`snippet ${first.id}$`));
  assert.equal(await page.getByText('mary').count(), 0, 'what others said is hidden until asked for');
  await page.keyboard.press('l');
  const others = page.getByRole('region', { name: 'Who said what' });
  await others.getByText('mary').waitFor();
  await others.getByText('joan').waitFor();
  await page.keyboard.press('3');
  await until('the next one is shown', async () => !(await heading.innerText()).endsWith(`snippet ${first.id}`));
  const mine = async () => (await researcher.must('GET', `/snippets/${first.id}`)).labels.filter((label) => label.labeller === 'grace');
  assert.deepEqual((await mine()).map((label) => [label.verdict, label.severity, label.withdrawn]), [['yes', 2, null]]);
  await page.keyboard.press('u');
  await until('the first one is back', async () => (await heading.innerText()).endsWith(`snippet ${first.id}`));
  assert.ok((await mine())[0].withdrawn, 'the verdict taken back stays, marked');
  await page.keyboard.press('1');
  await until('the other verdict is stored', async () => (await mine()).some((label) => label.verdict === 'no' && !label.withdrawn));
  await page.keyboard.press('Escape');
  await page.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
  const { labels } = await researcher.must('GET', `/snippets/${first.id}`);
  assert.equal(labels.length, 4, 'nothing is lost: two labellers and two verdicts of the adjudicator');
  nothingWrong(page);
});

test('a search becomes a queue that labellers get', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/data?label=none`);
  await page.getByRole('group', { name: 'Snippets' }).locator('tbody tr').first().waitFor();
  await page.keyboard.press('q');
  await page.getByRole('spinbutton', { name: 'At most' }).fill('7');
  await page.getByRole('textbox', { name: 'Name' }).fill('Never labelled');
  await page.keyboard.press('Enter');
  await page.getByText('holds 7 snippets').waitFor();
  const made = (await mary.must('GET', '/queues')).rows.find((one) => one.name === 'Never labelled');
  assert.deepEqual([made.items, made.waiting], [7, 7]);
  nothingWrong(page);
});

test('a snippet shows its labels, scores and lineage, and what is flagged is seen and resolved', async () => {
  const flagging = await boss.must('POST', '/queues', { kind: 'random', name: 'to flag', n: 1, seed: 9 });
  const { assignment } = await mary.must('POST', `/queues/${flagging.id}/next`, { holding: [] });
  await mary.must('POST', `/assignments/${assignment.id}/flag`, { reason: 'names a real person' });
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/data?view=flags`);
  await page.getByText('names a real person').waitFor();
  await page.getByRole('button', { name: /resolve/i }).first().click();
  await until('it is resolved', async () => (await researcher.must('GET', '/flags')).rows[0].resolved);
  const [{ id }] = (await researcher.must('GET', '/snippets?labeller=mary&limit=1')).rows;
  await page.goto(`${server.origin}/data/${id}`);
  for (const name of ['Labels', 'Scores', 'Lineage']) await page.getByRole('heading', { name, exact: true }).waitFor();
  await page.getByRole('region', { name: 'Who said what' }).getByText('mary').waitFor();
  nothingWrong(page);
});
