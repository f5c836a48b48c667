// The first start, invitations, and what each role may do.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browser, nothingWrong, window } from '../lib/browser.mjs';
import { PASSWORD } from '../lib/client.mjs';
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
