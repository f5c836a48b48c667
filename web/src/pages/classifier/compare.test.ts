import { describe, expect, it } from 'vitest';
import type { ClassifierCard } from '../../lib/types';
import { cautions, differingOptions, optionWords, pairedNumbers } from './compare';

const estimate = (value: number) => ({ value, lower: value - 0.1, upper: value + 0.1, confidence: 0.95, method: 'bootstrap', n: 40 });
function card(more: Partial<ClassifierCard>): ClassifierCard {
  return {
    id: 1,
    label: 'injury v1',
    created: '2026-11-28T10:00:00Z',
    digest: 'd',
    predicate: 'injury v1',
    path: 'cpu/f32',
    data: { digest: 'x', counts: [], notes: [] },
    options: [],
    curves: {},
    metrics: [],
    measured_on: [],
    calibrations: [],
    lineage: { base: null, run: null, members: [], combine: null, teacher: null },
    style_check: null,
    ...more,
  };
}
const option = (field: string, value: unknown) => ({ field, value, default: null, differs: value !== null });

describe('two cards', () => {
  it('differ in the options that differ, and in no others', () => {
    const left = card({ options: [option('epochs', 4), option('sift', { step: 1, weight: 2 }), option('seed', 0)] });
    const right = card({ options: [option('epochs', 8), option('sift', { weight: 2, step: 1 }), option('seed', 0), option('r_drop', 0.5)] });
    expect(differingOptions(left, right)).toEqual([
      { field: 'epochs', left: 4, right: 8 },
      { field: 'r_drop', left: null, right: 0.5 },
    ]);
  });

  it('have their numbers in pairs', () => {
    const left = card({ metrics: [{ on: 'test', what: 'AUROC', value: estimate(0.8) }] });
    const right = card({ metrics: [{ on: 'test', what: 'AUPRC', value: estimate(0.5) }, { on: 'test', what: 'AUROC', value: estimate(0.9) }] });
    expect(pairedNumbers(left, right).map((pair) => [pair.what, pair.left?.value, pair.right?.value])).toEqual([
      ['AUROC', 0.8, 0.9],
      ['AUPRC', undefined, 0.5],
    ]);
  });

  it('say what keeps them from being compared', () => {
    expect(cautions(card({}), card({}))).toEqual([]);
    expect(cautions(card({}), card({ path: 'cpu/bf16/amx', predicate: 'theft v1', data: { digest: 'y', counts: [], notes: [] } }))).toHaveLength(3);
  });

  it('say what is not known of one of them', () => {
    const unknown = cautions(card({ label: 'old v1', predicate: null, path: null }), card({}));
    expect(unknown).toEqual(['It is not known for which predicate nines made old v1.', 'It is not known on which path nines computed the scores of old v1.']);
  });

  it('write values for readers', () => {
    expect([4, 1e-5, null, true, 'bce', [1, 2], { focal: { gamma: 2 } }].map(optionWords)).toEqual(['4', '1e-5', 'off', 'yes', 'bce', '1, 2', 'focal gamma 2']);
  });
});
