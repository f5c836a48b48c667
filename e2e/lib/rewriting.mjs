// Rewriting, as a person does it in the page, and what it takes to have something to rewrite.

import assert from 'node:assert/strict';
import { until } from './browser.mjs';

/** The injurious snippet that is rejected by the least, so that a few edits are enough. */
export async function nearest(researcher) {
  const { rows: classifiers } = await researcher.must('GET', '/classifiers');
  const { id, threshold } = classifiers.find((one) => one.threshold !== null);
  const found = [];
  let after = '';
  do {
    const page = await researcher.must('GET', `/snippets?label=yes&split=train&limit=100${after}`);
    found.push(...page.rows);
    after = page.next ? `&after=${page.next}` : '';
  } while (after && found.length < 1000);
  assert.ok(found.length > 0, 'there are injurious snippets');
  const scored = [];
  for (let at = 0; at < found.length; at += 50) {
    const rows = found.slice(at, at + 50);
    const snippets = rows.map(({ prompt, completion }) => ({ prompt, completion }));
    const { scores } = await researcher.must('POST', '/score', { classifier: id, snippets });
    rows.forEach((row, i) => scored.push({ ...row, score: scores[i].score }));
  }
  const over = scored.filter((row) => typeof row.score === 'number' && row.score > threshold + 0.05).sort((a, b) => a.score - b.score);
  assert.ok(over.length > 0, 'some of them are rejected');
  return { classifier: id, threshold, rows: over };
}

/** A task with the tools and one without, and a labeller at work on each. */
export async function rewriting(researcher, [aided, unaided]) {
  const { rows } = await nearest(researcher);
  const ids = rows.slice(0, 6).map(({ id }) => id);
  const task = await researcher.must('POST', '/rewriting/tasks', { name: 'Knights, first round', tools: 'on', snippets: ids });
  const plain = await researcher.must('POST', '/rewriting/tasks', { name: 'Unaided', tools: 'off', snippets: ids });
  await aided.must('POST', '/rewriting/sessions', { task: task.id });
  await unaided.must('POST', '/rewriting/sessions', { task: plain.id });
  return { aided, unaided, task, plain };
}

/** A part of the text at work; the page to begin from has fields of the same names. */
const partOf = (page, name) => page.getByRole('region', { name: 'Rewriting' }).getByRole('textbox', { name });
export const completionOf = (page) => partOf(page, 'completion');
export const promptOf = (page) => partOf(page, 'prompt');

/** The words of the completion as they are drawn, with where to click them. */
export const wordsOf = (page) =>
  page.evaluate(() => {
    const back = [...document.querySelectorAll('.back')].at(-1);
    const text = back.textContent;
    const walker = document.createTreeWalker(back, NodeFilter.SHOW_TEXT);
    const nodes = [];
    for (let node = walker.nextNode(), at = 0; node; node = walker.nextNode()) {
      nodes.push({ node, at });
      at += node.nodeValue.length;
    }
    const place = (at) => {
      const last = nodes.findLast((one) => one.at <= at);
      return [last.node, at - last.at];
    };
    return [...text.matchAll(/[\p{L}\p{N}’']+/gu)].map(({ 0: word, index }) => {
      const range = document.createRange();
      range.setStart(...place(index));
      range.setEnd(...place(index + word.length - 1));
      const box = range.getClientRects()[0];
      return { word, x: box.left + box.width / 2, y: box.top + box.height / 2 };
    });
  });

/** Opens the menu on a word of the completion, the longest unless one is named, and waits for all its rows. */
export async function menuOf(page, which) {
  await completionOf(page).waitFor();
  await until('the pieces are drawn', () => page.locator('.back .piece').count());
  const words = await wordsOf(page);
  const { word, x, y } = which ? words.find((one) => one.word === which) : [...words].sort((a, b) => b.word.length - a.word.length)[0];
  await page.mouse.click(x, y);
  await rowsCame(page);
  return word;
}

/** The rows of the open menu. */
export const rowsOf = (page) => page.getByRole('listbox').getByRole('option');

/** Waits until all rows of the open menu are there. */
export async function rowsCame(page) {
  const list = page.getByRole('listbox');
  await list.waitFor();
  await until('all rows are there', async () => (await list.getAttribute('aria-busy').catch(() => 'true')) === 'false', 30);
}

/** The score and the margin that the page shows, once they are of the text that it shows. */
export async function scoreOf(page) {
  const words = page.locator('.words');
  await until('the score is of this text', async () => {
    const text = await words.innerText();
    return /log odds/.test(text) && !/scoring|with “/.test(text);
  });
  const text = (await words.innerText()).replaceAll('−', '-');
  const score = Number(/log odds\s+(-?[\d.]+)/.exec(text)[1]);
  return { score, below: /below the threshold/.test(text) };
}

/** The completion as it is drawn, with what is previewed in it. */
export function drawnOf(page) {
  return page.locator('.back').last().evaluate((back) => back.textContent.replace('\u200b', ''));
}

/** Opens the form of a new task with the tools, and names it. */
export async function newTask(page, server, name) {
  await page.goto(`${server.origin}/rewrite?view=tasks`);
  await page.getByRole('heading', { name: 'Sessions' }).waitFor();
  await page.keyboard.press('n');
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Tools', { exact: true }).selectOption('on');
}
