import { describe, expect, it } from 'vitest';
import type { Trial, TrialState } from '../../lib/types';
import {
  axesOf,
  brushOf,
  cellsOf,
  fieldsOf,
  flat,
  isWithin,
  keptOf,
  learningOf,
  moved,
  numberAxis,
  numberOf,
  placeOn,
  rowsOf,
  saidAt,
  sorted,
  stateOf,
  stepOf,
  ticksOf,
  valueOf,
  type Axis,
  type Brushes,
  type Row,
} from './trials';

const estimate = (value: number) => ({ value, lower: value - 0.1, upper: value + 0.05, confidence: 0.95, method: 'bootstrap', n: 40 });
let position = 0;
function trial(cell: string, seed: number, recipe: unknown, auroc: number | null, more: Partial<Trial> = {}): Trial {
  const numbers = auroc === null ? [] : [{ what: 'AUROC', value: estimate(auroc) }];
  position += 1;
  return {
    position,
    cell,
    seed,
    rung: 0,
    base: null,
    recipe,
    state: auroc === null ? 'waiting' : 'done',
    numbers,
    together: numbers,
    seconds: auroc === null ? null : 10,
    error: null,
    started: null,
    ended: auroc === null ? null : `2026-11-28T10:00:${String(position).padStart(2, '0')}Z`,
    ...more,
  };
}

const rates = [
  trial('a', 0, { learning_rate: 1e-5, sift: null }, 0.7),
  trial('b', 0, { learning_rate: 1e-3, sift: { weight: 2 } }, 0.9, { base: 'mpnet-base' }),
  trial('a', 1, { learning_rate: 1e-5, sift: null }, 0.8, { together: [{ what: 'AUROC', value: estimate(0.75) }], seconds: 20 }),
  trial('b', 1, { learning_rate: 1e-3, sift: { weight: 2 } }, null, { base: 'mpnet-base', state: 'running' }),
];

describe('cells', () => {
  it('put seeds together with the numbers of the newest', () => {
    const cells = cellsOf(rates);
    expect(cells.map((row) => [row.cell, row.done, row.seeds, row.state])).toEqual([
      ['a', 2, 2, 'done'],
      ['b', 1, 2, 'running'],
    ]);
    expect(numberOf(cells[0] as Row, 'AUROC')?.value).toBe(0.75);
    expect(cells[0]?.seconds).toBe(15);
    expect(rowsOf(rates).map((row) => row.seed)).toEqual([0, 0, 1, 1]);
  });

  it('say first what must be known first', () => {
    const of = (...states: TrialState[]) => stateOf(states);
    expect(of('done', 'failed', 'waiting')).toBe('failed');
    expect(of('dropped', 'dropped')).toBe('dropped');
    expect(of()).toBe('waiting');
  });
});

describe('fields', () => {
  it('of tables are told by their paths, and only those that differ', () => {
    expect(flat({ a: 1, b: { c: 'x', d: [1, 2] }, e: null, f: true })).toEqual({ a: 1, 'b.c': 'x', 'b.d': '[1,2]', e: null, f: 'yes' });
    const cells = cellsOf(rates);
    expect(fieldsOf(cells)).toEqual(['base', 'learning_rate', 'sift.weight']);
    expect(valueOf(cells[0] as Row, 'sift.weight')).toBeNull();
  });

  it('that are off by a number have that number', () => {
    const cells = cellsOf([trial('clean', 0, { label_noise: null }, 0.9), trial('noisy', 0, { label_noise: { miss: 0.2, false_alarm: 0 } }, 0.8)]);
    expect(fieldsOf(cells)).toEqual(['label_noise.miss']);
    expect(cells.map((row) => valueOf(row, 'label_noise.miss'))).toEqual([0, 0.2]);
  });
});

