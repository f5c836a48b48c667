// Two classifiers' cards side by side: where their recipes differ, and their numbers in pairs.

import { plainNumber } from '../../lib/runs';
import type { ClassifierCard, Estimate } from '../../lib/types';

/** How an option's value is written. */
export function optionWords(value: unknown): string {
  if (value === null || value === undefined) {
    return 'off';
  }
  if (typeof value === 'number') {
    return plainNumber(value);
  }
  if (typeof value === 'boolean') {
    return value ? 'yes' : 'no';
  }
  if (typeof value === 'string') {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(optionWords).join(', ');
  }
  return Object.entries(value)
    .map(([name, part]) => `${name.replaceAll('_', ' ')} ${optionWords(part)}`)
    .join(', ');
}

/** Keys that say the same of equal values, whatever the order of their parts. */
function sameKey(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

export interface OptionPair {
  field: string;
  left: unknown;
  right: unknown;
}

/** The options in which two recipes differ; one that a recipe does not have is off. */
export function differingOptions(left: ClassifierCard, right: ClassifierCard): OptionPair[] {
  const of = (card: ClassifierCard) => new Map(card.options.map((option) => [option.field, option.value]));
  const [a, b] = [of(left), of(right)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .sort()
    .map((field) => ({ field, left: a.get(field) ?? null, right: b.get(field) ?? null }))
    .filter((pair) => sameKey(pair.left) !== sameKey(pair.right));
}

export interface NumberPair {
  on: string;
  what: string;
  left: Estimate | null;
  right: Estimate | null;
}

/** The numbers of both, in the order of the first, then what only the second has. */
export function pairedNumbers(left: ClassifierCard, right: ClassifierCard): NumberPair[] {
  const key = (number: { on: string; what: string }) => JSON.stringify([number.on, number.what]);
  const all = new Map<string, NumberPair>();
  for (const { on, what, value } of left.metrics) {
    all.set(key({ on, what }), { on, what, left: value, right: null });
  }
  for (const { on, what, value } of right.metrics) {
    all.set(key({ on, what }), { ...(all.get(key({ on, what })) ?? { on, what, left: null }), right: value });
  }
  return [...all.values()];
}

/** What keeps two cards' numbers from being compared at all; nothing where they may be. */
export function cautions(left: ClassifierCard, right: ClassifierCard): string[] {
  const said: string[] = [];
  const differ = (of: (card: ClassifierCard) => string | null, words: (left: string, right: string) => string, what: string) => {
    const [one, other] = [of(left), of(right)];
    if (one === null || other === null) {
      const unknown = [one === null ? left.label : '', other === null ? right.label : ''].filter(Boolean).join(' and ');
      said.push(`It is not known ${what} ${unknown}.`);
    } else if (one !== other) {
      said.push(words(one, other));
    }
  };
  differ((card) => card.predicate, (one, other) => `They were made for ${one} and ${other}.`, 'for which predicate nines made');
  if (!left.lineage.members.length && !right.lineage.members.length) {
    differ((card) => card.data.digest, () => 'They learned from different labels, so that the test split may hold other snippets too.', 'which labels taught');
  }
  differ((card) => card.path, (one, other) => `Their numbers were computed on different paths, ${one} and ${other}.`, 'on which path nines computed the scores of');
  return said;
}
