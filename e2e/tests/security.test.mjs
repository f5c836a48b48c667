// Text from anybody is text: whatever is stored, no page runs it, and all of it is shown as it was written.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { nothingWrong, settled, until, window } from '../lib/browser.mjs';
import { invite } from '../lib/client.mjs';
import { nines } from '../lib/nines.mjs';
import { setting } from '../lib/setting.mjs';
import { shown } from '../lib/working.mjs';

const run = (where) => `window.__pwned='${where}'`;
const SCRIPT = (where) => `<script>${run(where)}</script>`;
const IMAGE = (where) => `<img src=x onerror="${run(where)}">`;
const LINK = (where) => `[press](javascript:${run(where)})`;
const PROMPT = `He wrote ${SCRIPT('prompt')} on the wall & left. ${IMAGE('prompt')}`;
const COMPLETION = `She read "</mark></div>${IMAGE('completion')}${SCRIPT('completion')}" aloud. {{7*7}} \${7*7}`;
const NAME = '<img src=x onerror=__pwned=1>';

const FIND = `text=${encodeURIComponent('{{7*7}}')}`;

const { server, boss, started } = await setting(async (folder) => {
  const file = join(folder, 'markup.jsonl');
  await writeFile(file, JSON.stringify({ prompt: PROMPT, completion: COMPLETION }) + '\n');
  await nines(folder, 'import', 'snippets', file);
});
const researcher = await invite(boss, 'researcher', `<b onmouseover=__pwned=2>grace</b>`);
const mary = await invite(boss, 'labeller', NAME);
const joan = await invite(boss, 'labeller', '"><svg onload=__pwned=3>');
const [snippet] = (await researcher.must('GET', `/snippets?${FIND}&limit=1`)).rows;
const queue = await researcher.must('POST', '/queues', { kind: 'search', name: `Q ${IMAGE('queue')}`, n: 5, overlap: 2, search: { ids: [snippet.id] } });

test('markup in every place that takes text renders inert and literally on every page', async () => {
  // Everything that somebody can write, written.
  const { assignment } = await mary.must('POST', `/queues/${queue.id}/next`, { holding: [] });
  await mary.must('POST', `/assignments/${assignment.id}/flag`, { reason: `flag ${IMAGE('flag')}` });
  await mary.must('POST', '/rulings', { question: `question ${SCRIPT('question')}`, assignment: assignment.id });
  await mary.must('POST', `/assignments/${assignment.id}/label`, { verdict: 'yes', severity: 1, seconds: 2, away_seconds: 0 });
  const [ruling] = (await researcher.must('GET', '/rulings')).rows;
  await researcher.must('PUT', `/rulings/${ruling.id}`, { answer: `answer ${IMAGE('answer')}` });
  const other = await joan.must('POST', `/queues/${queue.id}/next`, { holding: [] });
  assert.equal(other.assignment.completion, COMPLETION);
  const guide = await researcher.must('GET', '/guide');
  await researcher.must('PUT', '/guide', {
    text: `${guide.text}\n\n## Heading ${IMAGE('guide')}\n\n${SCRIPT('guide')}\n\n${LINK('guide')} <a href="javascript:${run('guide')}">raw</a>\n\n<iframe srcdoc="${SCRIPT('frame')}"></iframe>\n`,
    note: `note ${IMAGE('note')}`,
    version: guide.version,
  });
  await researcher.must('POST', '/checks', { snippet: snippet.id, purpose: 'gold', verdict: 'no', severity: null, explanation: `why ${IMAGE('why')}` });
  await boss.must('POST', '/people/invitations', { role: 'labeller', name: `<i onclick=__pwned=4>` });
  await boss.must('POST', '/account/tokens', { name: `token ${IMAGE('token')}`.slice(0, 64) });
  await researcher.must('POST', '/play/send', { prompt: PROMPT, completion: COMPLETION + ' ' }).catch(() => {});

  const views = [
    [joan, `/label/${queue.id}`, [COMPLETION, PROMPT], (page) => page.keyboard.press('g')],
    [mary, '/label', ['Q <img']],
    [researcher, `/data/${snippet.id}`, [COMPLETION, NAME]],
    [researcher, `/data?${FIND}`, ['<script>']],
    [researcher, `/data?${FIND}&view=adjudicate`, [COMPLETION], (page) => page.keyboard.press('l')],
    [researcher, `/data?text=${encodeURIComponent(IMAGE('search'))}&labeller=${encodeURIComponent(NAME)}`, []],
    [researcher, '/data?view=flags', ['flag <img']],
    [boss, '/people', [NAME, '"><svg onload=__pwned=3>', '<i onclick']],
    [boss, '/people?view=audit', []],
    [researcher, '/predicate', ['Heading <img', '<script>', '<iframe']],
    [researcher, '/predicate?view=versions', ['note <img']],
    [mary, '/predicate?view=rulings', ['question <script>', 'answer <img']],
    [researcher, '/predicate?view=checks', ['why <img']],
    [boss, '/account', ['token <img']],
    [researcher, '/reliability', []],
    [researcher, '/runs', []],
    [researcher, `/play?prompt=${encodeURIComponent(PROMPT)}`, []],
    [null, `/login?to=${encodeURIComponent(`javascript:${run('login')}`)}`, []],
    [null, `/invite/${encodeURIComponent(NAME)}`, []],
    [researcher, `/runs/${encodeURIComponent(NAME)}`, []],
    [researcher, `/nowhere/${encodeURIComponent('<script>__pwned=6</script>')}`, []],
  ];
  for (const [client, path, texts, act] of views) {
    const page = await window(started, client);
    await page.goto(server.origin + path);
    await settled(page);
    await act?.(page);
    // What is covered is uncovered first.
    for (const button of await page.getByRole('button', { name: /show text|Show the snippet/ }).all()) await button.click();
    for (const text of texts) {
      await until(`${path} shows ${text} as it was written`, async () =>
        (await page.locator('main').evaluate((main) => [main.textContent, ...[...main.querySelectorAll('input, textarea')].map((field) => field.value)].join('\n'))).includes(text), 20);
    }
    assert.equal(await page.evaluate(() => window.__pwned), undefined, path);
    const strange = await page.evaluate(() => ({
      scripts: [...document.querySelectorAll('script')].filter((one) => !one.src).length,
      handlers: [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name }) => name.startsWith('on'))).length,
      images: document.querySelectorAll('main img[src="x"], main iframe, main object, main embed').length,
      links: [...document.querySelectorAll('a[href]')].filter((one) => !/^https?:$/.test(one.protocol)).length,
    }));
    assert.deepEqual(strange, { scripts: 0, handlers: 0, images: 0, links: 0 }, path);
    nothingWrong(page);
    await page.context().close();
  }
});

