// A sweep from the page: started, watched, brushed by keyboard, cancelled, tried again; and the cards of classifiers.

import assert from 'node:assert/strict';
import test from 'node:test';
import { accessible, nothingWrong, settled, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { nines } from '../lib/nines.mjs';
import { tiny, TRAIN } from '../lib/tiny.mjs';

const { server, boss, started } = await tiny(60, async (project) => {
  await nines(project, '-q', ...TRAIN, '--epochs', '3');
  await nines(project, '-q', ...TRAIN, '--epochs', '6', '--seed', '1');
});
const researcher = await invite(boss, 'researcher', 'grace');
const job = (id) => researcher.must('GET', `/jobs/${id}`);
const trials = async (run) => (await researcher.must('GET', `/runs/${run}/trials`)).rows;

const SWEEP = `seeds = [0, 1]
folds = 2

[recipe]
epochs = 2
batch_size = 8
head_rate = 1.0

[[cells]]
name = "slow"
recipe = { learning_rate = 1e-5 }

[[cells]]
name = "middle"
recipe = { learning_rate = 1e-3 }

[[cells]]
name = "quick"
recipe = { learning_rate = 5e-3, warmup = 0.3 }
`;

let run;

test('a sweep is started from the page, watched while it runs, and is the table that it draws', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/runs`);
  await page.getByRole('heading', { name: 'Start a job' }).waitFor();
  await page.keyboard.press('8');
  const form = page.getByRole('form', { name: 'Sweep' });
  await form.waitFor();
  await form.getByRole('button', { name: 'Start' }).click();
  await form.getByText('Choose a file, or paste its text.').waitFor();
  await page.getByLabel('Sweep file').fill('[[cells]]\nname = "../up"');
  await form.getByRole('button', { name: 'Start' }).click();
  await form.getByRole('alert').getByText('no name of a cell').waitFor();
  await page.getByLabel('Choose a file').setInputFiles({ name: 'sweep.toml', mimeType: 'application/toml', buffer: Buffer.from(SWEEP) });
  await until('the chosen file is read', async () => (await page.getByLabel('Sweep file').inputValue()) === SWEEP);
  await form.getByRole('button', { name: 'Start' }).click();
  await page.getByText(/Job \d+ is in line/).first().waitFor();
  const [{ id }] = (await researcher.must('GET', '/jobs')).rows;
  await until('it has its trials', async () => {
    ({ run } = await job(id));
    return run !== null && (await trials(run)).length === 6;
  });

  await page.goto(`${server.origin}/runs/${run}`);
  await page.evaluate(() => (window.__same = true));
  const table = page.getByRole('table', { name: 'Cells of the sweep, seeds together' });
  await table.waitFor();
  assert.equal(await table.getByRole('row').count(), 4, 'a head and a row for each cell');
  await until('it ends', async () => (await job(id)).state === 'done', 180);
  await until('the page shows the last number', async () => (await table.getByText('2 of 2 seeds').count()) === 3);
  assert.equal(await page.evaluate(() => window.__same), true, 'without a reload');
  // Every number stands with its interval.
  const [first] = await trials(run);
  const auroc = first.together.find((number) => number.what === 'AUROC').value;
  assert.ok(auroc.lower <= auroc.value && auroc.value <= auroc.upper);
  const shown = await table.locator('.estimate').allInnerTexts();
  assert.equal(shown.length, 12, 'four numbers of three cells');
  for (const text of shown) assert.match(text, /\[.+, .+\]/);
  await page.getByRole('heading', { level: 1, name: `Run ${run}: sweep` }).waitFor();
  nothingWrong(page);
});

test('an axis is narrowed by keyboard alone, and the table follows', async () => {
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/runs/${run}`);
  const table = page.getByRole('table', { name: 'Cells of the sweep, seeds together' });
  await table.waitFor();
  const handle = page.getByRole('slider', { name: 'learning rate: at least' });
  await handle.focus();
  assert.equal(await handle.getAttribute('aria-valuetext'), '1e-5');
  for (let i = 0; i < 10; i++) await page.keyboard.press('ArrowUp');
  await until('the slow cell is left out', async () => (await table.getByRole('row').count()) === 3);
  assert.equal(await table.getByText('slow').count(), 0);
  await page.getByText('2 of 3 lines').waitFor();
  await page.keyboard.press('Delete');
  await until('all are back', async () => (await table.getByRole('row').count()) === 4);
  await page.keyboard.press('End');
  await until('only the quick one is left', async () => (await table.getByRole('row').count()) === 2);
  await page.keyboard.press('f');
  await until('all are back', async () => (await table.getByRole('row').count()) === 4);
  // Sorted by a column, by keyboard; each seed by itself.
  await table.getByRole('button', { name: 'Cell' }).focus();
  await page.keyboard.press('Enter');
  await until('the names are in order', async () => /slow/.test(await table.getByRole('row').nth(1).innerText()));
  await page.keyboard.press('a');
  const apart = page.getByRole('table', { name: 'Trials of the sweep' });
  await apart.waitFor();
  assert.equal(await apart.getByRole('row').count(), 7);
  nothingWrong(page);
});

