// The rows of the menu of substitutes, as they come.

import type { Substitute } from '../../lib/types';

/** What tells rows apart: what comes, and in place of what. */
export const keyOf = ({ text, part, start, end }: Substitute) => `${part} ${start}-${end} ${text}`;

/**
 * The rows to show when more came. Nothing moves under a hand that is choosing: once somebody is in the list, what is
 * there keeps its place and what is new comes after it; before that, the server's ranking is the order.
 */
export function merged(shown: readonly Substitute[], came: readonly Substitute[], choosing: boolean): Substitute[] {
  if (!choosing) {
    return [...came];
  }
  const newer = new Map(came.map((row) => [keyOf(row), row]));
  const kept = shown.map((row) => newer.get(keyOf(row)) ?? row);
  const there = new Set(shown.map(keyOf));
  return [...kept, ...came.filter((row) => !there.has(keyOf(row)))];
}

/** How a row's text is written in the list: white space at its ends is no word. */
export function written(text: string): string {
  const bare = text.trim();
  return bare === '' ? (text === '' ? '(nothing: delete it)' : '(white space)') : bare;
}

/** The longest bar's share of what the best row changes. */
export function share(rows: readonly Substitute[], row: Substitute): number {
  const most = Math.max(...rows.map(({ delta }) => Math.abs(delta)), 1e-9);
  return Math.abs(row.delta) / most;
}
