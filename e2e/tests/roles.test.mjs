// What each role sees of the pages, and what the API says to who asks for more.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, settled, window } from '../lib/browser.mjs';
import { Client, invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';

const { server, boss, started } = await setting();
const researcher = await invite(boss, 'researcher', 'grace');
const labeller = await invite(boss, 'labeller', 'mary');
const RESEARCH = ['/reliability', '/play', '/data', '/data/1', '/people', '/runs', '/runs/1'];
const links = (page) => page.getByRole('navigation', { name: 'Pages' }).getByRole('link').allInnerTexts();

test('a labeller sees no page of researchers and gets 403 from their endpoints', async () => {
  const page = await window(started, labeller);
  await page.goto(server.origin);
  await page.waitForURL('**/label');
  await page.getByRole('heading', { level: 1, name: 'Label' }).waitFor();
  assert.deepEqual(await links(page), ['Label', 'Rewrite', 'Predicate']);
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  for (const path of RESEARCH) {
    asked.length = 0;
    await page.goto(server.origin + path);
    await page.getByText('Not for your role').waitFor();
    await settled(page);
    assert.deepEqual(asked.filter((one) => /\/api\/(?!session|events)/.test(one)), [], `${path} asks for nothing`);
  }
  await page.goto(`${server.origin}/predicate?view=checks`);
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await settled(page);
  assert.equal(await page.getByText('Suggest items').count(), 0);
  await page.goto(`${server.origin}/label`);
  await page.getByRole('heading', { level: 1, name: 'Label' }).waitFor();
  await settled(page);
  assert.equal(await page.getByRole('button', { name: /new queue/i }).count(), 0);
  nothingWrong(page);

  const refusals = [
    ['GET', '/people'], ['GET', '/snippets'], ['GET', '/snippets/1'], ['GET', '/facets'], ['GET', '/jobs'], ['GET', '/runs'],
    ['GET', '/runs/1/metrics'], ['GET', '/reliability'], ['GET', '/classifiers'], ['GET', '/checks'], ['GET', '/flags'], ['GET', '/audit'],
    ['GET', '/people/invitations'], ['POST', '/queues', { kind: 'random', n: 1 }], ['POST', '/jobs', { kind: 'train' }],
    ['POST', '/score', { snippets: [{ prompt: 'a', completion: 'b' }] }],
    ['POST', '/play/draw', { prompt: 'a', n: 1, first_draw: 0, seed: 0, classifiers: [1] }],
    ['POST', '/snippets/1/labels', { verdict: 'no' }], ['PUT', '/guide', { text: 'x', note: 'x', version: 1 }],
    ['PATCH', '/people/1', { role: 'labeller' }], ['POST', '/people/invitations', { role: 'labeller' }],
    ['POST', '/reliability/plan', { kind: 'leak', labels: 1 }], ['POST', '/checks/suggest', { practice: 1, qualification: 0, gold: 0, seed: 0 }],
    ['GET', '/rewriting/sessions'], ['POST', '/rewriting/tasks', { name: 'x', tools: 'on', snippets: [1] }], ['PATCH', '/rewriting/tasks/1', { open: false }],
  ];
  for (const [method, path, body] of refusals) {
    assert.equal((await labeller.call(method, path, body)).status, 403, `${method} ${path} of a labeller`);
    assert.equal((await new Client(server.origin).call(method, path, body)).status, 401, `${method} ${path} of nobody`);
  }
  for (const path of ['/people', '/snippets', '/runs']) assert.equal((await researcher.call('GET', path)).status, 200);
});

test('a researcher invites labellers only, and changes nobody', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/people`);
  await page.getByRole('heading', { level: 1, name: 'People' }).waitFor();
  assert.deepEqual(await links(page), ['Reliability', 'Play', 'Label', 'Rewrite', 'Data', 'Predicate', 'Runs', 'People']);
  await page.getByText('mary').first().waitFor();
  assert.equal(await page.getByRole('button', { name: /^Deactivate/ }).count(), 0);
  assert.equal(await page.getByRole('link', { name: 'Audit' }).count(), 0);
  await page.keyboard.press('i');
  await page.getByRole('combobox', { name: 'Role' }).waitFor();
  assert.deepEqual(await page.getByRole('combobox', { name: 'Role' }).locator('option').allInnerTexts(), ['labeller']);
  assert.equal((await researcher.call('POST', '/people/invitations', { role: 'admin' })).status, 403);
  assert.equal((await researcher.call('PATCH', '/people/1', { role: 'labeller' })).status, 403);
  assert.equal((await researcher.call('GET', '/audit')).status, 403);
  nothingWrong(page);
});

test('who is not signed in is led to the login page and back', async () => {
  const page = await window(started);
  await page.goto(`${server.origin}/data?text=horse`);
  await page.waitForURL(/\/login\?to=/);
  await page.getByLabel('Name').fill('grace');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/data\?text=horse/);
  await page.getByRole('searchbox', { name: 'Text' }).waitFor();

  // A way back that leads elsewhere is not taken.
  const other = await window(started, researcher);
  for (const to of ['https://example.org/', '//example.org/', '/\\example.org']) {
    await other.goto(`${server.origin}/login?to=${encodeURIComponent(to)}`);
    await other.getByRole('navigation', { name: 'Pages' }).waitFor();
    assert.equal(new URL(other.url()).origin, server.origin);
  }
  nothingWrong(page);
  nothingWrong(other);
});
