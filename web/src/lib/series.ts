// Series of a run's metrics: put together as they come, and thinned for drawing.

/** Steps with their values; null: the value was not finite. */
export type Series = [number, number | null][];

/** How far back a live reading goes over what it has: what belongs to a step may be stored after the step. */
export const OVERLAP = 100;

/** Puts newer readings in; of one step the newer value counts. */
export function mergeSeries(old: Record<string, Series>, newer: Record<string, Series>): Record<string, Series> {
  const merged = { ...old };
  for (const [name, values] of Object.entries(newer)) {
    if (values.length) {
      const all = new Map([...(old[name] ?? []), ...values]);
      merged[name] = [...all].sort(([a], [b]) => a - b);
    }
  }
  return merged;
}

/** The last step of all series; null where there is none. */
export function lastStep(series: Record<string, Series>): number | null {
  const steps = Object.values(series).flatMap((values) => values.slice(-1).map(([step]) => step));
  return steps.length ? Math.max(...steps) : null;
}

/** At most about `most` points: of each bucket the smallest and the largest value, so that no spike is lost. */
export function thin(series: Series, most = 1500): Series {
  if (series.length <= most) {
    return series;
  }
  const size = Math.ceil((2 * series.length) / most);
  const kept: Series = [];
  for (let from = 0; from < series.length; from += size) {
    const bucket = series.slice(from, from + size);
    const known = bucket.filter(([, value]) => value !== null);
    const lost = bucket.find(([, value]) => value === null);
    const least = known.reduce((a, b) => ((b[1] as number) < (a[1] as number) ? b : a), known[0] ?? [0, null]);
    const most = known.reduce((a, b) => ((b[1] as number) > (a[1] as number) ? b : a), known[0] ?? [0, null]);
    const picked = [...(known.length ? [least, most] : []), ...(lost ? [lost] : [])];
    kept.push(...[...new Set(picked)].sort(([a], [b]) => a - b));
  }
  return kept;
}

/** A trailing mean over so many steps, to see a trend in a noisy line; what is not finite is left out. */
export function smooth(series: Series, over: number): Series {
  const held: number[] = [];
  let sum = 0;
  return series.map(([step, value]) => {
    if (value !== null) {
      held.push(value);
      sum += value;
      if (held.length > over) {
        sum -= held.shift() as number;
      }
    }
    return [step, held.length ? sum / held.length : null];
  });
}

/** What a terminal would show of a log: no colours, and of a line that was written over only the last writing. */
export function plainLog(text: string): string {
  return text
    .replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')
    .replace(/\r\n/g, '\n')
    .split('\n')
    .map((line) => line.replace(/\r+$/, '')).map((line) => line.slice(line.lastIndexOf('\r') + 1))
    .join('\n');
}
