// Nothing is lost: the server killed while answers are on their way, the network gone, the page reloaded.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browser, nothingWrong, settled, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';
import { counted, shown } from '../lib/working.mjs';

const { server, boss, started } = await setting();
const another = async (page, last) => {
  await until('the next item is shown', async () => {
    const text = await shown(page);
    return text && text !== last;
  }).catch(async (error) => assert.fail(`${error.message}; the page says: ${await page.locator('main').innerText()}`));
  return shown(page);
};

/** Works a queue with one key, killing the server at the moment of every third answer. */
async function worked(page, items, key) {
  let last = '';
  for (let i = 0; i < items; i++) {
    last = await another(page, last);
    if (i % 3 !== 1) {
      await page.keyboard.press(key);
      continue;
    }
    await Promise.all([page.keyboard.press(key), server.kill()]);
    await server.start();
  }
  await page.getByRole('heading', { name: 'This queue has nothing left for you' }).waitFor();
  await until('everything is saved', async () => {
    const { saved, saving, offline } = await counted(page);
    return saved === items && saving + offline === 0;
  });
}

test('labels on their way when the server is killed are stored, each once', async () => {
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'killed', n: 9, seed: 11 });
  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(started, mary);
  await page.goto(`${server.origin}/label/${queue.id}`);
  await worked(page, queue.items, '1');
  const { rows } = await boss.must('GET', '/snippets?labeller=mary&limit=100');
  const labels = (await Promise.all(rows.map(({ id }) => boss.must('GET', `/snippets/${id}`)))).map(({ labels }) => labels.filter((label) => label.labeller === 'mary').length);
  assert.deepEqual(labels, Array(9).fill(1));
  nothingWrong(page);
});

test('comparisons on their way when the server is killed are stored, each once', async () => {
  const queue = await boss.must('POST', '/queues', { kind: 'quality', name: 'killed pairs', n: 1000 });
  const joan = await invite(boss, 'labeller', 'joan');
  const page = await window(started, joan);
  await page.goto(`${server.origin}/compare/${queue.id}`);
  await worked(page, queue.items, 'ArrowLeft');
  const { rows } = await boss.must('GET', '/people');
  assert.equal(rows.find((person) => person.name === 'joan').comparisons, queue.items);
  nothingWrong(page);
});

test('an answer that could not be sent outlives a reload, and another person at the same browser does not send it', async () => {
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'offline', n: 4, seed: 12 });
  const [kate, eve] = [await invite(boss, 'labeller', 'kate'), await invite(boss, 'labeller', 'eve')];
  const page = await window(started, kate);
  await page.goto(`${server.origin}/label/${queue.id}`);
  const first = await another(page, '');
  await page.route('**/api/assignments/**', (route) => route.abort());
  await page.keyboard.press('4');
  await until('it waits', async () => {
    const { saved, saving, offline } = await counted(page);
    return saved === 0 && saving + offline === 1;
  });
  await page.reload();
  await until('it still waits', async () => {
    const { saving, offline } = await counted(page).catch(() => ({ saving: 0, offline: 0 }));
    return saving + offline === 1;
  });
  assert.notEqual(await another(page, ''), first, 'what was answered is not asked again');

  // Somebody else signs in here meanwhile.
  const stranger = await page.context().newPage();
  const mine = (client) => {
    const [name, value] = client.cookie.split('=');
    return { name, value, url: server.origin, httpOnly: true, sameSite: 'Strict' };
  };
  await page.goto('about:blank');
  await page.context().addCookies([mine(eve)]);
  await stranger.goto(`${server.origin}/label/${queue.id}`);
  await another(stranger, '');
  await stranger.keyboard.press('1');
  await until('her own answer is saved', async () => (await counted(stranger)).saved === 1);
  await settled(stranger);
  const labels = async (name) => (await boss.must('GET', `/snippets?labeller=${name}`)).rows.length;
  assert.deepEqual([await labels('kate'), await labels('eve')], [0, 1]);
  await stranger.close();

  await page.context().addCookies([mine(kate)]);
  await page.unroute('**/api/assignments/**');
  await page.goto(`${server.origin}/label/${queue.id}`);
  await until('it is stored', async () => (await labels('kate')) === 1);
  const [row] = (await boss.must('GET', '/snippets?labeller=kate')).rows;
  assert.ok(first.includes(row.completion.trim()));
  assert.equal(row.severity, 3);
});

test('hidden gold items look like work, are counted apart, and never enter the labels', async () => {
  await boss.must('POST', '/checks/suggest', { practice: 0, qualification: 0, gold: 6, seed: 3 });
  const gold = new Map((await boss.must('GET', '/checks?limit=50')).rows.map((check) => [check.completion, check]));
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'with gold', n: 40, seed: 13 });
  const jane = await invite(boss, 'labeller', 'jane');
  let [served, hidden, ids] = [0, 0, []];
  for (;;) {
    const { assignment } = await jane.must('POST', `/queues/${queue.id}/next`, { holding: [] });
    if (!assignment) break;
    served += 1;
    assert.deepEqual([assignment.purpose, assignment.queue, assignment.kind], ['work', queue.id, 'label']);
    const known = gold.get(assignment.completion);
    if (known) hidden += 1;
    ids.push(assignment.id);
    const said = known ? { verdict: known.verdict, severity: known.severity } : { verdict: 'no', severity: null };
    const { saved, feedback } = await jane.must('POST', `/assignments/${assignment.id}/label`, { ...said, seconds: 5, away_seconds: 0 });
    assert.deepEqual([saved, feedback], [true, null], 'nothing tells that it was a check');
  }
  assert.ok(hidden > 0, 'some gold was served');
  assert.ok(ids.every((id, i) => i === 0 || id > ids[i - 1]));
  const record = (await boss.must('GET', '/people')).rows.find((person) => person.name === 'jane');
  assert.deepEqual([record.labels, record.gold.n, record.gold.value], [40, hidden, 1]);
  assert.ok(served >= 40 + hidden);
});

test('a page that comes back from the memory of the browser hears again what changes', async (t) => {
  // As people have it: the test driver switches that memory off.
  const keeping = await browser(t, { ignoreDefaultArgs: ['--disable-back-forward-cache'] });
  const researcher = await invite(boss, 'researcher', 'grace');
  const page = await window(keeping, researcher);
  const paths = ['/runs', '/data', '/people', '/predicate', '/play', '/reliability', '/runs', '/data', '/people', '/predicate'];
  for (const path of paths) {
    await page.goto(server.origin + path);
    await settled(page);
  }
  await page.evaluate(() => history.back());
  // It comes back as it was, without being loaded.
  await until('it is back', () => page.url().endsWith('/people'));
  await settled(page);
  await page.getByRole('heading', { level: 1, name: 'People' }).waitFor();
  await invite(boss, 'labeller', 'zoe');
  await page.getByText('zoe').first().waitFor();
  nothingWrong(page);
});
