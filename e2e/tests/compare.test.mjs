// Comparing: every pair of the quality queue by keyboard, and nothing that tells which side the filter chose.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';
import { counted, shown } from '../lib/working.mjs';

const { server, boss, started } = await setting();
const queue = await boss.must('POST', '/queues', { kind: 'quality', name: 'Which is better', n: 1000 });
const TELLING = /filter|classif|score|threshold|accept|reject|baseline|arm\b|stratum|probability/i;

/** Every name that occurs in an answer of the API. */
const names = (value) =>
  value && typeof value === 'object' ? Object.entries(value).flatMap(([name, inner]) => [...(Array.isArray(value) ? [] : [name]), ...names(inner)]) : [];

test('all pairs by keyboard, blind, with the server killed and started again in the middle', async () => {
  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(started, mary);
  const answers = [];
  const reading = [];
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (pathname.startsWith('/api/') && response.headers()['content-type']?.includes('json')) {
      const body = response.json().catch(() => null);
      reading.push(body.then((body) => answers.push({ pathname, body })));
    }
  });
  await page.goto(`${server.origin}/label`);
  await page.getByRole('link', { name: /start|go on/i }).first().click();
  await page.waitForURL(`**/compare/${queue.id}`);

  const keys = ['ArrowLeft', 'ArrowRight', ' ', 'ArrowDown', 'x'];
  const seen = [];
  const answer = async (i) => {
    await until(`pair ${i + 1} is shown`, async () => {
      const text = await shown(page);
      return text && text !== seen.at(-1);
    });
    seen.push(await shown(page));
    for (const side of ['Left', 'Right']) assert.ok((await page.getByRole('region', { name: side }).innerText()).trim());
    // What is on the page around the texts, tooltips, names of classes and all, tells nothing.
    const around = await page.getByRole('article').evaluate((article) => {
      const copy = article.cloneNode(true);
      for (const text of copy.querySelectorAll('.item .text')) text.textContent = '';
      return copy.outerHTML;
    });
    assert.equal(TELLING.exec(around)?.[0], undefined);
    await page.keyboard.press(keys[i % keys.length]);
    if (keys[i % keys.length] === 'x') {
      await page.getByRole('group', { name: 'Why are both unusable?' }).waitFor();
      await page.keyboard.press('2');
    }
  };
  const half = Math.floor(queue.items / 2);
  for (let i = 0; i < half; i++) await answer(i);
  await until('half is saved', async () => (await counted(page)).saved === half);

  await server.kill();
  await answer(half);
  await until('an answer waits for the server', async () => {
    const { saved, saving, offline } = await counted(page);
    return saved === half && saving + offline === 1;
  });
  await server.start();
  await until('what waited is saved', async () => (await counted(page)).saved === half + 1);
  for (let i = half + 1; i < queue.items; i++) await answer(i);
  await page.getByRole('heading', { name: 'This queue has nothing left for you' }).waitFor();
  await until('everything is saved', async () => {
    const { saving, offline } = await counted(page);
    return saving + offline === 0;
  });
  assert.equal(new Set(seen).size, queue.items, 'every pair once');

  const { rows } = await boss.must('GET', '/people');
  assert.equal(rows.find((person) => person.name === 'mary').comparisons, queue.items);
  await Promise.all(reading);
  const assignments = answers.filter(({ body }) => body?.assignment);
  assert.ok(assignments.length >= queue.items);
  for (const { body } of assignments) {
    assert.deepEqual(Object.keys(body.assignment).sort(), [
      'completion', 'expires', 'id', 'kind', 'left', 'prompt', 'purpose', 'queue', 'right',
    ]);
    assert.equal(body.assignment.purpose, 'work');
  }
  for (const { pathname, body } of answers) assert.deepEqual(names(body).filter((name) => TELLING.test(name)), [], pathname);
  nothingWrong(page);
});

test('undo in Compare replaces a choice, and the ratings reach the numbers', async () => {
  const joan = await invite(boss, 'labeller', 'joan');
  await boss.must('PATCH', `/queues/${queue.id}`, { overlap: 2 });
  const page = await window(started, joan);
  await page.goto(`${server.origin}/compare/${queue.id}`);
  await until('there is a pair', () => shown(page));
  const first = await shown(page);
  await page.keyboard.press('ArrowLeft');
  await until('it is saved', async () => (await counted(page)).saved === 1);
  await page.keyboard.press('u');
  await until('the first pair is back', async () => (await shown(page)) === first);
  await page.keyboard.press('ArrowRight');
  await until('the next pair is shown', async () => (await shown(page)) !== first);
  await until('the other choice is saved', async () => {
    const { saved, saving, offline } = await counted(page);
    return saved === 1 && saving + offline === 0;
  });
  const { rows } = await boss.must('GET', '/people');
  assert.equal(rows.find((person) => person.name === 'joan').comparisons, 1, 'the choice taken back does not count');
  await until('quality has a number', async () => (await boss.must('GET', '/reliability')).quality?.by.length > 0);
  nothingWrong(page);
});