test('labelling such text works like any other', async () => {
  const page = await window(started, joan);
  await page.goto(`${server.origin}/label/${queue.id}`);
  await until('it is shown', async () => (await shown(page)).includes(SCRIPT('completion')));
  await page.keyboard.press('1');
  await until('it is saved', async () => (await boss.must('GET', `/snippets/${snippet.id}`)).labels.length === 2);
  assert.equal(await page.evaluate(() => window.__pwned), undefined);
});

test('headers forbid what the pages do not need, and the cookie is out of reach', async () => {
  for (const path of ['/', '/label', '/data/1', '/api/session', '/api/nowhere', '/assets/nothing.js']) {
    const { headers } = await fetch(server.origin + path);
    const policy = Object.fromEntries(headers.get('content-security-policy').split(';').map((one) => one.trim().split(/ (.*)/s)));
    assert.equal(policy['default-src'], "'none'", path);
    assert.equal(policy['script-src'], "'self'", path);
    assert.equal(policy['connect-src'], "'self'", path);
    assert.equal(policy['frame-ancestors'], "'none'", path);
    assert.equal(policy['base-uri'], "'none'", path);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', path);
    assert.equal(headers.get('referrer-policy'), 'no-referrer', path);
  }
  const page = await window(started);
  await page.goto(`${server.origin}/login`);
  await page.getByLabel('Name').fill('ada');
  await page.getByLabel('Password').fill('correct horse battery');
  await page.keyboard.press('Enter');
  await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  const cookies = await page.context().cookies();
  assert.deepEqual(cookies.map(({ httpOnly, sameSite, path }) => ({ httpOnly, sameSite, path })), [
    { httpOnly: true, sameSite: 'Strict', path: '/' },
  ]);
  assert.match(cookies[0].name, /^nines_session_[0-9a-f]{8}$/);
  assert.match(cookies[0].value, /^[0-9a-f]{64}$/);
  assert.equal(await page.evaluate(() => document.cookie), '');
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  assert.ok(!stored.includes(cookies[0].value));

  // An inline script is refused even where one gets into the page.
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.__pwned = 5';
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.__pwned), undefined);
});

test('a request that changes something needs the token and our own origin', async () => {
  const { cookie, csrf, origin } = boss;
  const send = (headers) =>
    fetch(`${origin}/api/account/tokens`, { method: 'POST', headers: { cookie, 'content-type': 'application/json', ...headers }, body: '{"name":"x"}' });
  assert.equal((await send({})).status, 403);
  assert.equal((await send({ 'x-csrf-token': 'f'.repeat(csrf.length) })).status, 403);
  assert.equal((await send({ 'x-csrf-token': csrf, origin: 'https://example.org' })).status, 403);
  assert.equal((await send({ 'x-csrf-token': csrf, 'content-type': 'text/plain' })).status, 415);
  assert.equal((await send({ 'x-csrf-token': csrf, origin })).status, 201);
});
