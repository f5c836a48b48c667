// Learning curves of a sweep as Plot's options: how good, and how many, labels must be.

import type { PlotOptions } from '@observablehq/plot';
import type { PlotModule } from '../../components/Chart.svelte';
import { inWords } from '../../lib/numbers';
import { plainNumber } from '../../lib/runs';
import { apart } from './charts';
import type { Learning } from './trials';

const dashes = ['', '6,4', '2,3', '8,3,2,3', '1,4', '10,4'];
const symbols = ['circle', 'square', 'diamond', 'triangle', 'star', 'cross'] as const;
const HEIGHT = 300;
const [TOP, BOTTOM] = [24, 42];

/** Where `all labels` stands: as far beyond the largest budget as budgets lie apart. */
export function placeOfAll(known: readonly number[], isLog: boolean): number {
  const sorted = [...new Set(known)].sort((a, b) => a - b);
  const [last = 1, before = last / 2] = [sorted[sorted.length - 1], sorted[sorted.length - 2]];
  return isLog ? last * Math.max(1.5, last / before) : last + Math.max(last - before, last * 0.25, 1e-6);
}

/** A number against labels or their noise, each point with its interval. */
export function learningChart(learning: Learning, what: string): (plot: PlotModule, width: number) => PlotOptions {
  const all = learning.lines.flatMap((line) => line.points);
  const known = all.map((point) => point.x).filter((x) => x !== null);
  const isLog = known.length > 0 && Math.min(...known) > 0 && Math.max(...known) / Math.min(...known) >= 8;
  const end = placeOfAll(known, isLog);
  const hasAll = all.some((point) => point.x === null);
  const ticks = [...new Set([...known, ...(hasAll ? [end] : [])])].sort((a, b) => a - b);
  const ends = all.flatMap(({ value }) => [value.value, value.lower, value.upper]).filter((it) => it !== null);
  const [least, most] = [Math.min(...ends), Math.max(...ends)];
  const perUnit = (HEIGHT - TOP - BOTTOM) / (most - least || 1);
  const moves = apart(learning.lines.map((line) => -(line.points[line.points.length - 1]?.value.value ?? 0) * perUnit));
  return (plot) => ({
    height: HEIGHT,
    marginTop: TOP,
    marginLeft: 52,
    marginBottom: BOTTOM,
    marginRight: learning.lines.length > 1 ? 150 : 24,
    x: {
      type: isLog ? 'log' : 'linear',
      label: `${learning.label} →`,
      ticks,
      tickFormat: (x: number) => (hasAll && x === end ? 'all' : plainNumber(x)),
      inset: 14,
    },
    y: { label: `↑ ${what}`, grid: true, zero: false, domain: [least, most] },
    marks: learning.lines.flatMap((line, i) => {
      const points = line.points.map(({ x, row, value }) => ({ x: x ?? end, y: value.value, y1: value.lower, y2: value.upper, title: `${row.cell}: ${inWords(value)}` }));
      const colour = i % 2 ? 'var(--ink-faint)' : 'var(--ink)';
      const dx = 5 * (i - (learning.lines.length - 1) / 2);
      const last = points[points.length - 1];
      return [
        plot.ruleX(
          points.filter((point) => point.y1 !== null && point.y2 !== null),
          { x: 'x', y1: 'y1', y2: 'y2', stroke: colour, strokeWidth: 1.5, dx },
        ),
        plot.lineY(points, { x: 'x', y: 'y', stroke: colour, strokeDasharray: dashes[i % dashes.length], dx }),
        plot.dot(points, { x: 'x', y: 'y', symbol: symbols[i % symbols.length], fill: colour, r: 3.5, dx, title: 'title' }),
        ...(last && line.name
          ? [plot.text([last], { x: 'x', y: 'y', text: () => line.name, textAnchor: 'start', dx: 12 + dx, dy: moves[i] ?? 0, fill: colour, lineWidth: 11, textOverflow: 'ellipsis' })]
          : []),
      ];
    }),
  });
}
