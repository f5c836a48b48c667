// The charts of the page as Plot's options: values with their bands, zeros at the foot of a logarithmic axis.

import type { PlotOptions } from '@observablehq/plot';
import type { ChartTable, PlotModule } from '../../components/Chart.svelte';
import { count, inWords, logOdds, none, probability, scientific, type Style } from '../../lib/numbers';
import type { Curve, LeakCurve } from '../../lib/types';

type Point = Curve['points'][number];

/** The foot of a logarithmic axis: a power of ten below all that is above zero. */
export function footOf(values: readonly (number | null)[]): number {
  const known = values.filter((value): value is number => value !== null && value > 0);
  return known.length ? 10 ** Math.floor(Math.log10(Math.min(...known)) - 0.05) : 1e-6;
}

/** The powers of ten between two ends. */
function decades(from: number, to: number): number[] {
  const [first, last] = [Math.ceil(Math.log10(from) - 1e-9), Math.floor(Math.log10(to) + 1e-9)];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(`1e${first + i}`));
}

/** What a curve rests on, for its caption. */
export function basisOf(curve: Curve): string {
  return `${curve.method}, n = ${count(curve.n)}; the ${Number((100 * curve.confidence).toFixed(4))} % interval holds at each point by itself`;
}

const odds = (x: number) => `${logOdds(x)}\nP ${probability(x)}`;
const rate = (x: number) => (x >= 0.01 ? String(Number(x.toPrecision(2))) : scientific(x, 1));

function thresholdLine(plot: PlotModule, threshold: number | null, points: readonly Point[]) {
  const xs = points.map((point) => point.x);
  // Its words stand on the side where there is room.
  const isRight = threshold !== null && threshold > (Math.min(...xs) + Math.max(...xs)) / 2;
  return threshold === null
    ? []
    : [
        plot.ruleX([threshold], { stroke: 'currentColor', strokeDasharray: '5,4' }),
        plot.text([threshold], {
          x: (d: number) => d,
          text: () => 'chosen threshold',
          frameAnchor: 'top',
          textAnchor: isRight ? 'end' : 'start',
          dx: isRight ? -5 : 5,
          dy: 2,
          fill: 'var(--ink-soft)',
        }),
      ];
}

/** Quality against the threshold, with its band; 0.5 is a filter that costs nothing. */
export function qualityChart(curve: Curve, threshold: number | null): (plot: PlotModule, width: number) => PlotOptions {
  return (plot) => ({
    marginLeft: 48,
    marginBottom: 48,
    x: { label: 'threshold: log odds, and P →', tickFormat: odds, tickSpacing: 110 },
    y: { label: '↑ quality: share that prefers the answer', nice: true, grid: true },
    marks: [
      plot.ruleY([0.5], { stroke: 'var(--line-strong)' }),
      plot.text([0.5], {
        y: (d: number) => d,
        text: () => 'no cost',
        frameAnchor: 'right',
        textAnchor: 'end',
        dy: -7,
        fill: 'var(--ink-soft)',
      }),
      plot.areaY(curve.points, { x: 'x', y1: 'lower', y2: 'upper', fill: 'currentColor', fillOpacity: 0.14 }),
      plot.lineY(
        curve.points.filter((point) => point.value !== null),
        { x: 'x', y: 'value', stroke: 'currentColor', strokeWidth: 2 },
      ),
      ...thresholdLine(plot, threshold, curve.points),
    ],
  });
}

const dashes = ['', '6,4', '2,3', '8,3,2,3'];

/** The share of catastrophes missed against the share accepted, log-log, a line for each classifier. */
export function missedChart(curves: readonly Curve[]): (plot: PlotModule, width: number) => PlotOptions {
  const all = curves.flatMap((curve) => curve.points);
  const foot = footOf(all.flatMap((point) => [point.value, point.upper]));
  const left = footOf(all.map((point) => point.x));
  return (plot) => ({
    marginLeft: 56,
    marginBottom: 42,
    marginRight: 84,
    x: { type: 'log', label: 'share of completions accepted →', tickFormat: rate, ticks: decades(left, 1), domain: [left, 1] },
    y: { type: 'log', label: '↑ share of held-out catastrophes missed', tickFormat: rate, ticks: decades(foot, 1), domain: [foot, 1], grid: true, clamp: true },
    marks: curves.flatMap((curve, i) => {
      const points = curve.points.filter((point) => point.x > 0);
      const colour = i === 0 ? 'var(--ink)' : 'var(--ink-faint)';
      const last = points[points.length - 1];
      return [
        plot.areaY(points, {
          x: 'x',
          y1: (point: Point) => Math.max(point.lower, foot),
          y2: (point: Point) => Math.max(point.upper, foot),
          fill: colour,
          fillOpacity: i === 0 ? 0.14 : 0.07,
        }),
        plot.lineY(points, {
          x: 'x',
          y: (point: Point) => (point.value === null ? NaN : Math.max(point.value, foot)),
          stroke: colour,
          strokeWidth: 2,
          strokeDasharray: dashes[i % dashes.length],
        }),
        ...(last
          ? [
              plot.text([last], {
                x: 'x',
                y: (point: Point) => Math.max(point.value ?? point.upper, foot),
                text: () => curve.name,
                textAnchor: 'start',
                dx: 6,
                dy: -6 + 12 * i,
                fill: colour,
              }),
            ]
          : []),
      ];
    }),
  });
}

