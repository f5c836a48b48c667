// The charts of a run as Plot's options: what was logged at each step, and validation with its intervals.

import type { PlotOptions } from '@observablehq/plot';
import type { ChartTable, PlotModule } from '../../components/Chart.svelte';
import { minus, none, scientific } from '../../lib/numbers';
import { plainNumber } from '../../lib/runs';
import { smooth, thin, type Series } from '../../lib/series';

type All = Record<string, Series>;
type Drawn = (plot: PlotModule, width: number) => PlotOptions;
interface Interval {
  step: number;
  value: number | null;
  lower: number | null;
  upper: number | null;
}

const points = (series: Series) => thin(series).map(([step, value]) => ({ step, value: value ?? NaN }));
const axisNumber = (x: number) => (x !== 0 && Math.abs(x) < 0.001 ? scientific(x, 2).replace('.0e', 'e') : minus(String(Number(x.toPrecision(3)))));

const wholeStep = (x: number) => (Number.isInteger(x) ? x.toLocaleString('en-GB') : '');

/** A validated quantity with its interval at each step. */
export function intervalsOf(all: All, name: string): Interval[] {
  const end = (which: string) => new Map(all[`${name}/${which}`] ?? []);
  const [lower, upper] = [end('lower'), end('upper')];
  return (all[name] ?? []).map(([step, value]) => ({ step, value, lower: lower.get(step) ?? null, upper: upper.get(step) ?? null }));
}

/** The quantities that were validated, by name, without the ends of their intervals. */
export function validated(all: All): string[] {
  return Object.keys(all)
    .filter((name) => name.startsWith('validation/') && !name.endsWith('/lower') && !name.endsWith('/upper'))
    .sort();
}

function yAxis(label: string, isLog: boolean): PlotOptions['y'] {
  return { label: `↑ ${label}`, type: isLog ? 'log' : 'linear', grid: true, nice: !isLog, zero: false, tickFormat: axisNumber, ticks: isLog ? 5 : 6 };
}

/** A noisy line with its trend; beside the training loss that of validation with its interval. */
export function lineChart(series: Series, label: string, isLog: boolean, validation: Interval[] = []): Drawn {
  const over = Math.max(1, Math.round(series.length / 40));
  const positive = (value: number | null) => (isLog && value !== null && value <= 0 ? null : value);
  const raw = points(series).map((it) => ({ ...it, value: positive(it.value) ?? NaN }));
  const trend = over > 2 ? points(smooth(series, over)) : [];
  const last = validation[validation.length - 1];
  return (plot) => ({
    marginLeft: 52,
    marginBottom: 38,
    marginRight: last ? 70 : 20,
    x: { label: 'step →', tickFormat: wholeStep },
    y: yAxis(label, isLog),
    marks: [
      plot.lineY(raw, { x: 'step', y: 'value', stroke: 'var(--ink-faint)', strokeOpacity: trend.length ? 0.6 : 1, strokeWidth: trend.length ? 1 : 1.5 }),
      plot.lineY(trend, { x: 'step', y: 'value', stroke: 'var(--ink)', strokeWidth: 2 }),
      plot.ruleX(
        validation.filter((it) => it.lower !== null && it.upper !== null),
        { x: 'step', y1: (it: Interval) => positive(it.lower), y2: 'upper', stroke: 'var(--ink)', strokeWidth: 1.5 },
      ),
      plot.lineY(validation, { x: 'step', y: (it: Interval) => it.value ?? NaN, stroke: 'var(--ink)', strokeDasharray: '5,4' }),
      plot.dot(
        validation.filter((it) => it.value !== null),
        { x: 'step', y: 'value', symbol: 'square', fill: 'var(--ink)', r: 3.5 },
      ),
      ...(last ? [plot.text([last], { x: 'step', y: 'value', text: () => 'validation', textAnchor: 'start', dx: 8, fill: 'var(--ink)' })] : []),
    ],
  });
}

const dashes = ['', '6,4', '2,3', '8,3,2,3', '1,4', '10,4'];
const signs = ['■', '●', '◆', '▲', '★', '✚'];
const symbols = ['square', 'circle', 'diamond', 'triangle', 'star', 'cross'] as const;

