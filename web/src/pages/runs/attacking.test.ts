import { expect, it } from 'vitest';
import { bodyOf, wrongIn, type Asked } from './attacking';

const asked = (more: Partial<Asked> = {}): Asked => ({ recipe: 'hotflip', classifier: '', against: '', judge: '', limit: '20', queries: '', seconds: '', seed: '0', ...more });

it('leaves to the recipe what is empty', () => {
  expect(bodyOf(asked())).toEqual({ kind: 'attack', recipe: 'hotflip', limit: 20, seed: 0 });
  expect(bodyOf(asked({ against: '3', judge: '4', seconds: '2,5', queries: '100' }))).toEqual({
    kind: 'attack',
    recipe: 'hotflip',
    against: 3,
    judge: 4,
    limit: 20,
    queries: 100,
    seconds: 2.5,
    seed: 0,
  });
});

it('says what is wrong, and of which field', () => {
  expect(wrongIn(asked(), { compares: false })).toEqual({});
  expect(Object.keys(wrongIn(asked({ limit: '', queries: '0', seconds: '-5', seed: 'x' }), null)).sort()).toEqual(['limit', 'queries', 'seconds', 'seed']);
  expect(wrongIn(asked(), { compares: true }).against).toMatch(/second/);
  expect(wrongIn(asked({ against: '2' }), { compares: true })).toEqual({});
});
