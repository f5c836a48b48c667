// An attack run to its end as a job of the workbench.

import { until } from './browser.mjs';

/** Asks for a small attack, waits until it is over, and returns its run. */
export async function attacked(researcher, asked = {}) {
  const { id } = await researcher.must('POST', '/jobs', { kind: 'attack', recipe: 'random', limit: 2, queries: 40, seed: 0, ...asked });
  let run = null;
  await until('the attack is over', async () => {
    const job = await researcher.must('GET', `/jobs/${id}`);
    ({ run } = job);
    if (job.state === 'failed') throw new Error(job.error);
    return job.state === 'done';
  }, 180);
  return run;
}
