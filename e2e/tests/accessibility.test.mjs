// Every page for everybody: axe in light and dark, no sideways scrolling on a phone, all of it by keyboard.

import assert from 'node:assert/strict';
import test from 'node:test';
import { accessible, nothingWrong, settled, until, window } from '../lib/browser.mjs';
import { Client, invite } from '../lib/client.mjs';
import { populate } from '../lib/populate.mjs';
import { menuOf, rewriting } from '../lib/rewriting.mjs';
import { setting } from '../lib/setting.mjs';

const { server, boss, started } = await setting();
const { researcher, labellers, queues } = await populate(boss);
await boss.must('POST', '/checks/suggest', { practice: 0, qualification: 0, gold: 3, seed: 1 });
const { link } = await boss.must('POST', '/people/invitations', { role: 'labeller', name: 'eve' });
const { assignment } = await labellers[0].must('POST', `/queues/${queues.random.id}/next`, { holding: [] });
await labellers[0].must('POST', `/assignments/${assignment.id}/flag`, { reason: 'the text is broken' });
const [snippet] = (await researcher.must('GET', '/snippets?label=disagreement&limit=1')).rows;
const { aided, unaided } = await rewriting(researcher, labellers);
const { id: attack } = await researcher.must('POST', '/jobs', { kind: 'attack', recipe: 'random', limit: 2, queries: 40, seed: 0 });
let attacked;
await until('the attack is over', async () => {
  const { state, run } = await researcher.must('GET', `/jobs/${attack}`);
  attacked = run;
  return state === 'done';
}, 120);
const classifier = (await researcher.must('GET', '/classifiers')).rows[0].id;
const nobody = new Client(server.origin);
const PROMPT = encodeURIComponent('The river had risen in the night. The bridge was gone, and so was the ferry.');

/** Name, who looks, the path, and what makes the page show all it has. */
const PAGES = [
  ['login', nobody, '/login'],
  ['invitation', nobody, new URL(link).pathname],
  ['queues of a labeller', labellers[0], '/label'],
  ['queues of a researcher', researcher, '/label'],
  ['label', labellers[0], `/label/${queues.random.id}`, (page) => page.getByRole('region', { name: 'Item' }).locator('.item').waitFor()],
  ['label with the guide open', labellers[1], `/label/${queues.random.id}`, (page) => page.keyboard.press('g')],
  ['compare', labellers[0], `/compare/${queues.quality.id}`, (page) => page.getByRole('region', { name: 'Left' }).waitFor()],
  ['play', researcher, `/play?prompt=${PROMPT}&draws=4&pins=1`, (page) => page.locator('li[id^="draw-"] .verdict').nth(3).waitFor()],
  ['rewrite, choosing', researcher, '/rewrite', (page) => page.getByText('time at work').waitFor()],
  ['rewriting', aided, '/rewrite', (page) => page.getByText('pushes the score up').waitFor().then(() => page.getByRole('button', { name: /changes since/ }).click())],
  ['rewriting with the menu open', aided, '/rewrite', (page) => menuOf(page)],
  ['submitting a find', aided, '/rewrite', (page) => page.getByRole('textbox', { name: 'completion' }).waitFor().then(() => page.getByRole('button', { name: /submit/ }).click())],
  ['rewriting without tools', unaided, '/rewrite', (page) => page.getByRole('textbox', { name: 'completion' }).waitFor()],
  ['rewriting tasks', researcher, '/rewrite?view=tasks', (page) => page.getByRole('heading', { name: 'Sessions' }).waitFor().then(() => page.keyboard.press('n'))],
  ['data', researcher, '/data', (page) => page.getByRole('link', { name: /^\d+$/ }).first().waitFor()],
  ['adjudicate', researcher, '/data?label=disagreement', (page) => page.getByText('they disagree').locator('visible=true').first().waitFor().then(() => page.keyboard.press('a'))],
  ['flags', researcher, '/data?view=flags'],
  ['snippet', researcher, `/data/${snippet.id}`, (page) => page.getByRole('heading', { name: 'Lineage' }).waitFor()],
  ['people', boss, '/people', (page) => page.getByText('(you)').waitFor().then(() => page.keyboard.press('i'))],
  ['audit', boss, '/people?view=audit', (page) => page.getByRole('cell').first().waitFor()],
  ['predicate', researcher, '/predicate', (page) => page.getByRole('heading', { name: /Labelling guide/ }).waitFor()],
  ['writing the guide', researcher, '/predicate', (page) => page.getByRole('heading', { name: /Labelling guide/ }).waitFor().then(() => page.keyboard.press('e'))],
  ['versions', researcher, '/predicate?view=versions'],
  ['rulings', researcher, '/predicate?view=rulings', (page) => page.getByText('asked by').first().waitFor()],
  ['check items', researcher, '/predicate?view=checks', (page) => page.getByRole('button', { name: /^Retire/ }).first().waitFor()],
  ['runs', researcher, '/runs?start=train', (page) => page.getByRole('form', { name: 'Train' }).waitFor()],
  ['run', researcher, '/runs/1', (page) => page.locator('main svg').first().waitFor()],
  ['starting an attack', researcher, '/runs?start=attack', (page) => page.getByRole('form', { name: 'Attack' }).waitFor()],
  ['run of an attack', researcher, `/runs/${attacked}`, (page) => page.getByRole('group', { name: 'Closing table' }).waitFor()],
  ['card', researcher, `/classifiers/${classifier}`, (page) => page.locator('main svg').first().waitFor()],
  ['reliability', researcher, '/reliability', (page) => page.getByText('Leak, strict').first().waitFor()],
  ['account', labellers[0], '/account'],
  ['no such page', labellers[0], '/nowhere'],
  ['not for this role', labellers[0], '/people'],
];

