// Runs: a training from the page with its live curve, cancelled, tried again, and outliving a killed server.

import assert from 'node:assert/strict';
import test from 'node:test';
import { nothingWrong, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { setting } from '../lib/setting.mjs';

const { server, boss, started } = await setting();
const researcher = await invite(boss, 'researcher', 'grace');
const job = (id) => researcher.must('GET', `/jobs/${id}`);
const steps = async (run) => (await researcher.must('GET', `/runs/${run}/metrics`)).series.loss?.length ?? 0;

test('a training is started, watched, cancelled, tried again, and goes on when the server is killed', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/runs`);
  await page.getByRole('heading', { name: 'Start a job' }).waitFor();
  await page.keyboard.press('1');
  await page.getByRole('form', { name: 'Train' }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill('night');
  await page.getByLabel('Epochs').fill('1');
  await page.keyboard.press('Enter');
  await page.getByText(/Job \d+ is in line/).first().waitFor();
  const [{ id }] = (await researcher.must('GET', '/jobs')).rows;
  await until('it has a run', async () => (await job(id)).run !== null);
  const { run } = await job(id);

  await page.goto(`${server.origin}/runs/${run}`);
  await page.evaluate(() => (window.__same = true));
  const curve = page.getByRole('heading', { name: 'Loss', exact: true });
  await curve.waitFor({ timeout: 60_000 });
  const points = () => page.locator('.chart').first().locator('svg path').evaluateAll((all) => all.map((path) => path.getAttribute('d')).join());
  const earlier = await points();
  await until('the curve grows', async () => (await points()) !== earlier);
  assert.equal(await page.evaluate(() => window.__same), true, 'without a reload');

  await page.getByRole('button', { name: 'Cancel' }).click();
  await until('it is cancelled', async () => (await job(id)).state === 'cancelled', 90);
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  const reached = await steps(run);
  assert.ok(reached > 0);
  await page.getByRole('button', { name: 'Retry' }).click();
  let before;
  await until('it goes on from where it stopped', async () => {
    before = await job(id);
    return before.state === 'running' && (await steps(run)) > reached;
  }, 90);
  assert.deepEqual([before.run, before.attempts], [run, 2]);

  await server.kill();
  await server.start();
  const after = await job(id);
  assert.deepEqual([after.state, after.attempts, after.run], ['running', before.attempts, before.run], 'the job is adopted, not begun again');
  const atKill = await steps(after.run);
  await until('it goes on', async () => (await steps(after.run)) > atKill, 90);
  const later = await job(id);
  assert.deepEqual([later.attempts, later.run], [before.attempts, before.run], 'nor a while later');
  await page.goto(`${server.origin}/runs`);
  await page.getByRole('button', { name: `Log of job ${id}` }).waitFor();
  await page.getByRole('button', { name: `Cancel job ${id}` }).click();
  await until('it is cancelled', async () => (await job(id)).state === 'cancelled', 90);
  await page.getByRole('button', { name: `Retry job ${id}` }).waitFor();
  nothingWrong(page);
});

test('completions are generated to the end, and log and result are there to read', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/runs?start=generate`);
  await page.getByLabel('Completions', { exact: true }).fill('1');
  await page.getByLabel('At most').fill('3');
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await page.getByText(/Job \d+ is in line/).first().waitFor();
  const [{ id }] = (await researcher.must('GET', '/jobs')).rows;
  await until('it ends', async () => !['queued', 'running'].includes((await job(id)).state), 120);
  const ended = await job(id);
  assert.equal(ended.state, 'done', ended.error);
  await page.getByRole('heading', { name: `Log of job ${id}` }).waitFor();
  await page.goto(`${server.origin}/runs/${ended.run}`);
  await page.getByRole('heading', { level: 1, name: `Run ${ended.run}: generate` }).waitFor();
  nothingWrong(page);
});

test('an attack is started from its form, and its page shows the closing table with links to its finds', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/runs?start=attack`);
  const form = page.getByRole('form', { name: 'Attack' });
  await form.waitFor();
  await until('every recipe is offered', async () => (await form.getByLabel('Recipe').locator('option').count()) > 20);
  // What an empty field leaves is said, and a recipe that compares wants a second classifier.
  await form.getByLabel('Recipe').selectOption('hotflip');
  await form.getByText('Empty: 30, as the recipe says.').waitFor();
  await form.getByLabel('Recipe').selectOption('disagree');
  await form.getByRole('button', { name: 'Start' }).click();
  await form.getByText('This recipe compares two classifiers').waitFor();
  await form.getByLabel('Recipe').selectOption('random');
  await form.getByLabel('Attempts').fill('2');
  await form.getByLabel('Queries').fill('40');
  await form.getByRole('button', { name: 'Start' }).click();
  const attack = async () => (await researcher.must('GET', '/runs')).rows.find((run) => run.kind === 'attack');
  await until('it has ended', async () => (await attack())?.status === 'done', 120);
  const { id } = await attack();
  await page.goto(`${server.origin}/runs/${id}`);
  await page.getByRole('heading', { name: 'What came of it' }).waitFor();
  await page.getByRole('rowheader', { name: 'success before labels', exact: true }).waitFor();
  assert.match(await page.locator('main').innerText(), /Refuted: no, an arguable yes/);
  assert.match(await page.getByLabel('The recipe as TOML').innerText(), /name = "random"\n/);
  const { found } = await researcher.must('GET', `/runs/${id}/attack`);
  assert.equal(await page.getByRole('link', { name: /^Snippet \d+/ }).count(), Math.min(found, 300));
  nothingWrong(page);
});