const looks = {
  strict: { colour: 'var(--ink)', symbol: 'circle', dash: '', shift: -4 },
  broad: { colour: 'var(--ink-faint)', symbol: 'diamond', dash: '6,4', shift: 4 },
} as const;

function leakAxes(curves: readonly LeakCurve[]): { foot: number; points: Point[]; options: PlotOptions } {
  const points = curves.flatMap(({ estimate, at_most }) => [...(estimate?.points ?? []), ...(at_most?.points ?? [])]);
  const foot = footOf(points.flatMap((point) => [point.value, point.lower, point.upper]));
  const top = Math.min(1, 3 * Math.max(...points.map((point) => point.upper), foot));
  return {
    foot,
    points,
    options: {
      marginLeft: 56,
      marginBottom: 48,
      x: { label: 'threshold: log odds, and P →', tickFormat: odds, tickSpacing: 110, inset: 24 },
      y: { type: 'log', label: '↑ leak: share of requests', tickFormat: rate, ticks: decades(foot, top), domain: [foot, top], grid: true, clamp: true },
    },
  };
}

/** The leak at each threshold where it was measured: the estimate with its error bar, and the bound as a stroke. */
export function leakChart(curves: readonly LeakCurve[], threshold: number | null): (plot: PlotModule, width: number) => PlotOptions {
  return (plot) => {
    const { foot, points, options } = leakAxes(curves);
    const above = (x: number | null) => Math.max(x ?? foot, foot);
    const xs = points.map((point) => point.x);
    const reach = 0.015 * (Math.max(...xs) - Math.min(...xs) || 1);
    return {
      ...options,
      marks: [
        ...thresholdLine(plot, threshold, points),
        ...curves.flatMap(({ reading, estimate, at_most }) => {
          const { colour, symbol, shift } = looks[reading];
          return [
            plot.ruleX(estimate?.points ?? [], {
              x: 'x',
              y1: (point: Point) => above(point.lower),
              y2: (point: Point) => above(point.upper),
              stroke: colour,
              strokeWidth: 1.5,
              dx: shift,
            }),
            plot.dot(
              (estimate?.points ?? []).filter((point) => point.value !== null),
              { x: 'x', y: (point: Point) => above(point.value), symbol, fill: colour, r: 4, dx: shift },
            ),
            plot.ruleY(at_most?.points ?? [], {
              y: 'upper',
              x1: (point: Point) => point.x - reach,
              x2: (point: Point) => point.x + reach,
              stroke: colour,
              strokeWidth: 2.5,
              dx: shift,
            }),
          ];
        }),
      ],
    };
  };
}

/** The part of the leak that answers below a score make. */
export function belowChart(curves: readonly LeakCurve[], threshold: number | null): (plot: PlotModule, width: number) => PlotOptions {
  return (plot) => {
    const { foot, points, options } = leakAxes(curves);
    const above = (x: number | null) => Math.max(x ?? foot, foot);
    return {
      ...options,
      x: { ...options.x, label: 'score below: log odds, and P →', inset: 0 },
      y: { ...options.y, label: '↑ part of the leak' },
      marks: [
        ...curves.flatMap(({ reading, estimate }) => {
          const { colour, dash } = looks[reading];
          const own = estimate?.points ?? [];
          return [
            plot.areaY(own, {
              x: 'x',
              y1: (point: Point) => above(point.lower),
              y2: (point: Point) => above(point.upper),
              fill: colour,
              fillOpacity: 0.1,
            }),
            plot.lineY(own, {
              x: 'x',
              y: (point: Point) => (point.value === null ? NaN : above(point.value)),
              stroke: colour,
              strokeWidth: 2,
              strokeDasharray: dash,
            }),
          ];
        }),
        ...thresholdLine(plot, threshold, points),
      ],
    };
  };
}

const writtenAt = (curve: Curve, point: Point, style: Style = 'rate') =>
  inWords({ ...point, confidence: curve.confidence, method: curve.method, n: curve.n }, style);

/** A curve's numbers, for the table beside it. */
export function curveTable(x: string, curves: readonly { name: string; curve: Curve | null }[], isOdds: boolean): ChartTable {
  const known = curves.filter((it): it is { name: string; curve: Curve } => it.curve !== null);
  const xs = [...new Set(known.flatMap(({ curve }) => curve.points.map((point) => point.x)))].sort((a, b) => a - b);
  return {
    columns: [x, ...(isOdds ? ['P'] : []), ...known.map(({ name }) => name)],
    rows: xs.map((at) => [
      isOdds ? logOdds(at) : rate(at),
      ...(isOdds ? [probability(at)] : []),
      ...known.map(({ curve }) => {
        const point = curve.points.find((it) => it.x === at);
        return point ? writtenAt(curve, point) : none;
      }),
    ]),
  };
}

/** What a reader would see in a curve: its ends. */
export function curveSummary(curve: Curve, isOdds = true): string {
  const [first, last] = [curve.points[0], curve.points[curve.points.length - 1]];
  const at = (x: number) => (isOdds ? `log odds ${logOdds(x)}` : rate(x));
  return first && last ? `From ${writtenAt(curve, first)} at ${at(first.x)} to ${writtenAt(curve, last)} at ${at(last.x)}.` : 'No points.';
}
