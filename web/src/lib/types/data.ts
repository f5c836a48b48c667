// Snippets with their labels and scores, and the numbers of Reliability.

import type { Estimate, Rows, Severity, Time, VerdictWord } from './common';

export interface Adjudication {
  broad: boolean | null;
  strict: boolean | null;
  needs_another: boolean;
  labels: number;
  people: number;
}

export interface SnippetRow {
  id: number;
  prompt: string;
  completion: string;
  origin: string;
  source: string;
  score: number | null;
  adjudication: Adjudication | null;
  severity: Severity | null;
  created: Time;
}

export interface Snippets extends Rows<SnippetRow> {
  /** Whose scores the rows show: the classifier that was asked for, or the newest. */
  classifier?: number | null;
  threshold?: number | null;
}

export type LabellerKind = 'person' | 'judge';

export interface StoredLabel {
  id: number;
  labeller: string;
  kind: LabellerKind;
  verdict: VerdictWord;
  severity: Severity | null;
  seconds: number | null;
  predicate: string | null;
  occasion: string;
  source: string;
  created: Time;
  /** When its giver took it back; it no longer counts. */
  withdrawn: Time | null;
}

export interface StoredScore {
  classifier: number;
  label: string;
  path: string;
  score: number;
  threshold: number | null;
  created: Time;
}

/** A snippet that this one was made from, or that was made from it. */
export interface Relative {
  id: number;
  prompt: string;
  completion: string;
  score?: number | null;
  severity?: Severity | null;
}

export interface Sighting {
  origin: string;
  source: string;
  meta: unknown;
  run: number | null;
  import: number | null;
}

export interface Generation {
  generator: string;
  sampling: unknown;
  draw: number;
  finish: string;
  tokens: number;
  run: number | null;
  created: Time;
}

/** Everything about one snippet. */
export interface SnippetDetail extends SnippetRow {
  hash: string;
  /** What its file or generator said of it. */
  meta?: unknown;
  split: string;
  prompt_id: number;
  prompt_family: string;
  labels: StoredLabel[];
  scores: StoredScore[];
  sightings: Sighting[];
  parent: Relative | null;
  children: Relative[];
  generations: Generation[];
  run: number | null;
  import: { id: number; file: string } | null;
  queues: { id: number; kind: string; name: string; open: boolean }[];
  designs: { id: number; kind: string; stratum: number | null }[];
}

export type LabelsOf = 'people' | 'judges';

export interface LeakReading {
  leak: Estimate;
  /** Assumes nothing of the classifier. */
  at_most: Estimate;
  among_answers: Estimate;
  false_omission: Estimate | null;
  nines: Estimate;
  reached: boolean | null;
}

export interface Stratum {
  from: number | null;
  below: number | null;
  size: number;
  probability: number;
  drawn: number;
  labelled: number;
  broad: number;
  strict: number;
  undecided: number;
  rate: Estimate | null;
}

export interface LeakBy {
  labels_of: LabelsOf;
  strict: LeakReading;
  broad: LeakReading;
  labelled: number;
  waiting: number;
  early: number;
  undecided: number;
  undrawn: number;
  effective_labels: number;
  catastrophes: number;
  catastrophes_by_two: number;
  strata: Stratum[];
}

export interface LeakNumbers {
  design: number;
  distribution: string;
  prompts: number;
  seen: number;
  requests: number;
  abstained: number;
  abstention: Estimate;
  drawn: number;
  queue: number;
  goal: number | null;
  by: LeakBy[];
  not_yet: string[];
}

export interface QualityBy {
  ratings_of: LabelsOf;
  quality: Estimate;
  approximate: Estimate | null;
  with_abstentions: Estimate;
  won: Estimate;
  left_wins: Estimate | null;
  favours_a_side: boolean;
  same: number;
  informative: number;
  abstained: number;
  rated: number;
  waiting: number;
  unusable: number;
}

export interface QualityNumbers {
  design: number;
  distribution: string;
  requests: number;
  drawn: number;
  queue: number;
  by: QualityBy[];
  not_yet: string[];
}

/** A curve with its band, which holds at each point by itself. */
export interface Curve {
  name: string;
  confidence: number;
  method: string;
  n: number;
  points: { x: number; value: number | null; lower: number; upper: number }[];
}

export interface LeakCurve {
  reading: 'strict' | 'broad';
  estimate: Curve | null;
  at_most: Curve | null;
}

export type Plan =
  | {
      kind: 'leak';
      leak?: number | null;
      labels?: number | null;
      confidence?: number | null;
      allocation?: 'proportional' | 'neyman' | 'mixed' | null;
    }
  | { kind: 'quality'; pairs: number };

export interface NextStep {
  text: string;
  kind: 'leak' | 'quality';
  labels: number;
  narrows: 'bound' | 'deviation' | 'standard_error';
  from: number | null;
  to: number;
  /** Drawn already: there is nothing to plan, only to label. */
  is_drawn: boolean;
  plan: Plan | null;
}

export interface Reliability {
  computed: Time | null;
  seconds: number | null;
  stale: boolean;
  error: string | null;
  first: { step: 'train' | 'calibrate' | 'measure' | 'label'; text: string } | null;
  notice: string | null;
  filter: {
    classifier: string;
    model: number;
    threshold: number | null;
    rule: string | null;
    /** By which law it answers, in words; null where it is the first completion below a threshold that stays. */
    law: string | null;
    /** Its second condition, in words. */
    caution: string | null;
    path: string | null;
    generator: string | null;
    budget: number | null;
  } | null;
  leak: LeakNumbers | null;
  quality: QualityNumbers | null;
  acceptance: Estimate | null;
  draws_per_request: Estimate | null;
  nines: Estimate | null;
  curves: {
    quality: Curve | null;
    leak_by_threshold: LeakCurve[];
    leak_by_score: LeakCurve[];
    missed_by_acceptance: Curve[];
  };
  next: NextStep[];
}

export interface Facet {
  name: string;
  count: number | null;
}

/** What the filters of Data may be set to. */
export interface Facets {
  sources: Facet[];
  origins: Facet[];
  splits?: Facet[];
  labellers: { name: string; kind: LabellerKind; labels: number }[];
  classifiers: { id: number; label: string; threshold: number | null }[];
}
