// What was tried, in order, with a way back: the start, every edit, and where one stands.

import type { RewritingStep, StepKind } from '../../lib/types';
import type { Text } from './places';

export interface Entry extends Text {
  /** The score that the server stored; undefined until it has answered. */
  score: number | null | undefined;
  kind: StepKind | 'start';
}

export interface History {
  entries: readonly Entry[];
  /** Where one stands. */
  at: number;
}

export const same = (a: Text, b: Text) => a.prompt === b.prompt && a.completion === b.completion;

export function begun(start: Text & { score: number | null }): History {
  return { entries: [{ prompt: start.prompt, completion: start.completion, score: start.score, kind: 'start' }], at: 0 };
}

export function here(history: History): Entry {
  return history.entries[history.at]!;
}

/** A new edit; what had been undone is left behind. */
export function edited(history: History, text: Text, kind: StepKind, score?: number | null): History {
  if (same(here(history), text)) {
    return history;
  }
  const kept = history.entries.slice(0, history.at + 1);
  return { entries: [...kept, { prompt: text.prompt, completion: text.completion, kind, score }], at: kept.length };
}

/** To another place of the trace; null where one is there already or there is none. */
export function gone(history: History, to: number): { history: History; kind: 'undo' | 'redo' } | null {
  if (to === history.at || to < 0 || to >= history.entries.length) {
    return null;
  }
  return { history: { ...history, at: to }, kind: to < history.at ? 'undo' : 'redo' };
}

/** Writes in what the server says of a text, wherever the trace holds it. */
export function scored(history: History, text: Text, score: number | null): History {
  if (!history.entries.some((entry) => same(entry, text) && entry.score !== score)) {
    return history;
  }
  return { ...history, entries: history.entries.map((entry) => (same(entry, text) ? { ...entry, score } : entry)) };
}

/** The history again, from the steps that were stored. */
export function replayed(start: Text & { score: number | null }, steps: readonly Pick<RewritingStep, 'kind' | 'prompt' | 'completion' | 'score'>[]): History {
  let history = begun(start);
  for (const step of steps) {
    if (step.kind === 'undo' || step.kind === 'redo') {
      const { entries, at } = history;
      const back = step.kind === 'undo';
      const found = back
        ? entries.findLastIndex((entry, i) => i < at && same(entry, step))
        : entries.findIndex((entry, i) => i > at && same(entry, step));
      // A trace that tells of a way back to what it does not hold goes on from there.
      history = found >= 0 ? { entries, at: found } : edited(history, step, step.kind, step.score);
    } else {
      history = edited(history, step, step.kind, step.score);
    }
    history = scored(history, step, step.score);
  }
  return history;
}

/** How tall a bar of the trace is, between 0 and 1, over all scores of the trace and the threshold. */
export function heights(history: History, threshold: number): { bars: (number | null)[]; line: number } {
  const known = history.entries.flatMap((entry) => (typeof entry.score === 'number' ? [entry.score] : []));
  const low = Math.min(threshold, ...known) - 0.5;
  const high = Math.max(threshold, ...known) + 0.5;
  const height = (score: number) => (score - low) / (high - low);
  return {
    bars: history.entries.map((entry) => (typeof entry.score === 'number' ? height(entry.score) : null)),
    line: height(threshold),
  };
}
