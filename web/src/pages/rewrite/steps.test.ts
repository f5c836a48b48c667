import { expect, test } from 'vitest';
import { ProblemError } from '../../lib/problem';
import { Steps, type Step } from './steps';

function storage() {
  const all = new Map<string, string>();
  return {
    all,
    getItem: (key: string) => all.get(key) ?? null,
    setItem: (key: string, value: string) => void all.set(key, value),
    removeItem: (key: string) => void all.delete(key),
  };
}
const step = (n: number): Step => ({ n, kind: 'typed', prompt: 'P', completion: `c${n}`, seconds: n, away_seconds: 0 });
const down = () => new ProblemError({ title: 'down', status: 0 });

test('steps go in their order and stay in the browser until they are saved', async () => {
  const store = storage();
  let up = false;
  const sent: number[] = [];
  const waits: (() => void)[] = [];
  const make = () =>
    new Steps({
      name: 'p.1/7',
      store,
      send: async ({ n }) => {
        if (!up) throw down();
        sent.push(n);
        return { n, score: -n };
      },
      later: (work) => (waits.push(work), () => undefined),
    });
  const first = make();
  first.add(step(1));
  first.add(step(2));
  expect(await first.flush()).toBe(false);
  expect(first.offline).toBe(true);
  first.close();
  // The page was closed; another one goes on.
  const second = make();
  expect(second.waiting.map(({ n }) => n)).toEqual([1, 2]);
  expect(second.kept.text).toEqual({ prompt: 'P', completion: 'c2' });
  up = true;
  expect(await second.flush()).toBe(true);
  expect(sent).toEqual([1, 2]);
  expect(make().waiting).toEqual([]);
});

test('what the server refuses for good is told and does not stand in the way', async () => {
  const refused: number[] = [];
  const steps = new Steps({
    name: 'x',
    store: storage(),
    send: async ({ n }) => {
      if (n === 1) throw new ProblemError({ title: 'no', status: 409, type: '/problems/ended' });
      return { n, score: null };
    },
    refused: async ({ n }) => (refused.push(n), 'dropped'),
  });
  steps.add(step(1));
  steps.add(step(2));
  expect(await steps.flush()).toBe(true);
  expect(refused).toEqual([1]);
});

test('a number that another browser took is given anew to all that waits, in its order', async () => {
  const taken = new Map([[1, 'other'], [2, 'other']]);
  const waits: number[] = [];
  let answers = false;
  const steps: Steps = new Steps({
    name: 'x',
    store: storage(),
    send: async ({ n, completion }) => {
      if (taken.has(n)) throw new ProblemError({ title: 'taken', status: 409 });
      taken.set(n, completion);
      return { n, score: null };
    },
    // Where a look at the session gets no answer, nothing is lost.
    refused: async () => (answers ? (steps.renumber(2), 'again') : 'later'),
    later: (_, seconds) => (waits.push(seconds), () => undefined),
  });
  steps.add(step(1));
  steps.add({ ...step(2), completion: 'younger' });
  expect(await steps.flush()).toBe(false);
  expect([steps.waiting.length, waits.length > 0]).toEqual([2, true]);
  answers = true;
  expect(await steps.flush()).toBe(true);
  expect([...taken]).toEqual([[1, 'other'], [2, 'other'], [3, 'c1'], [4, 'younger']]);
});

test('text and time are kept between steps, in a storage that may be full or broken', () => {
  const store = storage();
  const steps = new Steps({ name: 'x', store, send: async ({ n }) => ({ n, score: 0 }), now: () => 1000 });
  steps.keep({ prompt: 'P', completion: 'half a wo' }, 12, 3);
  const again = new Steps({ name: 'x', store, send: async ({ n }) => ({ n, score: 0 }) });
  expect(again.kept).toEqual({ steps: [], text: { prompt: 'P', completion: 'half a wo' }, seconds: 12, away_seconds: 3, at: 1000 });
  again.forget();
  expect(store.all.size).toBe(0);
  store.all.set('nines.rewrite/x', '{broken');
  expect(new Steps({ name: 'x', store, send: async ({ n }) => ({ n, score: 0 }) }).waiting).toEqual([]);
  const full = { ...store, setItem: () => { throw new Error('full'); } };
  const kept = new Steps({ name: 'y', store: full, send: async () => { throw down(); }, later: () => () => undefined });
  kept.add(step(1));
  expect(kept.waiting.length).toBe(1);
});
