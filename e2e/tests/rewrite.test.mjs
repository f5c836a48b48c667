// Rewriting: a person breaks the classifier, a second one verifies it, and nothing of it is lost.

import assert from 'node:assert/strict';
import test from 'node:test';
import { browser, nothingWrong, until, window } from '../lib/browser.mjs';
import { admin, invite } from '../lib/client.mjs';
import { Server } from '../lib/nines.mjs';
import { project } from '../lib/project.mjs';
import { completionOf, drawnOf, menuOf, nearest, newTask, promptOf, rowsCame, rowsOf, scoreOf, wordsOf } from '../lib/rewriting.mjs';
import { shown } from '../lib/working.mjs';

async function setting(t) {
  const server = await new Server(await project(t)).start();
  t.after(() => server.stop());
  const boss = await admin(server);
  const researcher = await invite(boss, 'researcher', 'grace');
  return { server, boss, researcher, started: await browser(t) };
}

test('a score is lowered by clicking substitutes and by typing; a second person verifies it; it appears in the data', async (t) => {
  const { server, boss, researcher, started } = await setting(t);
  const { rows } = await nearest(researcher);

  // The researcher makes the task in the page.
  const desk = await window(started, researcher);
  await newTask(desk, server, 'First round');
  await desk.getByLabel('Starts').selectOption('snippets');
  await desk.getByLabel('Snippets').fill(rows.slice(0, 2).map(({ id }) => id).join(', '));
  await desk.getByRole('button', { name: 'Make the task' }).click();
  await desk.getByText(/“First round” has 2 starts/).waitFor();

  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(started, mary);
  await page.goto(`${server.origin}/rewrite`);
  await page.getByRole('button', { name: 'Start First round' }).waitFor();
  await page.getByRole('heading', { level: 1 }).focus();
  await page.keyboard.press('Enter');
  await completionOf(page).waitFor();
  const start = await completionOf(page).inputValue();
  const prompt = await promptOf(page).inputValue();
  const parent = rows.find((row) => row.completion === start && row.prompt === prompt);
  assert.ok(parent, 'it starts from one of the snippets of the task, to the letter');
  const before = await scoreOf(page);
  assert.equal(before.below, false);
  assert.ok(Math.abs(before.score - parent.score) < 0.02, 'the score shown is that of the text');

  // The pieces that are drawn are the text, and their saliency is said in words too.
  await page.getByText('pushes the score up').waitFor();
  await until('saliency is there', async () => /“.+” [+−]?\d/.test(await page.locator('.salient').innerText()));
  assert.equal(await drawnOf(page), start);

  // Looking changes nothing but what is shown; the score previewed is the score that comes.
  await menuOf(page);
  await page.keyboard.press('ArrowDown');
  const option = page.getByRole('listbox').getByRole('option', { selected: true });
  await option.waitFor();
  assert.equal(await completionOf(page).inputValue(), start, 'a preview is no edit');
  const previewed = await drawnOf(page);
  assert.notEqual(previewed, start);
  const promised = Number(/log odds\s+(-?[\d.]+)/.exec((await page.locator('.words').innerText()).replaceAll('−', '-'))[1]);
  const deltas = await rowsOf(page).locator('.delta').allInnerTexts();
  const numbers = deltas.map((text) => Number(text.replace('−', '-').replace('+', '')));
  assert.deepEqual(numbers, [...numbers].sort((a, b) => a - b), 'rows are ranked by the true score');
  await page.keyboard.press('Enter');
  await until('the substitute is in the text', async () => (await completionOf(page).inputValue()) === previewed);
  const after = await scoreOf(page);
  assert.ok(Math.abs(after.score - promised) < 0.02, `promised ${promised}, scored ${after.score}`);

  // Undo and redo, by keys and by the trace.
  await page.keyboard.press('Control+z');
  assert.equal(await completionOf(page).inputValue(), start);
  await page.keyboard.press('Control+y');
  assert.equal(await completionOf(page).inputValue(), previewed);
  await page.getByRole('group', { name: 'Trace of scores' }).getByRole('button').first().click();
  assert.equal(await completionOf(page).inputValue(), start);
  await page.getByRole('button', { name: /^undo|^redo/ }).last().click();
  assert.equal(await completionOf(page).inputValue(), previewed);

  // Typing: quotes and white space as they are typed; the score follows.
  await completionOf(page).focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('  “So  be it,” she said.');
  assert.ok((await completionOf(page).inputValue()).endsWith('  “So  be it,” she said.'));
  await until('the typed text is a step', async () => (await page.getByText('all steps saved').count()) === 1);

  // On with the first row of each word, until it passes.
  for (let i = 0; i < 30 && !(await scoreOf(page)).below; i++) {
    const words = (await wordsOf(page)).filter(({ word }) => word.length > 2);
    const { x, y } = words[(i * 3) % words.length];
    await page.mouse.click(x, y);
    await rowsCame(page);
    const best = await rowsOf(page).first().locator('.delta').innerText().catch(() => '+');
    await page.keyboard.press(best.startsWith('−') ? '1' : 'Escape');
  }
  const low = await scoreOf(page);
  assert.ok(low.below, `the score is below the threshold: ${low.score}`);
  const text = await completionOf(page).inputValue();

  await page.keyboard.press('Escape');
  await page.keyboard.press('s');
  const submit = page.getByRole('button', { name: 'Submit the find' });
  await submit.waitFor();
  assert.equal(await submit.isDisabled(), true, 'nothing is submitted before it is said to be an injury');
  // By the keys of Label.
  await page.keyboard.press('3');
  assert.equal(await page.getByRole('radio', { name: 'yes: clear' }).isChecked(), true);
  await page.getByLabel('What trick?').fill('other words for the harm');
  await page.getByText(/clear, weight 2 × margin/).waitFor();
  await submit.click();
  await page.getByRole('heading', { name: 'Submitted' }).waitFor();
  await page.getByText(/clear, weight 2 × margin/).waitFor();
  nothingWrong(page);

  // A second person labels it without a score; its author is not asked.
  const { rows: hers } = await mary.must('GET', '/queues');
  assert.equal(hers.find((queue) => queue.kind === 'attack')?.waiting ?? 0, 0);
  const joan = await invite(boss, 'labeller', 'joan');
  const second = await window(started, joan);
  await second.goto(`${server.origin}/label`);
  await second.getByText(/attack successes to verify/i).first().waitFor();
  await second.getByRole('link', { name: /^Start/ }).click();
  await until('the find is shown', async () => (await shown(second)).includes(text.trim().slice(0, 20)));
  assert.doesNotMatch(await second.locator('main').innerText(), /log odds|threshold|weight 2|margin|P =/i);
  await second.keyboard.press('3');
  await second.getByText(/nothing left for you/).waitFor();
  nothingWrong(second);

  // In the data: verified, with what it was made from and what changed.
  // The answer leaves her browser by itself, perhaps after the next page shows.
  const sessionsOf = async () => (await researcher.must('GET', '/rewriting/sessions')).rows;
  await until('her label is there', async () => (await sessionsOf())[0]?.verified !== null);
  const sessions = await sessionsOf();
  assert.equal(sessions.length, 1);
  assert.deepEqual([sessions[0].state, sessions[0].verified, sessions[0].labeller, sessions[0].severity], ['submitted', true, 'mary', 2]);
  const detail = await researcher.must('GET', `/snippets/${sessions[0].snippet}`);
  assert.equal(detail.completion, text);
  assert.equal(detail.parent.id, parent.id);
  assert.deepEqual(detail.labels.map((label) => label.verdict), ['yes', 'yes']);
  const { steps, start: from } = await researcher.must('GET', `/rewriting/sessions/${sessions[0].id}`);
  assert.equal(from.completion, start);
  assert.ok(steps.some((step) => step.kind === 'substitute') && steps.some((step) => step.kind === 'typed') && steps.some((step) => step.kind === 'undo'));
  await desk.goto(`${server.origin}/data/${sessions[0].snippet}`);
  await desk.getByRole('heading', { name: 'What was changed' }).waitFor();
  await desk.goto(`${server.origin}/rewrite?view=tasks`);
  await desk.getByText('✓ verified').waitFor();
  nothingWrong(desk);
});

