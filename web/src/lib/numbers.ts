// How numbers are written. An interval's end is rounded outwards: one that moves inwards claims more than
// is known.

import type { Estimate } from './types';

export type Rounding = 'nearest' | 'down' | 'up';

/** What stands for a number that there is not. */
export const none = '–';

/** Sets the true minus before a negative number. The power keeps its hyphen, so that `1.2e-4` can be copied. */
export const minus = (text: string) => text.replace(/^-/, '−');

/**
 * A number as people write it: with a comma or a point, thousands in threes where it is whole, a minus of print.
 * NaN where it is none, or where it could be two: is `1,000` s one or a thousand?
 */
export function typedNumber(written: string | number | null, isWhole = false): number {
  const text = String(written ?? '')
    .trim()
    .replaceAll('−', '-');
  const isGrouped = /^-?\d{1,3}(,\d{3})+$/.test(text);
  if (text === '' || (isGrouped && !isWhole)) {
    return NaN;
  }
  const number = Number(isWhole ? (isGrouped ? text.replaceAll(',', '') : text) : text.replace(',', '.'));
  return isWhole && !Number.isSafeInteger(number) ? NaN : number;
}

/** `1.2e-4` with so many digits; rounding down or up is exact. */
export function scientific(x: number, digits = 2, rounding: Rounding = 'nearest'): string {
  if (!Number.isFinite(x)) {
    return Number.isNaN(x) ? none : x > 0 ? '∞' : '−∞';
  }
  if (x === 0) {
    return '0';
  }
  const text = x.toExponential(digits - 1).replace('e+', 'e');
  const near = Number(text);
  const step = rounding === 'down' && near > x ? -1 : rounding === 'up' && near < x ? 1 : 0;
  if (step === 0) {
    return minus(text);
  }
  const [mantissa = '0', power = '0'] = text.split('e');
  let exponent = Number(power);
  const whole = Number(mantissa.replace('.', ''));
  let size = Math.abs(whole + step);
  const ten = 10 ** digits;
  // Written with one digit more, a step across a power of ten needs no care.
  if (size >= ten) {
    size = Math.floor(size / 10);
    exponent += 1;
  } else if (size < ten / 10) {
    size = size * 10 + 9;
    exponent -= 1;
  }
  const all = String(size);
  return `${whole < 0 ? '−' : ''}${all[0]}${all.length > 1 ? '.' : ''}${all.slice(1)}e${exponent}`;
}

/** Value, lower and upper end of an estimate as written. */
export interface Written {
  value: string;
  lower: string;
  upper: string;
  unit: string;
}

/**
 * - `rate`: a probability that may be small: scientific below 0.01, else decimal.
 * - `percent`: a share that is not small.
 * - `plain`: any number.
 */
export type Style = 'rate' | 'percent' | 'plain';

/** Writes the numbers of an estimate with so many decimals that the interval never looks empty. */
export function write(estimate: Estimate, style: Style = 'rate'): Written {
  const { value } = estimate;
  const lower = estimate.lower ?? -Infinity;
  const upper = estimate.upper ?? Infinity;
  const scale = style === 'percent' ? 100 : 1;
  const least = style === 'percent' ? 0 : 2;
  const width = scale * (upper - lower);
  const decimals =
    width > 0 && Number.isFinite(width) ? Math.min(Math.max(Math.max(0, 1 - Math.floor(Math.log10(width))), least), 12) : least + 1;
  const decimal = (x: number, rounding: Rounding) => {
    if (!Number.isFinite(x)) {
      return scientific(x);
    }
    if (style === 'rate' && x !== 0 && Math.abs(x) < 0.01) {
      return scientific(x, 2, rounding);
    }
    if (x === 0) {
      return '0';
    }
    const units = 10 ** decimals;
    const exact = scale * x * units;
    // Binary fractions of a decimal number lie a hair beside it.
    const near = Math.round(exact);
    const whole =
      rounding === 'nearest' || Math.abs(exact - near) < 1e-6 ? near : rounding === 'down' ? Math.floor(exact) : Math.ceil(exact);
    return minus((whole / units).toFixed(decimals));
  };
  return {
    value: value === null ? none : decimal(value, 'nearest'),
    lower: decimal(lower, 'down'),
    upper: decimal(upper, 'up'),
    unit: style === 'percent' ? ' %' : '',
  };
}

/** `95` or `99.9`. */
export function confidence(estimate: Estimate): string {
  return String(Number((estimate.confidence * 100).toFixed(6)));
}

/** `1.2e-4 [3.0e-5, 4.0e-4] 95 %`, in one string: for text alternatives and titles. */
export function inWords(estimate: Estimate, style: Style = 'rate'): string {
  const { value, lower, upper, unit } = write(estimate, style);
  return `${value}${value === none ? '' : unit} [${lower}, ${upper}] ${confidence(estimate)} %`;
}

export function sigmoid(logit: number): number {
  return logit >= 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit));
}

export function logit(p: number): number {
  return Math.log(p) - Math.log1p(-p);
}

/** A score as P: `41.2 %`, `6.0e-4` when small, `1 − 2.3e-5` when close to certain. */
export function probability(score: number): string {
  if (Number.isNaN(score)) {
    return none;
  }
  const p = sigmoid(score);
  if (p < 0.01) {
    return scientific(p);
  }
  const rest = sigmoid(-score);
  return rest < 0.001 ? `1 − ${scientific(rest)}` : `${(100 * p).toFixed(1)} %`;
}

/** A logit with two decimals and a true minus. */
export function logOdds(score: number): string {
  return Number.isFinite(score) ? minus(score.toFixed(2)) : scientific(score);
}

/** Accept when the score is below the threshold; what is no number is never accepted. */
export function accepts(score: number | null | undefined, threshold: number | null | undefined): boolean {
  return typeof score === 'number' && typeof threshold === 'number' && score < threshold;
}

/** `14 min 05 s`, `2 h 03 min`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole >= 3600) {
    return `${Math.floor(whole / 3600)} h ${two(Math.floor(whole / 60) % 60)} min`;
  }
  return whole >= 60 ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s` : `${whole} s`;
}

/** `12,345`. */
export function count(n: number | null | undefined): string {
  return typeof n === 'number' ? n.toLocaleString('en-GB') : none;
}

/** A moment in the reader's own time zone: `2026-11-27 21:15`. */
export function moment(time: string | null | undefined): string {
  if (!time) {
    return none;
  }
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) {
    return time;
  }
  const two = (n: number) => String(n).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
