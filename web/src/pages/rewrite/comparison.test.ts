import { expect, test } from 'vitest';
import { counted, hourly, type Counted } from './comparison';

const session = (state: Counted['state'], seconds: number, verified: boolean | null = null): Counted => ({ tools: true, state, seconds, verified, menu_calls: 3, saliency_calls: 2 });

test('sessions are counted by how they ended, and all work is work', () => {
  const counts = counted([
    session('open', 50),
    session('gave_up', 900),
    session('submitted', 100, true),
    session('submitted', 300, true),
    session('submitted', 20, false),
    session('submitted', 10, null),
  ]);
  expect(counts).toEqual({ sessions: 6, open: 1, gaveUp: 1, finds: 4, verified: 2, refuted: 1, waiting: 1, menus: 18, shades: 12, seconds: 1330, work: 1380 });
});

test('verified finds an hour have the exact limits of a Poisson rate', () => {
  // Limits of the mean from tables: 0 events [0, 3.689], 1 [0.0253, 5.572], 10 [4.795, 18.39].
  const limits = (verified: number, waiting = 0) => {
    const { lower, upper } = hourly({ sessions: 1, verified, waiting, work: 3600 })!;
    return [lower!, upper!].map((end) => Number(end.toPrecision(4)));
  };
  expect(limits(0)).toEqual([0, 3.689]);
  expect(limits(1)).toEqual([0.02532, 5.572]);
  expect(limits(10)).toEqual([4.795, 18.39]);
  // One that waits may be either.
  expect(limits(1, 9)).toEqual([0.02532, 18.39]);
  expect(hourly({ sessions: 4, verified: 3, waiting: 1, work: 7200 })!.value).toBe(null);
  expect(hourly({ sessions: 4, verified: 3, waiting: 0, work: 7200 })!.value).toBe(1.5);
  expect(hourly({ sessions: 1, verified: 0, waiting: 0, work: 0 })).toBe(null);
});