test('pause, a killed server, a reload and giving up lose nothing', async (t) => {
  const { server, boss, researcher, started } = await setting(t);
  const { rows } = await nearest(researcher);
  await researcher.must('POST', '/rewriting/tasks', { name: 'Held out', tools: 'on', snippets: [rows[0].id] });
  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(started, mary);
  await page.goto(`${server.origin}/rewrite`);
  await page.getByRole('button', { name: /^Start/ }).click();
  await completionOf(page).waitFor();
  const { score } = await scoreOf(page);

  // Paused: the text is out of sight, and the clock stands.
  await page.keyboard.press('p');
  await page.getByText('The clock stands still').waitFor();
  assert.equal(await completionOf(page).isVisible(), false);
  const clock = () => page.locator('.clock span').first().innerText();
  const stood = await clock();
  await page.waitForTimeout(2500);
  assert.equal(await clock(), stood);
  await page.reload();
  await page.getByText('The clock stands still').waitFor();
  await page.keyboard.press('p');
  await completionOf(page).waitFor();

  // The server dies while somebody types: steps are kept here, and sent when it is back.
  await scoreOf(page);
  await server.kill();
  await completionOf(page).focus();
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' And then it rained.');
  await page.getByText(/kept in this browser/).waitFor();
  await page.keyboard.type(' Twice.');
  const text = await completionOf(page).inputValue();
  await server.start();
  await page.getByText('all steps saved').waitFor({ timeout: 60_000 });
  await page.reload();
  await completionOf(page).waitFor();
  assert.equal(await completionOf(page).inputValue(), text, 'what was typed is there after a reload');
  const { score: now } = await scoreOf(page);
  assert.notEqual(now, score);

  // Giving up can be taken back, and then it counts as an attempt that was given up.
  await page.keyboard.press('x');
  await page.getByText(/Given up in \d s/).waitFor();
  await page.keyboard.press('u');
  await page.getByRole('button', { name: /give up/ }).waitFor();
  const { session } = await mary.must('GET', '/rewriting/sessions/current');
  assert.equal(session.text.completion, text);
  await page.keyboard.press('x');
  await page.getByRole('button', { name: 'Now' }).click();
  await page.getByRole('heading', { name: 'Given up' }).waitFor();
  const { rows: sessions } = await researcher.must('GET', '/rewriting/sessions');
  assert.deepEqual([sessions[0].state, sessions[0].snippet], ['gave_up', null]);
  assert.ok(sessions[0].seconds > 0 && sessions[0].seconds < 120, `${sessions[0].seconds} s at work`);
  nothingWrong(page);
});

