import { describe, expect, it } from 'vitest';
import { isEstimate, left, madeBy, plainNumber, summaryOf, took } from './runs';

describe('a run in words', () => {
  it('says what was asked', () => {
    expect(summaryOf({ kind: 'train', config: { name: 'injury', base: 'minilm-l6', recipe: { epochs: 4 } } })).toBe('injury, from minilm-l6, 4 epochs');
    expect(summaryOf({ kind: 'generate', config: { n: 4, prompts: 1350 } })).toBe('4 for each of 1,350 prompts');
    expect(summaryOf({ kind: 'sweep', config: { sweep: { cells: [{}, {}], seeds: [0, 1, 2] } } })).toBe('2 recipes, 3 seeds');
    expect(summaryOf({ kind: 'sweep', config: { sweep: { cells: [], seeds: [0], search: { trials: 9, rungs: [1, 2, 4] } } } })).toBe('9 drawn recipes, halved 2 times');
    expect(madeBy({ kind: 'train', result: { classifier: 'injury v3' } })).toBe('injury v3');
    expect(madeBy({ kind: 'score', result: { classifier: 'injury v3' } })).toBeNull();
    expect(summaryOf({ kind: 'something new', config: null })).toBe('');
  });

  it('tells estimates from other objects', () => {
    expect(isEstimate({ value: null, lower: 0, upper: 1, confidence: 0.95, method: 'exact', n: 3 })).toBe(true);
    expect(isEstimate({ lower: 0, upper: 1 })).toBe(false);
    expect(isEstimate(null)).toBe(false);
  });

  it('keeps numbers as they were written', () => {
    expect([1e-4, 0.9, 32, 1e-8, 0, 20240131, 1234567890, -2.5].map(plainNumber)).toEqual(['1e-4', '0.9', '32', '1e-8', '0', '20240131', '1234567890', '−2.5']);
  });

  it('counts time', () => {
    expect(took('2026-01-01T00:00:00Z', '2026-01-01T00:01:05Z', 0)).toBe(65);
    expect(took('2026-01-01T00:00:00Z', null, Date.parse('2026-01-01T00:00:03Z'))).toBe(3);
    expect(took(null, null, 0)).toBeNull();
    expect(left(50, 100, 60)).toBe('about 1 min 00 s left');
    expect(left(0, 100, 60)).toBeNull();
  });
});
