// Many labellers at once on one server: how long a save takes, and whether anything is lost or doubled.
//
//     node load.mjs [--labellers 50] [--seconds 120] [--think 1.0]
//
// Everything stays on this machine's loopback. Exit status 1 where an answer failed, a label is lost or
// doubled, or two people were given one item.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { admin, invite } from './lib/client.mjs';
import { Server, nines, pause } from './lib/nines.mjs';

const { values } = parseArgs({
  options: {
    labellers: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '120' },
    think: { type: 'string', default: '1.0' },
  },
});
const labellers = Math.min(Number(values.labellers), 200);
const seconds = Math.min(Number(values.seconds), 600);
const think = Number(values.think);

const folder = await mkdtemp(join(tmpdir(), 'nines-load-'));
const project = join(folder, 'project');
const server = new Server(project);
try {
  await prepare();
  await server.start();
  const boss = await admin(server);
  const queue = await boss.must('POST', '/queues', { kind: 'random', name: 'load', n: 20_000, seed: 1 });
  const people = [];
  for (let i = 0; i < labellers; i++) people.push(await invite(boss, 'labeller', `labeller ${i}`));
  console.log(`${labellers} labellers, ${seconds} s, about ${think} s of reading an item; ${queue.items} items`);
  const until = performance.now() + seconds * 1000;
  const seen = await Promise.all(people.map((person, i) => work(person, queue.id, i, until)));
  const failed = report(seen.flat());
  const wrong = await check(boss, seen);
  process.exitCode = failed || wrong ? 1 : 0;
} finally {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}

/** A project with more snippets than can be labelled in the time. */
async function prepare() {
  const rows = Array.from({ length: Math.ceil((labellers * seconds) / think) + 1000 }, (_, i) =>
    JSON.stringify({
      prompt: `Story ${i}. The market closed at six, and the carts rolled home. Nobody spoke of the weather.`,
      completion: `The baker counted ${i} loaves and put out the lamp.`,
    }),
  );
  const file = join(folder, 'snippets.jsonl');
  await writeFile(file, rows.join('\n'));
  await nines(folder, 'init', project);
  await nines(project, 'import', 'snippets', file);
}

/** One labeller: asks, reads, answers, as the page does. Returns what was timed. */
async function work(person, queue, number, until) {
  const timed = [];
  const time = async (what, method, path, body) => {
    const start = performance.now();
    const answer = await person.call(method, path, body).catch((error) => ({ status: 0, body: String(error) }));
    timed.push({ what, ms: performance.now() - start, ok: answer.status === 200, answer });
    return answer;
  };
  await pause(((number % 50) / 50) * think * 1000);
  let held = [];
  while (performance.now() < until) {
    if (held.length === 0) {
      const next = await time('next', 'POST', `/queues/${queue}/next`, { holding: [] });
      if (!next.body?.assignment) break;
      held.push(next.body.assignment);
    }
    const item = held[0];
    const ahead = time('next', 'POST', `/queues/${queue}/next`, { holding: [item.id] });
    await pause(think * 1000 * (0.5 + Math.random()));
    const next = (await ahead).body?.assignment;
    const saved = await time('save', 'POST', `/assignments/${item.id}/label`, {
      verdict: item.id % 7 === 0 ? 'yes' : 'no',
      severity: item.id % 7 === 0 ? 2 : null,
      seconds: think,
      away_seconds: 0,
    });
    if (saved.status === 200) timed.at(-1).item = item;
    held = next && next.id !== item.id ? [next] : [];
  }
  return timed;
}

function report(timed) {
  const failed = timed.filter((one) => !one.ok);
  for (const what of ['save', 'next']) {
    const ms = timed.filter((one) => one.what === what).map((one) => one.ms).sort((a, b) => a - b);
    const at = (share) => ms[Math.min(ms.length - 1, Math.floor(share * ms.length))]?.toFixed(1);
    console.log(
      `${what}: ${ms.length} (${(ms.length / seconds).toFixed(1)} a second), median ${at(0.5)} ms, p95 ${at(0.95)} ms, ` +
        `p99 ${at(0.99)} ms, longest ${at(1)} ms`,
    );
  }
  console.log(`failed: ${failed.length}`);
  for (const one of failed.slice(0, 5)) console.log(`  ${one.what}: ${one.answer.status} ${JSON.stringify(one.answer.body)}`);
  return failed.length;
}

/** Compares what the server said is saved with what is stored. Hidden repeats ask one person twice and are no labels. */
async function check(boss, seen) {
  const saved = seen.map((timed) => timed.filter((one) => one.item).map((one) => one.item.completion));
  const items = saved.map((texts) => new Set(texts));
  const labels = items.reduce((sum, one) => sum + one.size, 0);
  const repeats = saved.flat().length - labels;
  const { rows } = await boss.must('GET', '/people');
  const stored = rows.reduce((sum, person) => sum + person.labels, 0);
  const asked = rows.reduce((sum, person) => sum + (person.repeats?.n ?? 0), 0);
  const shared = labels - new Set(saved.flat()).size;
  console.log(`labels saved as the server said: ${labels}; stored: ${stored}; hidden repeats: ${repeats}, stored: ${asked}`);
  console.log(`items given to two people: ${shared}`);
  return labels !== stored || repeats !== asked || shared > 0;
}