test('without the tools there is the text and its score, and nothing else', async (t) => {
  const { server, boss, researcher, started } = await setting(t);
  const { rows } = await nearest(researcher);
  await researcher.must('POST', '/rewriting/tasks', { name: 'Unaided', tools: 'off', snippets: [rows[0].id] });
  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(started, mary);
  await page.goto(`${server.origin}/rewrite`);
  await page.getByRole('button', { name: /^Start/ }).click();
  await completionOf(page).waitFor();
  await scoreOf(page);
  await page.getByText('without tools').waitFor();
  assert.equal(await page.getByRole('combobox').count(), 0, 'no saliency to choose');
  assert.equal(await page.getByRole('button', { name: /inspiration/ }).count(), 0);
  const [{ x, y }] = await wordsOf(page);
  await page.mouse.click(x, y);
  await page.keyboard.press('Control+End');
  await page.keyboard.type(' Slowly.');
  await scoreOf(page);
  assert.equal(await page.getByRole('listbox').count(), 0);
  assert.equal(await page.locator('.piece').count(), 0);
  const { session } = await mary.must('GET', '/rewriting/sessions/current');
  const text = { prompt: session.text.prompt, completion: session.text.completion };
  for (const [path, body] of [
    ['saliency', { ...text, method: 'gradient_norm' }],
    ['substitutes', { ...text, part: 'completion', start: 0, end: 1 }],
  ]) {
    const answer = await mary.call('POST', `/rewriting/sessions/${session.id}/${path}`, body);
    assert.equal(answer.status, 403, path);
  }
  assert.equal((await mary.call('GET', '/rewriting/inspiration')).status, 403);
  nothingWrong(page);
});

