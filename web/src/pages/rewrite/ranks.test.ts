import { expect, test } from 'vitest';
import type { Substitute } from '../../lib/types';
import { merged, share, written } from './ranks';

const row = (text: string, delta: number): Substitute => ({
  text,
  delta,
  score: delta,
  log_probability: null,
  kind: 'language model',
  part: 'completion',
  start: 3,
  end: 7,
});

test('rows are in the order of the server until somebody chooses; then nothing moves under the hand', () => {
  const first = [row('a', -2), row('b', -1)];
  const came = [row('c', -3), row('b', -2.5), row('a', -2)];
  expect(merged(first, came, false)).toEqual(came);
  expect(merged(first, came, true).map((one) => one.text)).toEqual(['a', 'b', 'c']);
  expect(merged(first, came, true)[1]!.delta).toBe(-2.5);
});

test('bars are shares of the largest change', () => {
  const rows = [row('a', -2), row('b', 1)];
  expect(share(rows, rows[1]!)).toBe(0.5);
  expect(share([row('x', 0)], row('x', 0))).toBe(0);
});

test('a row that is no word says what it does', () => {
  expect(written(' suddenly')).toBe('suddenly');
  expect(written('')).toMatch(/delete/);
  expect(written(' ')).toMatch(/white space/);
});
