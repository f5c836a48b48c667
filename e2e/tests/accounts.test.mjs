// The first start, invitations, and what each role may do.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browser, nothingWrong, window } from '../lib/browser.mjs';
import { PASSWORD, admin, invite, signIn } from '../lib/client.mjs';
import { Server } from '../lib/nines.mjs';
import { project } from '../lib/project.mjs';

test('the first start makes the admin, who invites a labeller, who may do less', async (t) => {
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const started = await browser(t);
  const boss = await window(started);

  await boss.goto(server.setupLink);
  await boss.getByLabel('Name').fill('ada');
  await boss.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await boss.getByLabel(/again|repeat/i).fill(PASSWORD);
  await boss.getByRole('button', { name: /create|make/i }).click();
  await boss.getByRole('navigation').first().getByRole('link', { name: 'People' }).click();
  await boss.getByRole('heading', { level: 1, name: 'People' }).waitFor();

  const again = await window(started);
  await again.goto(server.setupLink);
  await again.getByText(/used|no longer|not valid|already/i).first().waitFor();
  nothingWrong(boss);
});

test('passwords and tokens are changed on the account page, and guessing is slowed down', async (t) => {
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const boss = await admin(server);
  const mary = await invite(boss, 'labeller', 'mary');
  const elsewhere = await signIn(server.origin, 'mary');
  const page = await window(await browser(t), mary);
  await page.goto(`${server.origin}/account`);
  await page.getByLabel('Password now').fill('not this one');
  await page.getByLabel('New password', { exact: true }).fill('another horse battery');
  await page.getByLabel('New password again').fill('another horse battery');
  await page.keyboard.press('Enter');
  await page.locator('.error').waitFor();
  await page.getByLabel('Password now').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByText('The password is changed.').first().waitFor();
  assert.equal((await elsewhere.call('GET', '/session')).status, 401, 'other sessions have ended');
  assert.equal((await mary.call('GET', '/session')).status, 200, 'this one goes on');

  await page.getByRole('textbox', { name: /name/i }).last().fill('notebook');
  await page.keyboard.press('Enter');
  const field = page.getByLabel(/shown this once/);
  await field.waitFor();
  const token = await field.inputValue();
  assert.match(token, /^nines_/);
  const queues = () => fetch(`${server.origin}/api/queues`, { headers: { authorization: `Bearer ${token}` } }).then((answer) => answer.status);
  assert.equal(await queues(), 200);
  await page.reload();
  await page.getByText('notebook').first().waitFor();
  assert.ok(!(await page.content()).includes(token), 'a token is shown once');
  const revoke = page.getByRole('button', { name: /revoke|notebook/i });
  await revoke.first().click();
  await revoke.first().click();
  await page.getByText(/no longer works/).first().waitFor();
  assert.equal(await queues(), 401);
  nothingWrong(page);

  const guest = await window(await browser(t));
  await guest.goto(`${server.origin}/login`);
  await guest.getByLabel('Name').fill('mary');
  const waits = guest.getByRole('button', { name: /^Wait/ });
  for (let i = 0; i < 30 && !(await waits.count()); i++) {
    const answered = guest.waitForResponse((response) => response.url().endsWith('/api/session') && response.request().method() === 'POST');
    await guest.getByLabel('Password').fill(`guess number ${i}`);
    await guest.keyboard.press('Enter');
    if ((await answered).status() === 429) await waits.waitFor();
  }
  assert.equal(await waits.count(), 1);
});
