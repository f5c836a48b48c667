// What Data searches for: kept in the address, sent to the API, and said in words.

import { logOdds } from '../../lib/numbers';
import { inQuery } from '../../lib/router.svelte';
import type { Origin, SnippetFilter, Split } from '../../lib/types';

export const labelChoices = ['', 'yes', 'no', 'unsure', 'none', 'disagreement'] as const;
export const originChoices = ['', 'import', 'generate', 'edit', 'attack'] as const;
export const splitChoices = ['', 'train', 'validation', 'calibration', 'test'] as const;
export const strictChoices = ['', 'yes', 'no'] as const;

/** The choices as a page offers them. */
export const labelOptions: { value: Searched['label']; label: string }[] = labelChoices.map((value) => ({
  value,
  label: value === '' ? 'any' : value === 'none' ? 'no label' : value,
}));
export const strictOptions: { value: Searched['strict']; label: string }[] = strictChoices.map((value) => ({
  value,
  label: value === '' ? 'any' : value === 'yes' ? 'yes: clear or egregious' : value,
}));

/** The ends of the score axis, in log odds; a bound at an end is no bound. */
export const axis = { from: -12, to: 8 };

export const codecs = {
  text: inQuery.text(),
  classifier: inQuery.number(),
  from: inQuery.number(),
  to: inQuery.number(),
  label: inQuery.oneOf(labelChoices, ''),
  strict: inQuery.oneOf(strictChoices, ''),
  source: inQuery.text(),
  origin: inQuery.oneOf(originChoices, ''),
  split: inQuery.oneOf(splitChoices, ''),
  labeller: inQuery.text(),
  view: inQuery.oneOf(['', 'adjudicate', 'flags'] as const, ''),
};

/** The state of the query, as far as it says what is searched for. */
export interface Searched {
  text: string;
  classifier: number | null;
  from: number | null;
  to: number | null;
  label: (typeof labelChoices)[number];
  strict: (typeof strictChoices)[number];
  source: string;
  origin: (typeof originChoices)[number];
  split: (typeof splitChoices)[number];
  labeller: string;
}

export const nothing: Searched = {
  text: '',
  classifier: null,
  from: null,
  to: null,
  label: '',
  strict: '',
  source: '',
  origin: '',
  split: '',
  labeller: '',
};

/** The filter as the API takes it: only what is set. */
export function filterOf(q: Searched): SnippetFilter {
  const filter: SnippetFilter = {};
  if (q.text.trim()) filter.text = q.text.trim();
  if (q.classifier !== null) filter.classifier = q.classifier;
  if (q.from !== null) filter.score_from = q.from;
  if (q.to !== null) filter.score_to = q.to;
  if (q.label) filter.label = q.label;
  if (q.strict) filter.strict = q.strict === 'yes';
  if (q.source) filter.source = q.source;
  if (q.origin) filter.origin = q.origin as Origin;
  if (q.split) filter.split = q.split as Split;
  if (q.labeller) filter.labeller = q.labeller;
  return filter;
}

const labelWords: Record<NonNullable<SnippetFilter['label']>, string> = {
  yes: 'label yes',
  no: 'label no',
  unsure: 'label unsure',
  none: 'not labelled',
  disagreement: 'disagreements',
};

/** The filter in a few words, as a name for the queue made of it. */
export function wordsOfFilter(filter: SnippetFilter): string {
  const { score_from: from, score_to: to } = filter;
  const parts = [
    filter.text && `“${filter.text}”`,
    filter.label && labelWords[filter.label],
    filter.strict !== undefined && (filter.strict ? 'strict yes' : 'strict no'),
    from !== undefined && to !== undefined
      ? `log odds ${logOdds(from)} to ${logOdds(to)}`
      : from !== undefined
        ? `log odds from ${logOdds(from)}`
        : to !== undefined && `log odds to ${logOdds(to)}`,
    filter.origin && `origin ${filter.origin}`,
    filter.source && `source ${filter.source}`,
    filter.split && `split ${filter.split}`,
    filter.labeller && `labelled by ${filter.labeller}`,
  ].filter(Boolean);
  return parts.join(', ') || 'all snippets';
}