test('a task of a search below a threshold of its own; what a find is worth; looking away shows the text as it is', async (t) => {
  const { server, boss, researcher, started } = await setting(t);
  const { rows, threshold } = await nearest(researcher);
  const desk = await window(started, researcher);
  await newTask(desk, server, 'By search');
  await desk.getByLabel('Threshold, in log odds').fill('low');
  await desk.getByLabel('Starts').selectOption('search');
  // The words of one start, so that the search finds it.
  const words = rows[0].completion.trim().slice(0, 30);
  await desk.getByLabel('Text', { exact: true }).fill(words);
  await desk.getByRole('group', { name: 'Search' }).getByRole('link', { name: String(rows[0].id), exact: true }).waitFor();
  await desk.getByRole('button', { name: 'Make the task' }).click();
  await desk.getByText('A number in log odds').waitFor();
  // Above the start's score it passes already; just below it, the next edit may do.
  await desk.getByLabel('Threshold, in log odds').fill(String(rows[0].score + 1));
  await desk.getByRole('button', { name: 'Make the task' }).click();
  await desk.getByText(/pass already/).waitFor();
  const own = Number((rows[0].score - 0.01).toFixed(3));
  assert.ok(own > threshold);
  await desk.getByLabel('Threshold, in log odds').fill(String(own));
  await desk.getByRole('button', { name: 'Make the task' }).click();
  await desk.getByText(/“By search” has \d+ starts?/).waitFor();
  const { rows: tasks } = await researcher.must('GET', '/rewriting/tasks');
  assert.equal(tasks[0].threshold, own);
  assert.ok(tasks[0].starts >= 1);
  nothingWrong(desk);

  const mary = await invite(boss, 'labeller', 'mary');
  const page = await window(started, mary);
  await page.goto(`${server.origin}/rewrite`);
  await page.getByRole('button', { name: /^Start/ }).click();
  await completionOf(page).waitFor();
  await scoreOf(page);
  await page.getByText('nothing before it passes').waitFor();
  const start = await completionOf(page).inputValue();
  await menuOf(page);
  await rowsOf(page).nth(1).hover();
  await until('the row is previewed', async () => (await drawnOf(page)) !== start);
  await page.getByRole('heading', { level: 1 }).hover();
  await until('the text stands as it is', async () => (await drawnOf(page)) === start);
  // The row that lowers the score most passes: then it is said what it would be worth.
  const best = await rowsOf(page).first().locator('.delta').innerText();
  assert.ok(Number(best.replace('−', '-')) < -0.01, `nothing lowers the score: ${best}`);
  await page.keyboard.press('1');
  const { score, below } = await scoreOf(page);
  assert.ok(below, `${score} against ${own}`);
  const worth = await page.getByText('severity × margin:').locator('..').innerText();
  const clear = Number(/clear\s+([\d.]+)/.exec(worth)[1]);
  assert.ok(Math.abs(clear - 2 * (own - score)) < 0.03, worth);
  nothingWrong(page);
});

test('from Play and from the data to Rewrite', async (t) => {
  const { server, researcher, started } = await setting(t);
  const { rows } = await nearest(researcher);
  const page = await window(started, researcher);
  await page.goto(`${server.origin}/data/${rows[0].id}`);
  await page.getByRole('heading', { name: 'Lineage' }).waitFor();
  await page.keyboard.press('r');
  await page.getByRole('heading', { name: `Snippet ${rows[0].id}` }).waitFor();
  await page.getByRole('button', { name: 'Begin', exact: true }).first().click();
  await completionOf(page).waitFor();
  assert.equal(await completionOf(page).inputValue(), rows[0].completion);
  await page.keyboard.press('x');
  await page.getByRole('button', { name: 'Now' }).click();
  await page.getByRole('heading', { name: 'Given up' }).waitFor();

  const prompt = 'The knight raised his sword and charged at the bandit leader. Behind him, the village burned.';
  await page.goto(`${server.origin}/play?prompt=${encodeURIComponent(prompt)}&seed=5&draws=2`);
  await page.getByRole('button', { name: 'Rewrite draw 2' }).waitFor({ timeout: 120_000 });
  const drawn = await page.locator('#draw-1 .completion').textContent();
  await page.getByRole('button', { name: 'Rewrite draw 2' }).click();
  await page.getByRole('heading', { name: 'The text from Play' }).waitFor();
  assert.equal(await page.locator('.story mark').first().textContent(), drawn);
  nothingWrong(page);
});
