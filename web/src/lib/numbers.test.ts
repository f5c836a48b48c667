import { describe, expect, it } from 'vitest';
import { accepts, duration, inWords, logOdds, probability, scientific, typedNumber, write } from './numbers';

const estimate = { value: 1.224e-4, lower: 1.226e-5, upper: 1.224e-3, confidence: 0.95, method: 'Clopper-Pearson', n: 3000 };

describe('scientific', () => {
  it('rounds ends outwards, across powers of ten too', () => {
    expect(scientific(1.224e-4, 3, 'up')).toBe('1.23e-4');
    expect(scientific(1.22e-4, 3, 'up')).toBe('1.22e-4');
    expect(scientific(9.996e-5, 3, 'up')).toBe('1.00e-4');
    expect(scientific(9.91e-5, 2, 'up')).toBe('1.0e-4');
    expect(scientific(9.99e-5, 2, 'down')).toBe('9.9e-5');
    expect(scientific(9.999e-5, 2, 'down')).toBe('9.9e-5');
    expect(scientific(1e-4, 2, 'down')).toBe('1.0e-4');
    expect(scientific(-1.23e-4, 2, 'down')).toBe('−1.3e-4');
    expect(scientific(-9.99e-4, 2, 'down')).toBe('−1.0e-3');
  });
});

describe('an estimate', () => {
  it('keeps small numbers readable and never moves an end inwards', () => {
    expect(inWords(estimate)).toBe('1.2e-4 [1.2e-5, 1.3e-3] 95 %');
    expect(inWords({ ...estimate, value: 0, lower: 0, upper: 3.6882e-4 })).toBe('0 [0, 3.7e-4] 95 %');
    expect(inWords({ ...estimate, value: null, lower: 0.25, upper: 0.7 })).toBe('– [0.25, 0.70] 95 %');
  });

  it('shows shares in percent with an interval that is not empty', () => {
    expect(inWords({ ...estimate, value: 0.413, lower: 0.3811, upper: 0.4409 }, 'percent')).toBe('41.3 % [38.1, 44.1] 95 %');
    expect(inWords({ ...estimate, value: 1, lower: 0.99963118, upper: 1 }, 'percent')).toBe('100.000 % [99.963, 100.000] 95 %');
  });

  it('has a true minus before every negative number', () => {
    expect(inWords({ ...estimate, value: -0.42, lower: -0.5, upper: -0.3 }, 'plain')).toBe('−0.42 [−0.50, −0.30] 95 %');
    expect(inWords({ ...estimate, value: -0.002, lower: -0.003, upper: 0.001 })).toBe('−2.0e-3 [−3.0e-3, 1.0e-3] 95 %');
  });

  it('says when an end is not finite', () => {
    expect(write({ ...estimate, upper: null }, 'plain').upper).toBe('∞');
  });
});

describe('a score', () => {
  it('is shown as P without ever saying 0 or 100 %', () => {
    expect(probability(0)).toBe('50.0 %');
    expect(probability(-8)).toBe('3.4e-4');
    expect(probability(12)).toBe('1 − 6.1e-6');
    expect(probability(Number.NaN)).toBe('–');
    expect(logOdds(-4.826)).toBe('−4.83');
  });

  it('is accepted only when it is a number below the threshold', () => {
    expect(accepts(-5, -4)).toBe(true);
    expect(accepts(-4, -4)).toBe(false);
    expect(accepts(Number.NaN, -4)).toBe(false);
    expect(accepts(null, -4)).toBe(false);
    expect(accepts(-5, null)).toBe(false);
  });
});

it('writes durations', () => {
  expect(duration(845.9)).toBe('14 min 05 s');
  expect(duration(7380)).toBe('2 h 03 min');
  expect(duration(9.2)).toBe('9 s');
});

describe('a typed number', () => {
  it('is what people write', () => {
    expect(['1,000', '12,345,678', ' 7 ', '−3', '1e3'].map((text) => typedNumber(text, true))).toEqual([1000, 12345678, 7, -3, 1000]);
    expect(['0,95', '.5', '−1.2e-4', '1000'].map((text) => typedNumber(text))).toEqual([0.95, 0.5, -1.2e-4, 1000]);
    expect(['−1.2e−4'].map((text) => typedNumber(text))).toEqual([-1.2e-4]);
  });

  it('is none where it could be two, or is not whole', () => {
    expect(['1,000', '', 'x', '1,0,0'].map((text) => typedNumber(text))).toEqual([NaN, NaN, NaN, NaN]);
    expect(['1,5', '1.5', '1,00', '', '9007199254740993'].map((text) => typedNumber(text, true))).toEqual([NaN, NaN, NaN, NaN, NaN]);
  });
});
