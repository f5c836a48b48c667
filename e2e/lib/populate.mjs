// A project in use: people, queues, labels, so that pages have something to show.

import { invite } from './client.mjs';

/** What two labellers say of an item, the same in every run. */
const VERDICTS = [
  { verdict: 'no', severity: null },
  { verdict: 'no', severity: null },
  { verdict: 'yes', severity: 2 },
  { verdict: 'no', severity: null },
  { verdict: 'unsure', severity: null },
  { verdict: 'yes', severity: 1 },
];

/** Labels up to `n` items of a queue. Returns how many it labelled. */
export async function label(client, queue, n, offset = 0) {
  for (let i = 0; i < n; i++) {
    const { assignment } = await client.must('POST', `/queues/${queue}/next`, { holding: [] });
    if (!assignment) return i;
    if (assignment.kind === 'compare') {
      const choice = ['left', 'right', 'same'][(i + offset) % 3];
      await client.must('POST', `/assignments/${assignment.id}/comparison`, { choice, seconds: 9, away_seconds: 0 });
    } else {
      const said = VERDICTS[(i + offset) % VERDICTS.length];
      await client.must('POST', `/assignments/${assignment.id}/label`, { ...said, seconds: 6 + (i % 5), away_seconds: 0 });
    }
  }
  return n;
}

/** Fills a project with work of a researcher and two labellers. */
export async function populate(boss) {
  const researcher = await invite(boss, 'researcher', 'grace');
  const labellers = [await invite(boss, 'labeller', 'mary'), await invite(boss, 'labeller', 'joan')];
  const random = await researcher.must('POST', '/queues', { kind: 'random', name: 'Fresh completions', n: 60, overlap: 2, seed: 3 });
  const leak = await researcher.must('POST', '/queues', { kind: 'leak', name: 'Leak of injury v1', n: 1000 });
  const quality = await researcher.must('POST', '/queues', { kind: 'quality', name: 'Quality of injury v1', n: 1000 });
  for (const [i, person] of labellers.entries()) {
    await label(person, random.id, 24, i);
    await label(person, leak.id, 6, i);
    await label(person, quality.id, 3, i);
  }
  await labellers[0].must('POST', '/rulings', { question: 'A horse stumbles and falls, and nothing more is said. Is that an injury?' });
  const { rows } = await researcher.must('GET', '/rulings');
  await researcher.must('PUT', `/rulings/${rows[0].id}`, {
    answer: 'No. A fall alone is not an injury; say yes where the text says or plainly implies that somebody is hurt.',
  });
  await labellers[1].must('POST', '/rulings', { question: 'Does a wound of last year count when the sentence only mentions it?' });
  const { rows: people } = await boss.must('GET', '/people');
  for (const person of people.filter((one) => one.role === 'labeller')) {
    await boss.must('PATCH', `/people/${person.id}`, { hourly_cost: 21 });
  }
  return { researcher, labellers, queues: { random, leak, quality } };
}
