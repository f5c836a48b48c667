import { describe, expect, it } from 'vitest';
import { apart, intervalsOf, intervalTable, shortName, validated } from './charts';

const all = {
  loss: [[1, 0.5]] as [number, number | null][],
  'validation/auroc': [[31, 0.8], [62, null]] as [number, number | null][],
  'validation/auroc/lower': [[31, 0.7]] as [number, number | null][],
  'validation/auroc/upper': [[31, 0.9]] as [number, number | null][],
};

describe('validation', () => {
  it('keeps each value with its interval', () => {
    expect(validated(all)).toEqual(['validation/auroc']);
    expect(intervalsOf(all, 'validation/auroc')).toEqual([
      { step: 31, value: 0.8, lower: 0.7, upper: 0.9 },
      { step: 62, value: null, lower: null, upper: null },
    ]);
    expect(intervalTable(all, ['validation/auroc'])).toEqual({
      columns: ['step', 'AUROC'],
      rows: [
        [31, '0.8 [0.7, 0.9]'],
        [62, 'not finite'],
      ],
    });
    expect(shortName('validation/recall_at_90')).toBe('recall at 90 %');
  });
});

describe('labels', () => {
  it('never lie on each other', () => {
    const places = [100, 101, 99, 300];
    const moved = apart(places).map((by, i) => (places[i] as number) + by).sort((a, b) => a - b);
    for (let i = 1; i < moved.length; i += 1) {
      expect((moved[i] as number) - (moved[i - 1] as number)).toBeGreaterThanOrEqual(12);
    }
    expect(apart([])).toEqual([]);
  });
});
