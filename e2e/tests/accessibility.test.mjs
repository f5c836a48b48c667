// Every page for everybody: axe in light and dark, no sideways scrolling on a phone, all of it by keyboard.

import assert from 'node:assert/strict';
import test from 'node:test';
import { accessible, nothingWrong, until, window } from '../lib/browser.mjs';
import { Client, invite } from '../lib/client.mjs';
import { populate } from '../lib/populate.mjs';
import { setting } from '../lib/setting.mjs';

const { server, boss, started } = await setting();
const { researcher, labellers, queues } = await populate(boss);
await boss.must('POST', '/checks/suggest', { practice: 0, qualification: 0, gold: 3, seed: 1 });
const { link } = await boss.must('POST', '/people/invitations', { role: 'labeller', name: 'eve' });
const { assignment } = await labellers[0].must('POST', `/queues/${queues.random.id}/next`, { holding: [] });
await labellers[0].must('POST', `/assignments/${assignment.id}/flag`, { reason: 'the text is broken' });
const [snippet] = (await researcher.must('GET', '/snippets?label=disagreement&limit=1')).rows;
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
  ['reliability', researcher, '/reliability', (page) => page.getByText('Leak, strict').first().waitFor()],
  ['account', labellers[0], '/account'],
  ['no such page', labellers[0], '/nowhere'],
  ['not for this role', labellers[0], '/people'],
];

async function open(client, path, act, options) {
  const page = await window(started, client, { reducedMotion: 'reduce', ...options });
  await page.goto(server.origin + path);
  await page.locator('main').getByRole('heading').or(page.locator('main .title')).first().waitFor();
  await act?.(page);
  await until('nothing is on its way', async () => !(await page.locator('main [aria-busy="true"]').count()));
  return page;
}

const LOOKS = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  narrow: { colorScheme: 'light', viewport: { width: 360, height: 760 } },
};

for (const [look, options] of Object.entries(LOOKS)) {
  test(`axe finds nothing, and nothing is wider than the window: ${look}`, async (t) => {
    for (const [name, client, path, act] of PAGES) {
      await t.test(name, async () => {
        const page = await open(client, path, act, options);
        await accessible(page, `${name}, ${look}`);
        nothingWrong(page);
        await page.context().close();
      });
    }
  });
}

test('everything that can be pressed is reached by Tab, and `?` lists the keys', async (t) => {
  for (const [name, client, path, act] of PAGES) {
    await t.test(name, async () => {
      const page = await open(client, path, act);
      if (client !== nobody) {
        await page.locator('main').getByRole('heading').or(page.locator('main')).first().focus();
        await page.keyboard.press('Escape');
        await page.evaluate(() => document.activeElement?.blur());
        await page.keyboard.press('?');
        await page.getByRole('complementary', { name: 'Keys of this page' }).waitFor();
        await page.keyboard.press('?');
        await page.getByRole('complementary', { name: 'Keys of this page' }).waitFor({ state: 'hidden' });
      }
      const left = await page.evaluate(() => {
        const pressable = 'a[href], button, input, select, textarea, summary, [role="button"], [role="slider"]';
        // In long lists the first rows stand for all.
        const far = (element) => [...element.closest('tr, li')?.parentElement.children ?? []].indexOf(element.closest('tr, li')) > 5;
        const wanted = new Set(
          [...document.querySelectorAll(pressable)].filter(
            (element) => !element.disabled && element.checkVisibility({ visibilityProperty: true }) && !element.closest('[inert]') && !far(element),
          ),
        );
        window.__left = wanted;
        const all = wanted.size;
        document.addEventListener('focusin', (event) => wanted.delete(event.target));
        document.activeElement?.blur();
        return all;
      });
      assert.ok(left > 0);
      for (let i = 0; i < 400; i++) {
        await page.keyboard.press('Tab');
        if (i % 10 === 9 && (await page.evaluate(() => window.__left.size === 0))) break;
      }
      const missed = await page.evaluate(() => [...window.__left].filter((element) => element.isConnected && element.checkVisibility()).map((element) => element.outerHTML.slice(0, 160)));
      assert.deepEqual(missed, []);
      await page.context().close();
    });
  }
});
