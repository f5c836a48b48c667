// Many people rewriting at once on one server: how long a live score takes while everybody types, and how long a
// menu takes, its first 16 rows and all of it.
//
//     node load_rewriting.mjs [--people 10] [--seconds 60] [--type 0.4] [--click 6]
//
// Each person types (a score after every pause in typing), saves steps, and now and then clicks a word. Everything
// stays on this machine's loopback. Exit status 1 where an answer failed or a step is lost.

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { admin, invite } from './lib/client.mjs';
import { Server, pause } from './lib/nines.mjs';
import { prepare } from './lib/project.mjs';

const { values } = parseArgs({
  options: {
    people: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '60' },
    type: { type: 'string', default: '0.4' },
    click: { type: 'string', default: '6' },
  },
});
const people = Math.min(Number(values.people), 100);
const seconds = Math.min(Number(values.seconds), 600);
const typing = Number(values.type);
const clicking = Number(values.click);

const folder = await mkdtemp(join(tmpdir(), 'nines-load-'));
const project = join(folder, 'project');
const server = new Server(project);
try {
  await cp(await prepare(), project, { recursive: true });
  await server.start();
  const boss = await admin(server);
  // A threshold far below every score, so that nobody ends early.
  const { id: task } = await boss.must('POST', '/rewriting/tasks', {
    name: 'load',
    tools: 'on',
    threshold: -50,
    injurious: Math.min(people, 100),
    seed: 1,
  });
  const everybody = [];
  for (let i = 0; i < people; i++) everybody.push(await invite(boss, 'researcher', `rewriter ${i}`));
  const sessions = [];
  for (const one of everybody) sessions.push(await one.must('POST', '/rewriting/sessions', { task }));
  // The models are loaded before anything is timed, as they are on a server that runs.
  await menu(everybody[0], sessions[0], sessions[0].start, []);
  console.log(`${people} people, ${seconds} s; a score every ${typing} s, a click every ${clicking} s of each`);
  const until = performance.now() + seconds * 1000;
  const timed = (await Promise.all(everybody.map((one, i) => rewrite(one, sessions[i], i, until)))).flat();
  const failed = report(timed);
  const lost = await check(everybody, sessions, timed);
  process.exitCode = failed || lost ? 1 : 0;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** One person: types a letter at a time into the completion, and now and then clicks a word. */
async function rewrite(person, session, number, until) {
  const timed = [];
  const words = ' and then the rain came down over the quiet fields until the lamps were lit'.split('');
  let text = session.start.completion;
  let n = 0;
  let clicked = performance.now() + (number / people) * clicking * 1000;
  await pause((number / people) * typing * 1000);
  while (performance.now() < until) {
    text = text.length > session.start.completion.length + 60 ? session.start.completion : text + words[n % words.length];
    const body = { prompt: session.start.prompt, completion: text };
    await time(timed, 'score', () => person.call('POST', `/rewriting/sessions/${session.id}/score`, body));
    n += 1;
    if (n % 5 === 0) {
      const step = { ...body, n: n / 5, kind: 'typed', seconds: (n * typing) / 2, away_seconds: 0 };
      await time(timed, 'step', () => person.call('POST', `/rewriting/sessions/${session.id}/steps`, step));
    }
    if (performance.now() >= clicked) {
      clicked = performance.now() + clicking * 1000;
      await menu(person, session, body, timed);
    }
    await pause(typing * 1000 * (0.5 + Math.random()));
  }
  return timed;
}

async function time(timed, what, call) {
  const start = performance.now();
  const answer = await call().catch((error) => ({ status: 0, body: String(error) }));
  timed.push({ what, ms: performance.now() - start, ok: answer.status === 200, answer });
}

/** Clicks a word of the completion, and times the first rows and the last. */
async function menu(person, session, text, timed) {
  const words = [...text.completion.matchAll(/\p{L}+/gu)];
  const word = words[Math.floor(Math.random() * words.length)];
  const body = { ...text, score: undefined, snippet: undefined, part: 'completion', start: word.index, end: word.index + word[0].length };
  const start = performance.now();
  const answer = await fetch(`${person.origin}/api/rewriting/sessions/${session.id}/substitutes`, {
    method: 'POST',
    headers: { cookie: person.cookie, 'x-csrf-token': person.csrf, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }).catch((error) => ({ ok: false, status: String(error) }));
  if (!answer.ok) {
    timed.push({ what: 'menu, all', ms: performance.now() - start, ok: false, answer: { status: answer.status } });
    return;
  }
  let heard = '';
  let is16 = false;
  let isAll = false;
  let last;
  for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
    heard += piece;
    const lines = heard.split('\n');
    heard = lines.pop();
    for (const line of lines.filter((line) => line.startsWith('data:'))) {
      last = JSON.parse(line.slice(5));
      const ms = performance.now() - start;
      const scored = last.rows?.length ?? 0;
      if (!is16 && (scored >= 16 || last.final)) {
        is16 = true;
        timed.push({ what: 'menu, first 16', ms, ok: true });
      }
      if (!isAll && (scored >= 48 || last.final)) {
        isAll = true;
        timed.push({ what: 'menu, all rows', ms, ok: true });
      }
    }
  }
  timed.push({ what: 'menu, all', ms: performance.now() - start, ok: last?.final === true, answer: { status: 200, body: last } });
}

function report(timed) {
  const failed = timed.filter((one) => !one.ok);
  for (const what of ['score', 'step', 'menu, first 16', 'menu, all rows', 'menu, all']) {
    const ms = timed.filter((one) => one.what === what && one.ok).map((one) => one.ms).sort((a, b) => a - b);
    const at = (share) => ms[Math.min(ms.length - 1, Math.floor(share * ms.length))]?.toFixed(1);
    console.log(
      `${what}: ${ms.length} (${(ms.length / seconds).toFixed(1)} a second), p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ` +
        `p99 ${at(0.99)} ms, longest ${at(1)} ms`,
    );
  }
  console.log(`failed: ${failed.length}`);
  for (const one of failed.slice(0, 5)) console.log(`  ${one.what}: ${one.answer.status} ${JSON.stringify(one.answer.body)?.slice(0, 300)}`);
  return failed.length;
}

/** Compares the steps that the server said are saved with what it has. */
async function check(everybody, sessions, timed) {
  const said = timed.filter((one) => one.what === 'step' && one.ok).length;
  let stored = 0;
  for (const [i, one] of everybody.entries()) {
    stored += (await one.must('GET', `/rewriting/sessions/${sessions[i].id}`)).steps.length;
  }
  console.log(`steps saved as the server said: ${said}; stored: ${stored}`);
  return said !== stored;
}