test('a sweep is cancelled and goes on from what it has', async () => {
  const longer = SWEEP.replace('seeds = [0, 1]', 'seeds = [0, 1, 2, 3, 4, 5]').replace('epochs = 2', 'epochs = 30');
  const { id } = await researcher.must('POST', '/jobs', { kind: 'sweep', file: longer });
  await until('a trial is done', async () => {
    const { run } = await job(id);
    return run !== null && (await trials(run)).some((trial) => trial.state === 'done');
  }, 180);
  await researcher.must('POST', `/jobs/${id}/cancel`);
  await until('it is cancelled', async () => (await job(id)).state === 'cancelled', 90);
  const { run: stopped } = await job(id);
  const kept = (await trials(stopped)).filter((trial) => trial.state === 'done');
  assert.ok(kept.length >= 1 && kept.length < 18);
  assert.ok((await trials(stopped)).every((trial) => trial.state !== 'running'));
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/runs/${stopped}`);
  await page.getByRole('button', { name: 'Retry' }).click();
  await until('it goes on', async () => (await trials(stopped)).filter((trial) => trial.state === 'done').length > kept.length, 180);
  const again = await trials(stopped);
  assert.deepEqual(again.filter((trial) => kept.some((one) => one.position === trial.position)), kept, 'what it had is kept');
  assert.equal((await job(id)).run, stopped);
  await researcher.must('POST', `/jobs/${id}/cancel`);
  await until('it is cancelled', async () => (await job(id)).state === 'cancelled', 90);
  nothingWrong(page);
});

test('classifiers have cards, alone and side by side, reached from where they are named', async () => {
  const { rows } = await researcher.must('GET', '/classifiers');
  const [newer, older] = rows;
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/runs`);
  await page.getByRole('link', { name: newer.label }).first().click();
  await page.getByRole('heading', { level: 1, name: newer.label }).waitFor();
  await page.getByRole('heading', { name: `Numbers of ${newer.label}` }).waitFor();
  await page.getByText('test split, pooled').first().or(page.getByText('test split').first()).waitFor();
  const estimates = await page.locator('main .estimate').allInnerTexts();
  assert.ok(estimates.length > 0);
  for (const text of estimates) assert.match(text, /\[.+, .+\] 95/);
  await page.getByLabel('Beside it').selectOption(String(older.id));
  await page.getByRole('heading', { level: 1, name: `${newer.label} and ${older.label}` }).waitFor();
  assert.match(page.url(), new RegExp(`/classifiers/${newer.id}\\?with=${older.id}$`));
  const both = page.getByRole('group', { name: 'Options and numbers of both' });
  assert.match(await both.getByRole('row', { name: /^epochs/ }).innerText(), /6\s+3/);
  await page.getByRole('button', { name: 'Change sides' }).click();
  await page.getByRole('heading', { level: 1, name: `${older.label} and ${newer.label}` }).waitFor();
  await page.goto(`${server.origin}/classifiers/987654`);
  await page.getByRole('heading', { level: 1, name: 'Classifier 987654' }).waitFor();
  await page.getByRole('button', { name: 'Try again' }).waitFor();
  await page.goto(`${server.origin}/play`);
  await page.getByRole('link', { name: `card of ${newer.label}` }).click();
  await page.getByRole('heading', { level: 1, name: newer.label }).waitFor();
  nothingWrong(page);
});

test('the pages of sweeps and cards are for everybody: axe, light and dark, and a narrow window', async () => {
  const { rows } = await researcher.must('GET', '/classifiers');
  const pages = [
    ['a sweep', `/runs/${run}`, (page) => page.getByRole('slider').first().waitFor()],
    ['starting a sweep', '/runs?start=sweep', (page) => page.getByRole('form', { name: 'Sweep' }).waitFor()],
    ['a card', `/classifiers/${rows[0].id}`, (page) => page.locator('main svg').first().waitFor()],
    ['two cards', `/classifiers/${rows[0].id}?with=${rows[1].id}`, (page) => page.getByRole('heading', { name: 'Side by side' }).waitFor()],
  ];
  for (const [what, path, shown] of pages) {
    for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark' }, { colorScheme: 'light', viewport: { width: 360, height: 760 } }]) {
      const page = await window(started, researcher, { reducedMotion: 'reduce', ...options });
      await page.goto(server.origin + path);
      await settled(page);
      await shown(page);
      await settled(page);
      await accessible(page, `${what}, ${JSON.stringify(options)}`);
      nothingWrong(page);
      await page.context().close();
    }
  }
});
