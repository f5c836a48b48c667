import { expect, test } from 'vitest';
import { counted, type Counted } from './comparison';

const session = (state: Counted['state'], seconds: number, verified: boolean | null = null): Counted => ({ tools: true, state, seconds, verified, menu_calls: 3, saliency_calls: 2 });

test('sessions are counted by how they ended, and only verified finds have a time', () => {
  const counts = counted([
    session('open', 50),
    session('gave_up', 900),
    session('submitted', 100, true),
    session('submitted', 300, true),
    session('submitted', 20, false),
    session('submitted', 10, null),
  ]);
  expect(counts).toEqual({ sessions: 6, open: 1, gaveUp: 1, finds: 4, verified: 2, refuted: 1, waiting: 1, menus: 18, shades: 12, seconds: 1330, median: 200 });
  expect(counted([]).median).toBe(null);
});