async function open(client, path, act, options) {
  const page = await window(started, client, { reducedMotion: 'reduce', colorScheme: 'light', ...options });
  await page.goto(server.origin + path);
  await settled(page);
  await act?.(page);
  await settled(page);
  return page;
}

/** What can be pressed and was not reached in as many presses of Tab as it takes. In long lists the first rows stand for all. */
async function unreached(page) {
  await page.evaluate(() => {
    const pressable = 'a[href], button, input, select, textarea, summary, [role="button"], [role="slider"]';
    const far = (element) => {
      const row = element.closest('tr, li');
      return row && [...row.parentElement.children].indexOf(row) > 5;
    };
    window.__left = new Set(
      [...document.querySelectorAll(pressable)].filter(
        (element) =>
          !element.matches(':disabled') &&
          element.checkVisibility({ visibilityProperty: true }) &&
          !element.closest('[inert], [aria-hidden="true"]') &&
          !far(element),
      ),
    );
    // Tab reaches one radio button of a group; the arrow keys reach the others.
    const alike = (one, other) => one.type === 'radio' && other.type === 'radio' && one.name === other.name && one.form === other.form;
    document.addEventListener('focusin', ({ target }) => {
      for (const one of window.__left) if (one === target || alike(one, target)) window.__left.delete(one);
    });
    document.activeElement?.blur();
  });
  const left = () => page.evaluate(() => [...window.__left].filter((one) => one.isConnected && one.checkVisibility()).map((one) => one.outerHTML.slice(0, 160)));
  let missed = await left();
  assert.ok(missed.length > 0, 'there is something to press');
  for (let i = 0; i < 40 && missed.length; i++) {
    for (let press = 0; press < 10; press++) await page.keyboard.press('Tab');
    missed = await left();
  }
  return missed;
}

for (const [name, client, path, act] of PAGES) {
  test(`${name}: axe in light and dark, keys, Tab, and a narrow window`, async () => {
    const page = await open(client, path, act);
    await accessible(page, `${name}, light`);
    const ink = () => page.evaluate(() => getComputedStyle(document.body).color);
    const light = await ink();
    await page.emulateMedia({ colorScheme: 'dark' });
    await until('the page is dark', async () => (await ink()) !== light);
    await page.evaluate(() => Promise.all(document.getAnimations().map((animation) => animation.finished.catch(() => undefined))));
    await accessible(page, `${name}, dark`);
    if (client !== nobody) {
      await page.evaluate(() => document.activeElement?.blur());
      await page.keyboard.press('?');
      const keys = page.getByRole('complementary', { name: 'Keys of this page' });
      await keys.waitFor();
      await accessible(page, `${name}, with its keys listed`);
      await page.keyboard.press('?');
      await keys.waitFor({ state: 'hidden' });
    }
    assert.deepEqual(await unreached(page), []);
    nothingWrong(page);
    await page.context().close();

    const narrow = await open(client, path, act, { viewport: { width: 360, height: 760 } });
    await accessible(narrow, `${name}, narrow`);
    nothingWrong(narrow);
    await narrow.context().close();
  });
}
