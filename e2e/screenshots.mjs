// Pictures of every page, light, dark and narrow, into docs/pictures.
//
//     node screenshots.mjs [--out FOLDER] [PAGE…]

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { attacked } from './lib/attacking.mjs';
import { browser, window } from './lib/browser.mjs';
import { Client, admin } from './lib/client.mjs';
import { Server, pause } from './lib/nines.mjs';
import { populate } from './lib/populate.mjs';
import { project } from './lib/project.mjs';
import { menuOf, rewriting } from './lib/rewriting.mjs';
import { swept } from './lib/tiny.mjs';

const { values, positionals } = parseArgs({
  options: { out: { type: 'string', default: resolve(import.meta.dirname, '../docs/pictures') } },
  allowPositionals: true,
});

const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  narrow: { colorScheme: 'light', viewport: { width: 360, height: 760 } },
};

const ends = [];
const t = { after: (end) => ends.unshift(end) };
try {
  await mkdir(values.out, { recursive: true });
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const boss = await admin(server);
  const { researcher, labellers, queues } = await populate(boss);
  const snippet = (await researcher.must('GET', '/snippets?label=disagreement&limit=1')).rows[0];
  const { aided } = await rewriting(researcher, labellers);
  const started = await browser(t);
  const pages = [
    ['login', new Client(server.origin), '/login'],
    ['queues', labellers[0], '/label'],
    ['label', labellers[0], `/label/${queues.random.id}`],
    ['compare', labellers[0], `/compare/${queues.quality.id}`],
    ['play', researcher, '/play', play],
    ['rewrite', aided, '/rewrite', rewrite],
    ['rewriting-tasks', researcher, '/rewrite?view=tasks'],
    ['data', researcher, '/data'],
    ['snippet', researcher, `/data/${snippet?.id ?? 1}`],
    ['people', boss, '/people'],
    ['predicate', researcher, '/predicate'],
    ['runs', researcher, '/runs'],
    ['start-attack', researcher, '/runs?start=attack'],
    ['run', researcher, '/runs/1'],
    ['reliability', researcher, '/reliability'],
    ['account', labellers[0], '/account'],
  ];
  const isWanted = (name) => !positionals.length || positionals.includes(name);
  if (isWanted('attack')) {
    pages.push(['attack', researcher, `/runs/${await attacked(researcher, { recipe: 'typos', limit: 10, queries: 300 })}`]);
  }
  if (isWanted('sweep') || isWanted('classifiers')) {
    const [small, boss] = await swept(t);
    const { rows } = await boss.must('GET', '/runs?kind=sweep');
    const { rows: made } = await boss.must('GET', '/classifiers');
    pages.push(['sweep', boss, `/runs/${rows[0].id}`, undefined, small.origin]);
    pages.push(['classifiers', boss, `/classifiers/${made[0].id}?with=${made[1].id}`, undefined, small.origin]);
  }
  for (const [name, client, path, act, origin] of pages) {
    if (!isWanted(name)) continue;
    for (const [look, options] of Object.entries(LOOKS)) {
      const page = await window(started, client, options);
      await page.goto((origin ?? server.origin) + path);
      await page.getByRole('heading', { level: 1 }).first().waitFor();
      await act?.(page);
      await pause(1500);
      await page.screenshot({ path: join(values.out, `${name}-${look}.png`), fullPage: look !== 'narrow' && name !== 'data' });
      for (const wrong of page.wrong) console.error(`${name} (${look}): ${wrong}`);
      await page.context().close();
    }
    console.log(name);
  }
} finally {
  for (const end of ends) await end();
}

/** Draws a few candidates. */
async function play(page) {
  await page.getByRole('textbox', { name: /prompt/i }).fill('The knight raised his sword and charged at the bandit leader. Behind him, the village burned.');
  await page.getByRole('button', { name: /draw 10/i }).click();
  await page.getByRole('button', { name: /^Label draw/ }).nth(5).waitFor({ timeout: 60_000 });
  await pause(8000);
}

/** What could stand in place of a word. */
async function rewrite(page) {
  await page.getByText('pushes the score up').waitFor();
  await menuOf(page);
  await page.keyboard.press('ArrowDown');
}
