// Labelling: the heart. Nothing is lost, nothing is given twice, and nothing needs a mouse.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browser, nothingWrong, until, window } from '../lib/browser.mjs';
import { admin, invite } from '../lib/client.mjs';
import { Server } from '../lib/nines.mjs';
import { project } from '../lib/project.mjs';
import { counted, shown } from '../lib/working.mjs';

test('thirty items by keyboard, with the server killed and started again in the middle', async (t) => {
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const boss = await admin(server);
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'thirty', n: 30, seed: 1 });
  assert.equal(queue.items, 30);
  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(await browser(t), mary);
  await page.goto(`${server.origin}/label`);
  await page.getByRole('link', { name: /start|go on/i }).first().waitFor();
  await page.goto(`${server.origin}/label/${queue.id}`);

  const keys = ['1', '3', '1', '4', '5', '2'];
  const texts = [];
  const answer = async (i) => {
    await until(`item ${i + 1} is shown`, async () => {
      const text = await shown(page);
      return text && text !== texts.at(-1);
    });
    texts.push(await shown(page));
    await page.keyboard.press(keys[i % keys.length]);
  };

  for (let i = 0; i < 12; i++) await answer(i);
  await until('12 are saved', async () => (await counted(page)).saved === 12);

  await server.kill();
  await answer(12);
  await until('an answer waits for the server', async () => {
    const { saved, saving, offline } = await counted(page);
    return saved === 12 && saving + offline === 1;
  });
  await server.start();
  await until('what waited is saved', async () => (await counted(page)).saved === 13);

  // A reload loses neither what is saved nor where one was.
  await page.reload();
  for (let i = 13; i < 30; i++) await answer(i);
  await page.getByText(/nothing (is )?left|all done|done|no more/i).first().waitFor();
  await until('everything is saved', async () => (await boss.must('GET', '/people')).rows.find((person) => person.name === 'mary').labels === 30);
  nothingWrong(page);

  const { rows } = await boss.must('GET', '/people');
  assert.equal(rows.find((person) => person.name === 'mary').labels, 30);
  const found = await boss.must('GET', '/snippets?labeller=mary&limit=100');
  assert.equal(found.rows.length, 30, 'thirty different snippets carry her label');
  const labels = (await Promise.all(found.rows.map((row) => boss.must('GET', `/snippets/${row.id}`)))).flatMap((one) =>
    one.labels.filter((label) => label.labeller === 'mary'),
  );
  assert.equal(labels.length, 30, 'each once');
  const verdicts = { no: 0, yes: 0, unsure: 0 };
  for (const label of labels) verdicts[label.verdict] += 1;
  assert.deepEqual(verdicts, { no: 10, yes: 15, unsure: 5 });
  assert.ok(labels.every((label) => label.seconds >= 0 && label.seconds < 120));
});

test('undo takes back the last answer, and the next one replaces it', async (t) => {
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const boss = await admin(server);
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'undo', n: 5, seed: 2 });
  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(await browser(t), mary);
  await page.goto(`${server.origin}/label/${queue.id}`);
  await until('there is text', () => shown(page));
  const first = await shown(page);
  await page.keyboard.press('4');
  await until('it is saved', async () => (await counted(page)).saved === 1);
  await page.keyboard.press('u');
  await until('the first item is back', async () => (await shown(page)) === first);
  await page.keyboard.press('1');
  await until('the other answer is saved', async () => {
    const { saved, saving, offline } = await counted(page);
    return saved === 1 && saving + offline === 0 && (await shown(page)) !== first;
  });
  const found = await boss.must('GET', '/snippets?labeller=mary');
  assert.equal(found.rows.length, 1);
  assert.equal(found.rows[0].adjudication.broad, false);
  const { labels } = await boss.must('GET', `/snippets/${found.rows[0].id}`);
  assert.deepEqual(labels.map((label) => [label.verdict, label.withdrawn !== null]), [['yes', true], ['no', false]]);

  // The guide is one key away, and skipping takes a reason by keyboard.
  await page.keyboard.press('g');
  await page.getByRole('complementary', { name: /guide/i }).getByText(/introduce an injury/).first().waitFor();
  await page.keyboard.press('g');
  const second = (await shown(page));
  await page.keyboard.press('s');
  await page.getByText('Why skip it?').waitFor();
  await page.keyboard.press('1');
  await until('the next item is shown', async () => (await shown(page)) !== second);
  assert.equal((await boss.must('GET', '/snippets?labeller=mary')).rows.length, 1, 'a reason is no label');
  nothingWrong(page);
});

