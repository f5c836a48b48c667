import { expect, it } from 'vitest';
import { ProblemError } from './problem';
import { checked } from './sending';

const failing = (problem: ConstructorParameters<typeof ProblemError>[0]) => () => Promise.reject(new ProblemError(problem));
const caught = (work: Promise<unknown>) => work.then(
  () => null,
  (error: unknown) => error as ProblemError,
);

it('passes on what nines saved or refused', async () => {
  await expect(checked('label', () => Promise.resolve({ saved: true, feedback: null }))).resolves.toEqual({ saved: true, feedback: null });
  await expect(checked('undo', () => Promise.resolve({ id: 7 }))).resolves.toEqual({ id: 7 });
  const refused = await caught(checked('label', failing({ title: 'x', status: 409, type: '/problems/conflict' })));
  expect([refused?.status, refused?.passing]).toEqual([409, false]);
  const signedOut = await caught(checked('label', failing({ title: 'x', status: 401 })));
  expect(signedOut?.status).toBe(401);
});

it('takes no answer of another program for one of nines', async () => {
  for (const status of [403, 404, 405, 413]) {
    const error = await caught(checked('label', failing({ title: 'Not Found', status })));
    expect(error?.passing, String(status)).toBe(true);
  }
  for (const answer of [undefined, null, {}, { saved: false }, 'ok']) {
    const error = await caught(checked('comparison', () => Promise.resolve(answer)));
    expect(error?.passing, JSON.stringify(answer)).toBe(true);
  }
});