/** Moves labels apart that would lie on each other: how far each goes, in pixels, from where its line ends. */
export function apart(places: readonly number[], room = 12): number[] {
  const order = places.map((_, i) => i).sort((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  const moved = [...places];
  for (let k = 1; k < order.length; k += 1) {
    const [before, here] = [order[k - 1] as number, order[k] as number];
    moved[here] = Math.max(moved[here] as number, (moved[before] as number) + room);
  }
  // Half of the push goes upwards, so that the whole stays around its middle.
  const excess = order.length ? (moved[order[order.length - 1] as number] as number) - (places[order[order.length - 1] as number] as number) : 0;
  return moved.map((place, i) => place - excess / 2 - (places[i] as number));
}

/** Several validated shares, each with its interval, side by side at each step. */
export function validationChart(all: All, names: readonly string[], label: string): Drawn {
  const height = 280;
  const [top, bottom] = [24, 38];
  const lines = names.map((name) => ({ name, known: intervalsOf(all, name) }));
  const ends = lines.flatMap(({ known }) => known.flatMap((it) => [it.value, it.lower, it.upper])).filter((it) => it !== null);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const perUnit = (height - top - bottom) / (most - least || 1);
  const lastOf = (known: Interval[]) => known[known.length - 1]?.value ?? 0;
  const moves = apart(lines.map(({ known }) => -lastOf(known) * perUnit));
  return (plot) => ({
    height,
    marginTop: top,
    marginLeft: 46,
    marginBottom: bottom,
    marginRight: 110,
    x: { label: 'step →', tickFormat: wholeStep, insetLeft: 12, insetRight: 12 },
    y: { label: `↑ ${label}`, grid: true, tickFormat: axisNumber, domain: [least, most] },
    marks: lines.flatMap(({ name, known }, i) => {
      const dx = 5 * (i - (names.length - 1) / 2);
      const colour = i % 2 ? 'var(--ink-faint)' : 'var(--ink)';
      const last = known[known.length - 1];
      return [
        plot.ruleX(
          known.filter((it) => it.lower !== null && it.upper !== null),
          { x: 'step', y1: 'lower', y2: 'upper', stroke: colour, strokeOpacity: 0.7, dx },
        ),
        plot.lineY(known, { x: 'step', y: (it: Interval) => it.value ?? NaN, stroke: colour, strokeDasharray: dashes[i % dashes.length], dx }),
        plot.dot(
          known.filter((it) => it.value !== null),
          { x: 'step', y: 'value', symbol: symbols[i % symbols.length], fill: colour, r: 3.5, dx },
        ),
        ...(last && last.value !== null
          ? [plot.text([last], { x: 'step', y: 'value', text: () => `${signs[i % signs.length]} ${shortName(name)}`, textAnchor: 'start', dx: 22, dy: moves[i] ?? 0, fill: colour })]
          : []),
      ];
    }),
  });
}

/** `validation/recall_at_90` → `recall at 90 %`. */
export function shortName(name: string): string {
  const short = name.replace(/^validation\//, '').replace(/^recall_at_(\d+)$/, 'recall at $1 %');
  return (({ auroc: 'AUROC', auprc: 'AUPRC' }) as Record<string, string>)[short] ?? short.replaceAll('_', ' ');
}

const written = (value: number | null | undefined) => (typeof value === 'number' ? plainNumber(value) : value === null ? 'not finite' : none);

/** The numbers of some series by step. */
export function seriesTable(all: All, names: readonly string[]): ChartTable {
  const columns = names.map((name) => new Map(all[name] ?? []));
  const steps = [...new Set(names.flatMap((name) => (all[name] ?? []).map(([step]) => step)))].sort((a, b) => a - b);
  return {
    columns: ['step', ...names.map(shortName)],
    rows: steps.map((step) => [step, ...columns.map((column) => written(column.get(step)))]),
  };
}

/** The numbers of validated quantities by step, with their intervals. */
export function intervalTable(all: All, names: readonly string[]): ChartTable {
  const columns = names.map((name) => new Map(intervalsOf(all, name).map((it) => [it.step, it])));
  const steps = [...new Set(columns.flatMap((column) => [...column.keys()]))].sort((a, b) => a - b);
  return {
    columns: ['step', ...names.map(shortName)],
    rows: steps.map((step) => [
      step,
      ...columns.map((column) => {
        const it = column.get(step);
        return it ? `${written(it.value)}${it.lower === null ? '' : ` [${written(it.lower)}, ${written(it.upper)}]`}` : none;
      }),
    ]),
  };
}

/** First and last value, for whoever does not see the line. */
export function seriesSummary(series: Series): string {
  const known = series.filter(([, value]) => value !== null);
  const [first, last] = [known[0], known[known.length - 1]];
  return first && last ? `From ${written(first[1])} at step ${first[0]} to ${written(last[1])} at step ${last[0]}.` : 'Nothing yet.';
}
