import { describe, expect, it } from 'vitest';
import { lastStep, mergeSeries, plainLog, smooth, thin, type Series } from './series';

describe('series', () => {
  it('are put together without doubling a step', () => {
    const merged = mergeSeries({ loss: [[1, 3], [2, 2]] }, { loss: [[2, 2.5], [3, 1]], rate: [[3, 0.1]], none: [] });
    expect(merged).toEqual({ loss: [[1, 3], [2, 2.5], [3, 1]], rate: [[3, 0.1]] });
    expect(lastStep(merged)).toBe(3);
    expect(lastStep({})).toBeNull();
  });

  it('lose no spike and no gap when thinned', () => {
    const long: Series = Array.from({ length: 10_000 }, (_, i) => [i, i === 5_003 ? 99 : i === 7_001 ? null : 1 + (i % 7) / 100]);
    const few = thin(long, 500);
    expect(few.length).toBeLessThan(600);
    expect(few).toContainEqual([5_003, 99]);
    expect(few).toContainEqual([7_001, null]);
    expect(few.map(([step]) => step)).toEqual([...few.map(([step]) => step)].sort((a, b) => a - b));
    expect(thin(long.slice(0, 10), 500)).toHaveLength(10);
  });

  it('are smoothed over what is finite', () => {
    expect(smooth([[1, 1], [2, 3], [3, null], [4, 5]], 2)).toEqual([[1, 1], [2, 2], [3, 2], [4, 4]]);
  });
});

describe('a log', () => {
  it('is shown as a terminal leaves it', () => {
    expect(plainLog('\u001b[32mok\u001b[0m\r\n10 %\r20 %\rdone\nend')).toBe('ok\ndone\nend');
  });
});
