// What an answer must say before it counts as the server's: a proxy, a captive network or another program at this
// address may answer too, and nothing that it says loses a label.

import type { Operation } from './outbox';
import { ProblemError } from './problem';

const saving = new Set<Operation['kind']>(['label', 'comparison', 'skip', 'flag']);

/** Sends by `work`; throws an error that passes unless nines itself saved it, or refused it. */
export async function checked(kind: Operation['kind'], work: () => Promise<unknown>): Promise<unknown> {
  let answer: unknown;
  try {
    answer = await work();
  } catch (error) {
    const isFinal = error instanceof ProblemError && !error.passing;
    throw isFinal && !error.type.startsWith('/problems/') && error.status !== 401 ? foreign(error.status) : error;
  }
  if (saving.has(kind) && (answer as { saved?: unknown } | null | undefined)?.saved !== true) {
    throw foreign(200);
  }
  return answer;
}

function foreign(status: number): ProblemError {
  return new ProblemError({
    title: 'Something else answers',
    status: 502,
    detail: `What came back (${status}) is not of nines: perhaps of a proxy in between. The answer is kept and sent again.`,
  });
}
