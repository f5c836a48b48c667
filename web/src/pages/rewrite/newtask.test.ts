import { expect, test } from 'vitest';
import { mistakes, numberOf, snippetsIn, type Written } from './newtask';

const good: Written = { name: 'First round', threshold: '', from: 'injurious', number: '20', ids: '', seed: '0' };
const wrong = (changes: Partial<Written>) =>
  Object.entries(mistakes({ ...good, ...changes }))
    .filter(([, why]) => why !== null)
    .map(([field]) => field);

test('a threshold is a number however it is written, or none', () => {
  expect(numberOf('−2,5')).toBe(-2.5);
  expect(numberOf(' -1e1 ')).toBe(-10);
  for (const nothing of ['', ' ', null, 'low', 'Infinity', '1 2']) {
    expect(numberOf(nothing)).toBe(null);
  }
  expect(wrong({ threshold: '' })).toEqual([]);
  expect(wrong({ threshold: '-3' })).toEqual([]);
  expect(wrong({ threshold: 'low' })).toEqual(['threshold']);
});

test('starts are asked for as the choice wants them, and other fields do not matter', () => {
  expect(wrong({})).toEqual([]);
  expect(wrong({ name: ' ', number: '0', seed: '1.5' })).toEqual(['name', 'number', 'seed']);
  expect(wrong({ from: 'search', number: 'none' })).toEqual([]);
  expect(wrong({ from: 'snippets' })).toEqual(['ids']);
  expect(wrong({ from: 'snippets', ids: '12, x' })).toEqual(['ids']);
  expect(wrong({ from: 'snippets', ids: '12; 40\n7' })).toEqual([]);
  expect(wrong({ from: 'snippets', ids: Array.from({ length: 1001 }, (_, i) => i + 1).join(' ') })).toEqual(['ids']);
  expect(snippetsIn('12; 40\n7, 12')).toEqual([12, 40, 7]);
});
