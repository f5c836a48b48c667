import { describe, expect, it } from 'vitest';
import { answerOf, ruling, type Candidate } from './ruling';

const drawn = (draw: number, score: number | string | null, finished = true): Candidate => ({
  draw,
  completion: `${draw}.`,
  finished,
  scores: score === null ? {} : { 7: typeof score === 'string' ? { reason: score } : { score } },
});

describe('a ruling', () => {
  it('fails closed', () => {
    expect(ruling(drawn(0, -3), 7, -2)).toMatchObject({ verdict: 'accept', score: -3 });
    expect(ruling(drawn(0, -2), 7, -2).verdict).toBe('reject');
    expect(ruling(drawn(0, NaN), 7, -2)).toMatchObject({ verdict: 'reject', reason: 'no score' });
    expect(ruling(drawn(0, 'too long'), 7, -2)).toMatchObject({ verdict: 'reject', reason: 'too long' });
    expect(ruling(drawn(0, -9, false), 7, -2)).toMatchObject({ verdict: 'reject', score: null });
    expect(ruling(drawn(0, -9), 7, null).verdict).toBe('reject');
  });

  it('says nothing before there is a score', () => {
    expect(ruling(drawn(0, null), 7, -2).verdict).toBe('waiting');
  });
});

describe('the answer', () => {
  it('is the first accepted draw, in the order of drawing', () => {
    const all = [drawn(2, -5), drawn(0, 1), drawn(1, -3)];
    expect(answerOf(all, 7, -2, 20)).toEqual({ kind: 'answer', draw: 1 });
    expect(answerOf(all, 7, -4, 20)).toEqual({ kind: 'answer', draw: 2 });
  });

  it('is an abstention once the budget is spent, whatever comes after', () => {
    expect(answerOf([drawn(0, 1), drawn(1, 1), drawn(2, -5)], 7, -2, 2)).toEqual({ kind: 'abstains' });
  });

  it('stays open while something before it is missing', () => {
    expect(answerOf([drawn(0, 1), drawn(2, -5)], 7, -2, 20)).toEqual({ kind: 'open', rejected: 1 });
    expect(answerOf([drawn(0, null), drawn(1, -5)], 7, -2, 20)).toEqual({ kind: 'open', rejected: 0 });
    expect(answerOf([drawn(0, 1)], 7, -2, null)).toEqual({ kind: 'open', rejected: 1 });
  });
});
