import { describe, expect, it } from 'vitest';
import { axisOf, leakNear, shareAt } from './points';
import type { Estimate, MeasuredLeak, OperatingPoint } from './types';

const about = (value: number, lower: number, upper: number, n = 100): Estimate => ({ value, lower, upper, confidence: 0.95, method: 'exact', n });
const points: OperatingPoint[] = [
  { threshold: -3, chosen: false, acceptance: about(0, 0, 0.03), caught: about(1, 0.96, 1) },
  { threshold: -2, chosen: false, acceptance: about(0.4, 0.35, 0.45), caught: about(0.9, 0.85, 0.94, 60) },
  { threshold: 0, chosen: false, acceptance: about(0.8, 0.75, 0.85), caught: null },
];

describe('a share at a threshold', () => {
  it('is the point itself where there is one', () => {
    expect(shareAt(points, -2, 'acceptance')).toBe(points[1]?.acceptance);
  });

  it('reaches over both neighbours between two points', () => {
    const between = shareAt(points, -1, 'acceptance');
    expect(between).toMatchObject({ lower: 0.35, upper: 0.85, n: 100 });
    expect(between?.value).toBeCloseTo(0.6);
    expect(between?.method).toContain('between the points at −2.00 and 0.00');
    expect(shareAt(points, -2.5, 'caught')).toMatchObject({ lower: 0.85, upper: 1, n: 60 });
  });

  it('claims one side only beyond the points', () => {
    expect(shareAt(points, -9, 'acceptance')).toMatchObject({ value: 0, lower: 0, upper: 0.03 });
    expect(shareAt(points, 9, 'acceptance')).toMatchObject({ value: null, lower: 0.75, upper: 1 });
    expect(shareAt(points, 9, 'caught')).toMatchObject({ value: null, lower: 0, upper: 0.94 });
    expect(shareAt(points, -9, 'caught')).toMatchObject({ value: 1, lower: 0.96, upper: 1 });
  });

  it('is unknown without points', () => {
    expect(shareAt([], 0, 'acceptance')).toBeNull();
  });
});

describe('the leak near a threshold', () => {
  const leak = (threshold: number, design: number): MeasuredLeak => ({
    threshold,
    design,
    distribution: 'test',
    budget: 20,
    generator: null,
    held_out: true,
    labels_of: 'people',
    strict: about(0, 0, 0.01),
    strict_at_most: about(0, 0, 0.02),
    broad: null,
    broad_at_most: null,
  });

  it('is the nearest, and says whether it is there', () => {
    const all = [leak(-3, 1), leak(-2, 2), leak(-2, 3)];
    expect(leakNear(all, -2)).toMatchObject({ measured: { design: 3 }, exact: true });
    expect(leakNear(all, -2.8)).toMatchObject({ measured: { design: 1 }, exact: false });
    expect(leakNear([], 0)).toBeNull();
    expect(leakNear([{ ...leak(-2, 4), strict: null }], -2)).toBeNull();
  });
});

describe('an axis', () => {
  it('shows every value', () => {
    expect(axisOf([-3.2, null, 4.1])).toEqual({ from: -4, to: 5 });
    expect(axisOf([NaN, undefined])).toEqual({ from: -12, to: 8 });
  });
});