test('two labellers at once are never given one item, unless overlap is asked for', async (t) => {
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const boss = await admin(server);
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'shared', n: 24, seed: 3 });
  const both = await boss.must('POST', '/queues', { kind: 'random', name: 'both', n: 4, seed: 4, overlap: 2 });
  const started = await browser(t);
  const people = await Promise.all(['mary', 'joan'].map((name) => invite(boss, 'labeller', name)));
  const pages = await Promise.all(people.map((person) => window(started, person)));
  const seen = await Promise.all(
    pages.map(async (page) => {
      await page.goto(`${server.origin}/label/${queue.id}`);
      const texts = [];
      for (let i = 0; i < 10; i++) {
        await until('an item', async () => {
          const text = await shown(page);
          return text && text !== texts.at(-1);
        });
        texts.push(await shown(page));
        await page.keyboard.press('1');
      }
      await until('all saved', async () => (await counted(page)).saved === 10);
      return texts;
    }),
  );
  assert.equal(new Set(seen.flat()).size, 20);

  for (const person of people) {
    let answered = 0;
    for (;;) {
      const { assignment } = await person.must('POST', `/queues/${both.id}/next`, { holding: [] });
      if (!assignment) break;
      await person.must('POST', `/assignments/${assignment.id}/label`, { verdict: 'no', severity: null, seconds: 1, away_seconds: 0 });
      answered += 1;
    }
    assert.ok(answered >= 4, 'each of the two answers all four');
  }
});

test('an invited labeller practises, qualifies, and only then labels', async (t) => {
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const boss = await admin(server);
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'real', n: 5, seed: 5 });
  await boss.must('POST', '/checks/suggest', { practice: 2, qualification: 5, gold: 0, seed: 1 });
  const checks = (await boss.must('GET', '/checks?limit=50')).rows;
  const mary = await invite(boss, 'labeller', 'mary');
  const refused = await mary.call('POST', `/queues/${queue.id}/next`, { holding: [] });
  assert.equal(refused.status, 403);
  assert.equal(refused.body.type, '/problems/unqualified');

  const page = await window(await browser(t), mary);
  await page.goto(`${server.origin}/label`);
  await page.getByRole('link', { name: 'Begin' }).click();
  await page.getByRole('heading', { name: 'First, some practice' }).waitFor();
  await page.keyboard.press('Enter');
  const check = async (what) => {
    await until(what, () => shown(page));
    const text = await shown(page);
    const found = checks.find((one) => text.includes(one.completion.trim()));
    assert.ok(found, `the shown item is a check: ${text}`);
    await page.keyboard.press(found.verdict === 'yes' ? '4' : '1');
    return text;
  };
  for (let i = 0; i < 2; i++) {
    const text = await check(`practice item ${i + 1}`);
    // The item stays until the labeller has read what was agreed on.
    await page.getByText('As agreed.').waitFor();
    assert.equal(await shown(page), text);
    await page.keyboard.press('Enter');
    await until('practice goes on', async () => (await shown(page)) !== text);
  }
  await page.getByRole('heading', { name: 'Now the test' }).waitFor();
  await page.keyboard.press('Enter');
  for (let i = 0; i < 5; i++) {
    const text = await check(`test item ${i + 1}`);
    await until('the test goes on', async () => (await shown(page)) !== text);
  }
  await until('she is qualified', async () => (await mary.must('GET', '/labelling/standing')).qualified);
  const { assignment } = await mary.must('POST', `/queues/${queue.id}/next`, { holding: [] });
  assert.ok(assignment);
  const { rows } = await boss.must('GET', '/people');
  const record = rows.find((person) => person.name === 'mary');
  assert.deepEqual([record.labels, record.qualified], [0, true], 'practice and the test count as nothing');
  nothingWrong(page);
});
