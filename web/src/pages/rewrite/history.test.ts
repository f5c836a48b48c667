import { expect, test } from 'vitest';
import { begun, edited, gone, heights, here, replayed, scored } from './history';

const start = { prompt: 'P', completion: 'a', score: 4 };
const of = (completion: string) => ({ prompt: 'P', completion });

test('undo and redo walk the trace, and a new edit leaves what was undone behind', () => {
  let history = edited(edited(begun(start), of('b'), 'typed', 3), of('c'), 'substitute');
  expect(history.at).toBe(2);
  history = gone(history, 0)!.history;
  expect(here(history).completion).toBe('a');
  expect(gone(history, 2)!.kind).toBe('redo');
  expect(gone(history, 0)).toBe(null);
  expect(gone(history, 3)).toBe(null);
  history = edited(history, of('d'), 'insert');
  expect(history.entries.map((entry) => entry.completion)).toEqual(['a', 'd']);
});

test('an edit that changes nothing is none', () => {
  const history = begun(start);
  expect(edited(history, of('a'), 'typed')).toBe(history);
});

test('a score is written wherever its text stands', () => {
  let history = edited(edited(begun(start), of('b'), 'typed'), of('a'), 'typed');
  history = scored(history, of('b'), -1);
  expect(history.entries.map((entry) => entry.score)).toEqual([4, -1, undefined]);
  expect(scored(history, of('never'), 1)).toBe(history);
});

test('the stored steps give the same trace again', () => {
  const step = (kind: 'typed' | 'undo' | 'redo' | 'substitute' | 'reset', completion: string, score: number | null) => ({ kind, prompt: 'P', completion, score });
  const history = replayed(start, [
    step('typed', 'b', 3),
    step('substitute', 'c', 2),
    step('undo', 'b', 3),
    step('undo', 'a', 4),
    step('redo', 'c', 2),
  ]);
  expect(history.entries.map((entry) => [entry.completion, entry.score])).toEqual([['a', 4], ['b', 3], ['c', 2]]);
  expect(history.at).toBe(2);
  const other = replayed(start, [step('typed', 'b', null), step('undo', 'a', 4), step('typed', 'd', 1), step('reset', 'a', 4)]);
  expect(other.entries.map((entry) => entry.completion)).toEqual(['a', 'd', 'a']);
});

test('the bars of the trace stand on one scale with the threshold', () => {
  const { bars, line } = heights(edited(edited(begun(start), of('b'), 'typed', -2), of('c'), 'typed'), -1);
  expect(bars[0]).toBeGreaterThan(line);
  expect(bars[1]).toBeLessThan(line);
  expect(bars[2]).toBe(null);
});