describe('axes', () => {
  const cells = cellsOf(rates);
  const [base, rate, weight] = axesOf(cells) as [Axis, Axis, Axis];
  it('are logarithmic where numbers span much, and keep a place for what is off', () => {
    expect([base.kind, rate.kind, rate.isLog, weight.isLog]).toEqual(['words', 'numbers', true, false]);
    expect(placeOn(rate, 1e-5)).toBe(0);
    expect(placeOn(rate, 1e-4)).toBeCloseTo(0.5);
    expect(placeOn(rate, 1e-3)).toBe(1);
    expect(placeOn(weight, null)).toBe(0);
    expect(placeOn(weight, 2)).toBeGreaterThan(0.14);
    expect(placeOn(base, 'gone')).toBeNull();
    expect(ticksOf(base).map((tick) => tick.text)).toEqual(['the project’s', 'mpnet-base']);
    expect(ticksOf(weight).map((tick) => tick.text)).toEqual(['off', '2']);
    for (const tick of ticksOf(rate)) {
      expect(tick.at).toBeGreaterThanOrEqual(0);
      expect(tick.at).toBeLessThanOrEqual(1);
    }
    expect(saidAt(rate, 0.5)).toBe('1e-4');
    expect(saidAt(weight, 0.05)).toBe('off');
    expect(saidAt(base, 0.9)).toBe('mpnet-base');
  });

  it('have all labels above the largest budget', () => {
    const [budget] = axesOf(cellsOf([trial('few', 0, { label_budget: 100 }, 0.7), trial('more', 0, { label_budget: 200 }, 0.8), trial('all', 0, { label_budget: null }, 0.9)])) as [Axis];
    expect([100, 200, null].map((value) => placeOn(budget, value))).toEqual([0, 0.86, 1]);
    expect([saidAt(budget, 0.86), saidAt(budget, 1)]).toEqual(['200', 'all']);
  });

  it('of numbers hold every interval', () => {
    const axis = numberAxis(cells, 'AUROC');
    expect([axis.low, axis.high]).toEqual([0.65, 0.9500000000000001]);
  });

  it('are brushed by keys, and the ends never cross', () => {
    expect(moved([0, 1], 0, 'ArrowUp', 0.05)).toEqual([0.05, 1]);
    expect(moved([0.2, 0.4], 0, 'End', 0.05)).toEqual([0.4, 0.4]);
    expect(moved([0.2, 0.4], 1, 'Home', 0.05)).toEqual([0.2, 0.2]);
    expect(moved([0, 1], 1, 'ArrowUp', 0.05)).toEqual([0, 1]);
    expect(moved([0, 1], 0, 'a', 0.05)).toBeNull();
    expect(stepOf(base)).toBe(1);
  });

  it('keep what was chosen while they grow', () => {
    const narrow: Axis = { ...numberAxis([], 'AUROC'), kind: 'numbers', words: [], low: 0.7, high: 0.9 };
    const kept = keptOf(narrow, [0.5, 1]);
    expect(kept).toEqual({ low: expect.closeTo(0.8) });
    const grown: Axis = { ...narrow, low: 0.4, high: 1.0 };
    expect(brushOf(grown, kept!)).toEqual([expect.closeTo((0.8 - 0.4) / 0.6), 1]);
    expect(saidAt(grown, brushOf(grown, kept!)[0])).toBe('0.8');
    expect(keptOf(narrow, [0, 1])).toBeNull();
    expect(brushOf({ ...narrow, low: 0.85 }, kept!)).toEqual([0, 1]);
  });

  it('choose the rows that lie within every brush', () => {
    const place = (row: Row, axis: Axis) => placeOn(axis, valueOf(row, axis.field));
    const axes = [base, rate, weight];
    const kept = (brushes: Record<string, [number, number]>): Brushes =>
      Object.fromEntries(axes.flatMap((axis) => (brushes[axis.field] ? [[axis.field, keptOf(axis, brushes[axis.field]!) ?? {}]] : [])));
    const within = (brushes: Record<string, [number, number]>) => cells.filter((row) => isWithin(row, axes, kept(brushes), place)).map((row) => row.cell);
    expect(within({})).toEqual(['a', 'b']);
    expect(within({ learning_rate: [0.5, 1] })).toEqual(['b']);
    expect(within({ learning_rate: [0.5, 1], base: [0, 0.2] })).toEqual([]);
    expect(isWithin(cells[0] as Row, [rate], { learning_rate: { low: 2e-4 } }, () => null)).toBe(false);
  });
});

describe('the table', () => {
  it('is sorted by any column, and what has no value comes last', () => {
    const rows = [...rowsOf(rates)];
    const by = (key: string, descending: boolean) => sorted(rows, { key, descending }).map((row) => `${row.cell} ${row.seed}`);
    expect(by('=AUROC', true)).toEqual(['b 0', 'a 1', 'a 0', 'b 1']);
    expect(by('=AUROC', false)).toEqual(['a 0', 'a 1', 'b 0', 'b 1']);
    expect(by('seed', false)).toEqual(['a 0', 'b 0', 'a 1', 'b 1']);
    expect(by('cell', true)).toEqual(['b 0', 'b 1', 'a 0', 'a 1']);
  });
});

describe('learning curves', () => {
  const cells = cellsOf([
    trial('all', 0, { label_budget: null, epochs: 2 }, 0.9),
    trial('few', 0, { label_budget: 100, epochs: 2 }, 0.7),
    trial('more', 0, { label_budget: 400, epochs: 2 }, 0.8),
    trial('long', 0, { label_budget: 400, epochs: 4 }, 0.85),
    trial('waits', 0, { label_budget: 800, epochs: 2 }, null),
  ]);
  it('run from few labels to all, one line for each choice of the rest', () => {
    const [curve] = learningOf(cells, 'AUROC');
    expect(curve?.lines.map((line) => [line.name, line.points.map((point) => point.x)])).toEqual([
      ['epochs 2', [100, 400, null]],
      ['epochs 4', [400]],
    ]);
    expect(curve?.lines[0]?.points[0]?.value.lower).toBeCloseTo(0.6);
  });
  it('are not there where labels are all the same', () => {
    expect(learningOf(cellsOf(rates), 'AUROC')).toEqual([]);
  });
});
