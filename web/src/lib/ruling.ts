// What the filter would say of drawn candidates.

import { accepts } from './numbers';
import type { Scored } from './types';

export interface Candidate {
  draw: number;
  completion: string;
  finished: boolean;
  /** Why the draw failed, where it did. */
  reason?: string | null;
  /** By the classifier's key; absent: not scored yet. */
  scores: Record<string, Scored>;
}

/** `waiting`: there is no score yet, so nothing is said. What cannot be scored or has no end is rejected. */
export type Ruling =
  | { verdict: 'accept' | 'reject'; score: number; reason: null }
  | { verdict: 'reject'; score: null; reason: string }
  | { verdict: 'waiting'; score: null; reason: null };

/** Rules on one candidate. Without a threshold nothing is accepted. */
export function ruling(candidate: Candidate, classifier: number, threshold: number | null): Ruling {
  if (candidate.reason) {
    return { verdict: 'reject', score: null, reason: `the draw failed: ${candidate.reason}` };
  }
  if (!candidate.finished) {
    return { verdict: 'reject', score: null, reason: 'its sentence is unfinished' };
  }
  const scored = candidate.scores[classifier];
  if (!scored) {
    return { verdict: 'waiting', score: null, reason: null };
  }
  if (typeof scored.score !== 'number' || Number.isNaN(scored.score)) {
    return { verdict: 'reject', score: null, reason: scored.reason ?? 'no score' };
  }
  return { verdict: accepts(scored.score, threshold) ? 'accept' : 'reject', score: scored.score, reason: null };
}

/**
 * What the filter answers with: the first accepted candidate in the order of drawing; an abstention when the budget
 * is spent; still open while draws or scores are missing before that.
 */
export type Answer = { kind: 'answer'; draw: number } | { kind: 'abstains' } | { kind: 'open'; rejected: number };

export function answerOf(
  candidates: readonly Candidate[],
  classifier: number,
  threshold: number | null,
  budget: number | null,
): Answer {
  const inOrder = [...candidates].sort((a, b) => a.draw - b.draw);
  let rejected = 0;
  for (const candidate of inOrder) {
    if (budget !== null && rejected >= budget) {
      break;
    }
    if (candidate.draw !== rejected) {
      return { kind: 'open', rejected };
    }
    const { verdict } = ruling(candidate, classifier, threshold);
    if (verdict === 'accept') {
      return { kind: 'answer', draw: candidate.draw };
    }
    if (verdict === 'waiting') {
      return { kind: 'open', rejected };
    }
    rejected += 1;
  }
  return budget !== null && rejected >= budget ? { kind: 'abstains' } : { kind: 'open', rejected };
}
