// Which classifier a label names, for pages that know only the label: read when it is first asked for.

import { call } from './api';

let known = $state.raw<ReadonlyMap<string, number>>(new Map());
/** Labels that were looked for and not there, so that one that is gone is not asked for again and again. */
const gone = new Set<string>();
let waiting = new Set<string>();
let reading: Promise<void> | null = null;

async function read() {
  const wanted = waiting;
  waiting = new Set();
  try {
    const { rows } = await call('GET /classifiers');
    known = new Map(rows.map((row) => [row.label, row.id]));
    for (const label of wanted) {
      gone.add(label);
    }
  } catch {
    // A label without its link is still a label; it is looked for again when it is next shown.
  } finally {
    reading = waiting.size > 0 ? read() : null;
  }
}

/** The key of the classifier with this label, once it is known. */
export function classifierOf(label: string): number | null {
  return known.get(label) ?? null;
}

/** Looks for a label that is not known yet. */
export function lookFor(label: string) {
  if (!known.has(label) && !gone.has(label)) {
    waiting.add(label);
    reading ??= read();
  }
}
