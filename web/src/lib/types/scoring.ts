// Classifiers, their cards and operating points, and what Play draws.

import type { Estimate, Time } from './common';

export interface Classifier {
  id: number;
  label: string;
  created: Time;
  /** Null for an ensemble. */
  base: string | null;
  /** What an ensemble is made of; null for a trained classifier. */
  ensemble: { members: string[]; combine: string } | null;
  /** Null until it is calibrated on this server's path. */
  threshold: number | null;
  calibration: {
    id: number;
    rule: string;
    created: Time;
    generator: string | null;
    acceptance: Estimate | null;
    caught: Estimate | null;
    /** What the share caught speaks of. */
    speaks_of: string | null;
  } | null;
  metrics: unknown;
}

export interface Ancestor {
  id: number | null;
  label: string;
  digest: string | null;
}

/** All that is known of a classifier. */
export interface ClassifierCard {
  id: number;
  label: string;
  created: Time;
  digest: string;
  predicate: string | null;
  path: string | null;
  data: {
    digest: string | null;
    counts: { split: string; origin: string; families: number; snippets: number; catastrophes: number; random: number }[];
    notes: string[];
  };
  /** What differs from the defaults first. */
  options: { field: string; value: unknown; default: unknown; differs: boolean }[];
  curves: Record<string, [number, number | null][]>;
  metrics: { on: string; what: string; value: Estimate }[];
  measured_on: string[];
  calibrations: {
    id: number;
    rule: string;
    threshold: number;
    path: string | null;
    created: Time;
    /** It holds together with a second condition alone. */
    is_cautious: boolean;
    acceptance: Estimate | null;
    caught: Estimate | null;
  }[];
  lineage: { base: Ancestor | null; run: number | null; members: Ancestor[]; combine: string | null; teacher: Ancestor | null };
  /** Null where it was not checked. */
  style_check: {
    threshold: number;
    rule: string;
    effects: {
      style: string;
      catastrophes: boolean;
      pairs: number;
      shift: Estimate | null;
      rejected_for_it: Estimate | null;
      accepted_for_it: Estimate | null;
    }[];
  } | null;
}

export interface OperatingPoint {
  threshold: number;
  chosen: boolean;
  acceptance: Estimate | null;
  caught: Estimate | null;
}

/** The leak of a plain filter, as what serves is one, where it was measured; each threshold with a design of its own. */
export interface MeasuredLeak {
  threshold: number;
  design: number;
  distribution: string | null;
  budget: number | null;
  generator: string | null;
  held_out: boolean;
  /** `people` or `judges`. */
  labels_of: string | null;
  strict: Estimate | null;
  strict_at_most: Estimate | null;
  broad: Estimate | null;
  broad_at_most: Estimate | null;
}

export interface OperatingPoints {
  /** Rising thresholds; none where it is not calibrated, and a note says so. */
  points: OperatingPoint[];
  leak: MeasuredLeak[];
  path: string;
  generator: string | null;
  calibration: number | null;
  threshold: number | null;
  notes: string[];
}

/** What Play draws with unless told otherwise. */
export interface PlaySettings {
  generator: string;
  temperature: number;
  top_p: number;
  top_k: number;
  max_tokens: number;
  seed: number;
  budget: number;
  path: string;
}

/** A score (a logit), or why there is none; what has none is never accepted. */
export type Scored = { score: number; reason?: undefined } | { score?: undefined; reason: string };

export interface Scores {
  classifier: number;
  scores: Scored[];
  threshold: number | null;
}

export interface Draw {
  prompt: string;
  n: number;
  first_draw: number;
  seed: number;
  classifiers: number[];
  temperature?: number;
  top_p?: number;
}
