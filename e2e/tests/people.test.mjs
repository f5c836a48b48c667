// People: invitations, roles, what an hour costs, and deactivation that works at once.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { PASSWORD, invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';

const { server, boss, started } = await setting();
const row = (page, name) => page.getByRole('group', { name: 'People' }).getByRole('row').filter({ hasText: name });
const status = (page, path) => page.evaluate((at) => fetch(at).then((answer) => answer.status), `/api${path}`);

test('an invitation by keyboard gives a link that works once', async () => {
  const page = await window(started, boss);
  await page.goto(`${server.origin}/people`);
  await row(page, 'ada').waitFor();
  await page.keyboard.press('i');
  await page.keyboard.type('mary');
  await page.keyboard.press('Enter');
  const field = page.getByLabel('Link for mary');
  await field.waitFor();
  const link = await field.inputValue();
  assert.ok(link.startsWith(`${server.origin}/invite/`));
  await page.getByRole('heading', { name: 'Open invitations' }).waitFor();

  const guest = await window(started);
  await guest.goto(link);
  assert.equal(await guest.getByLabel('Name').inputValue(), 'mary');
  await guest.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await guest.getByLabel(/again|repeat/i).fill(PASSWORD);
  await guest.keyboard.press('Enter');
  await guest.waitForURL('**/label');
  await guest.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Label' }).waitFor();

  const late = await window(started);
  await late.goto(link);
  await late.getByText(/used|no longer|not valid|expired/i).first().waitFor();
  await page.reload();
  await row(page, 'mary').waitFor();
  for (const one of [page, guest]) nothingWrong(one);
});

test('a role takes effect in pages and API, and can be undone', async () => {
  const joan = await invite(boss, 'labeller', 'joan');
  const page = await window(started, boss);
  await page.goto(`${server.origin}/people`);
  await page.getByRole('combobox', { name: 'Role of joan' }).selectOption('researcher');
  await page.getByText('joan is now a researcher.').first().waitFor();
  assert.equal((await joan.call('GET', '/people')).status, 200);
  const hers = await window(started, joan);
  await hers.goto(`${server.origin}/data`);
  await hers.getByRole('heading', { level: 1, name: 'Data' }).waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await until('she is a labeller again', async () => (await joan.call('GET', '/people')).status === 403);
  await hers.reload();
  await hers.getByText('Not for your role').waitFor();
  nothingWrong(page);
  nothingWrong(hers);
});

test('what an hour costs is set in its field and makes a cost', async () => {
  const kate = await invite(boss, 'labeller', 'kate');
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'paid', n: 2, seed: 4 });
  for (let i = 0; i < 2; i++) {
    const { assignment } = await kate.must('POST', `/queues/${queue.id}/next`, { holding: [] });
    await kate.must('POST', `/assignments/${assignment.id}/label`, { verdict: 'no', severity: null, seconds: 1800, away_seconds: 0 });
  }
  const page = await window(started, boss);
  await page.goto(`${server.origin}/people`);
  const cost = page.getByRole('textbox', { name: 'Cost of an hour of kate' });
  await cost.fill('21.5');
  await cost.press('Enter');
  await page.getByText('An hour of kate costs 21.5.').first().waitFor();
  await row(page, 'kate').getByText('21.50').waitFor();
  const record = (await boss.must('GET', '/people')).rows.find((one) => one.name === 'kate');
  assert.deepEqual([record.labels, record.seconds, record.labels_per_hour, record.cost], [2, 3600, 2, 21.5]);
  nothingWrong(page);
});

test('who is deactivated is out at once, everywhere', async () => {
  const eve = await invite(boss, 'labeller', 'eve');
  const { token } = await eve.must('POST', '/account/tokens', { name: 'notebook' });
  const byToken = () => fetch(`${server.origin}/api/queues`, { headers: { authorization: `Bearer ${token}` } }).then((answer) => answer.status);
  assert.equal(await byToken(), 200);
  const hers = await window(started, eve);
  await hers.goto(`${server.origin}/label`);
  await hers.getByRole('heading', { level: 1 }).waitFor();
  assert.equal(await status(hers, '/queues'), 200);

  const page = await window(started, boss);
  await page.goto(`${server.origin}/people`);
  await page.getByRole('button', { name: 'Deactivate eve' }).click();
  await page.getByText(/eve is deactivated/).first().waitFor();
  assert.equal(await status(hers, '/queues'), 401);
  assert.equal(await byToken(), 401);
  await hers.reload();
  await hers.getByRole('heading', { name: 'Sign in' }).waitFor();
  await hers.getByLabel('Name').fill('eve');
  await hers.getByLabel('Password').fill(PASSWORD);
  await hers.keyboard.press('Enter');
  await hers.locator('.error').waitFor();
  assert.match(hers.url(), /\/login/);

  await page.getByRole('button', { name: 'Activate eve' }).click();
  await page.getByText('eve may sign in again.').first().waitFor();
  await hers.getByLabel('Password').fill(PASSWORD);
  await hers.keyboard.press('Enter');
  await hers.getByRole('navigation', { name: 'Pages' }).waitFor();

  // The last admin can be neither demoted nor deactivated.
  await page.getByRole('button', { name: 'Deactivate ada' }).click();
  await page.getByText('ada was not changed').first().waitFor();
  assert.equal(await status(page, '/people'), 200);

  await page.getByRole('navigation', { name: 'Views of the people' }).getByRole('link', { name: 'Audit' }).click();
  await page.getByText(/deactivat/i).first().waitFor();
  nothingWrong(page);
});
