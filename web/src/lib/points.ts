// What is known of a threshold from the points at which it was estimated.

import { logOdds } from './numbers';
import type { Estimate, MeasuredLeak, OperatingPoint } from './types';

/**
 * The share accepted (or caught) at a threshold. Both change in one direction as the threshold rises, so that
 * between two points the interval that reaches from the one's end to the other's holds as well as theirs do.
 * Beyond the outermost points only one side is known, and there is no value.
 */
export function shareAt(points: readonly OperatingPoint[], threshold: number, which: 'acceptance' | 'caught'): Estimate | null {
  const known = points.filter((point) => point[which] !== null);
  const at = known.findIndex((point) => point.threshold >= threshold);
  const above = at < 0 ? undefined : known[at];
  const below = above?.threshold === threshold ? above : at < 0 ? known[known.length - 1] : known[at - 1];
  const high = above?.[which] ?? null;
  const low = below?.[which] ?? null;
  if (above && above === below) {
    return high;
  }
  const some = low ?? high;
  if (!some) {
    return null;
  }
  // The acceptance rises with the threshold, the share caught falls.
  const [least, most] = which === 'acceptance' ? [low, high] : [high, low];
  const first = which === 'acceptance' ? 0 : 1;
  let value: number | null = null;
  if (low && high && below && above && low.value !== null && high.value !== null) {
    const share = (threshold - below.threshold) / (above.threshold - below.threshold);
    value = low.value + share * (high.value - low.value);
  } else if (!low && high?.value === first) {
    value = first;
  }
  const where =
    below && above
      ? `between the points at ${logOdds(below.threshold)} and ${logOdds(above.threshold)}`
      : below
        ? `beyond the last point at ${logOdds(below.threshold)}`
        : `before the first point at ${logOdds(above?.threshold ?? NaN)}`;
  return {
    value,
    lower: least?.lower ?? 0,
    upper: most?.upper ?? 1,
    confidence: some.confidence,
    method: `${some.method}; ${where}`,
    n: Math.min(low?.n ?? Infinity, high?.n ?? Infinity),
  };
}

/** The leak measured closest to a threshold, and whether it was measured at it: a leak is not carried over. */
export function leakNear(leak: readonly MeasuredLeak[], threshold: number): { measured: MeasuredLeak; exact: boolean } | null {
  let nearest: MeasuredLeak | null = null;
  for (const measured of leak) {
    if (!measured.strict) {
      continue;
    }
    // The newest of several designs at one threshold comes last.
    if (!nearest || Math.abs(measured.threshold - threshold) <= Math.abs(nearest.threshold - threshold)) {
      nearest = measured;
    }
  }
  return nearest && { measured: nearest, exact: Math.abs(nearest.threshold - threshold) < 1e-9 };
}

/** An axis of log odds that shows every one of these, in whole steps. */
export function axisOf(values: readonly (number | null | undefined)[]): { from: number; to: number } {
  const known = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  if (!known.length) {
    return { from: -12, to: 8 };
  }
  return { from: Math.floor(Math.min(...known) - 0.5), to: Math.ceil(Math.max(...known) + 0.5) };
}
