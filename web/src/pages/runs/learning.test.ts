import { describe, expect, it } from 'vitest';
import { placeOfAll } from './learning';

describe('all labels', () => {
  it('stand beyond the largest budget, as far as budgets lie apart', () => {
    expect(placeOfAll([100, 200, 400, 400], true)).toBe(800);
    expect(placeOfAll([100, 110], true)).toBeCloseTo(165);
    expect(placeOfAll([0.1, 0.3], false)).toBeCloseTo(0.5);
    expect(placeOfAll([0], false)).toBeGreaterThan(0);
  });
});
