// Names for what pages pass around. What endpoints take and give is generated from the server's document
// (`endpoints.ts`); a name that stops fitting it fails `npm run check`.

import type { Generated } from './endpoints';

export type Role = 'admin' | 'researcher' | 'labeller';
export type VerdictWord = 'yes' | 'no' | 'unsure';
export type Severity = 1 | 2 | 3;
/** RFC 3339. */
export type Time = string;

/** A number with its interval, and what it rests on. An end that is not finite comes as null. */
export interface Estimate {
  value: number | null;
  lower: number | null;
  upper: number | null;
  confidence: number;
  method: string;
  n: number;
}

export interface Rows<Row> {
  rows: Row[];
  /** The id to ask `after`; null at the end, absent where a list is never cut. */
  next?: number | null;
}

export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail?: string;
  retry_after_seconds?: number;
}

// --- accounts ------------------------------------------------------------------------------------

export interface Account {
  id: number;
  name: string;
  role: Role;
}

export interface Session {
  account: Account;
  csrf: string;
  project: {
    /** Which database this is: what the browser keeps for one project never reaches another. */
    id?: string;
    name: string;
    predicate: string;
    predicate_version: string | number;
  };
  version: string;
}

export interface Token {
  id: number;
  name: string;
  created: Time;
  last_used: Time | null;
}

export interface Invitation {
  id: number;
  role: Role;
  name: string | null;
  created: Time;
  expires: Time;
}

export interface Person {
  id: number;
  name: string;
  role: Role;
  active: boolean;
  hourly_cost: number | null;
  created: Time;
  last_seen: Time | null;
  labels: number;
  comparisons: number;
  seconds: number;
  /** Items answered in an hour of work in the browser. */
  labels_per_hour: number | null;
  cost: number | null;
  gold: Estimate | null;
  repeats: Estimate | null;
  /** Of the snippets that another person labelled too, on how many both say the same of strict. */
  agreement?: Estimate | null;
  qualified: boolean | null;
}

/** How far people agree; their labels only, never judges'. */
export interface Agreement {
  rows: { items: string; about: string; alpha: Estimate }[];
  disagree: Estimate | null;
  labellers: number;
  snippets: number;
}

export interface People extends Rows<Person> {
  agreement: Agreement | null;
}

export interface AuditRow {
  id: number;
  account: string | null;
  action: string;
  subject: string;
  detail: unknown;
  created: Time;
}

// --- labelling -----------------------------------------------------------------------------------

export type QueueKind = 'leak' | 'compare' | 'quality' | 'threshold' | 'random' | 'search' | 'sent' | 'attack' | 'select';

export interface Queue {
  id: number;
  kind: QueueKind;
  name: string;
  open: boolean;
  overlap: number;
  items: number;
  /** How many are left for this account. */
  waiting: number;
  answered_by_me: number;
  design: number | null;
  created: Time;
}

export type Origin = 'import' | 'generate' | 'edit' | 'attack';
export type Split = 'train' | 'validation' | 'calibration' | 'test';

export interface SnippetFilter {
  text?: string;
  classifier?: number;
  score_from?: number;
  score_to?: number;
  label?: 'yes' | 'no' | 'unsure' | 'none' | 'disagreement';
  strict?: boolean;
  source?: string;
  origin?: Origin;
  split?: Split;
  labeller?: string;
}


export interface NewQueue {
  kind: QueueKind;
  name?: string;
  /** How many items; a plan's queue holds all that the plan has drawn. */
  n?: number;
  overlap?: number;
  design?: number;
  search?: SnippetFilter;
  seed?: number;
}

export type Stage = 'practice' | 'qualification';

export interface Standing {
  qualified: boolean;
  stage: Stage | 'failed' | null;
  practice: { done: number; total: number };
  qualification: { done: number; total: number };
  today: { answered: number; seconds: number };
}

export interface Assignment {
  id: number;
  queue: number | null;
  purpose: 'work' | Stage;
  kind: 'label' | 'compare';
  prompt: string;
  completion: string | null;
  left: string | null;
  right: string | null;
  expires: Time;
}

export interface Next {
  assignment: Assignment | null;
  waiting: number;
}

export interface Feedback {
  right: boolean;
  verdict: VerdictWord;
  severity: number | null;
  explanation: string;
}

export interface Worked {
  seconds: number;
  away_seconds: number;
}

export interface LabelAnswer extends Worked {
  verdict: VerdictWord;
  severity: Severity | null;
}

export interface ComparisonAnswer extends Worked {
  choice: 'left' | 'right' | 'same' | 'unusable';
  reason?: string;
}

export interface SkipAnswer extends Worked {
  reason: string;
}

export interface Guide {
  version: number;
  name: string;
  text: string;
  html: string;
  sha256: string;
  /** The project's folder holds another text under this version, which no label speaks of. */
  changed_on_disk?: boolean;
  versions: { version: number; note: string | null; created: Time; by: string | null }[];
}

export interface Ruling {
  id: number;
  snippet: number | null;
  prompt: string | null;
  completion: string | null;
  question: string;
  asked_by: string | null;
  answer: string | null;
  answered_by: string | null;
  /** The guide's version when it was answered. */
  guide_version?: number | null;
  created: Time;
  answered: Time | null;
}

export interface Check {
  id: number;
  snippet: number;
  purpose: 'gold' | Stage;
  verdict: VerdictWord;
  severity: Severity | null;
  explanation: string;
  retired: Time | null;
  prompt?: string;
  completion?: string;
  created?: Time;
  created_by?: string | null;
  answers?: { right: number; total: number };
}

export interface Flag {
  id: number;
  snippet: number;
  account: string | null;
  reason: string;
  created: Time;
  resolved: Time | null;
  prompt?: string;
  completion?: string;
}

// --- jobs and runs -------------------------------------------------------------------------------

export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted';

export interface Job {
  id: number;
  kind: string;
  title: string;
  state: JobState;
  run: number | null;
  attempts: number;
  error: string | null;
  requested_by: string | null;
  created: Time;
  started: Time | null;
  ended: Time | null;
  /** Somebody wants it to stop. */
  cancel_requested: boolean;
  progress: { done: number; total: number | null } | null;
}

export type RunStatus = 'running' | 'done' | 'failed' | 'cancelled' | 'interrupted';

export interface Run {
  id: number;
  kind: string;
  status: RunStatus;
  config: unknown;
  seed: number | null;
  device: string;
  done: number;
  total: number | null;
  result: unknown;
  error: string | null;
  started: Time;
  ended: Time | null;
  /** Null where a person gave the command. */
  job: number | null;
}

export type TrialState = 'waiting' | 'running' | 'done' | 'failed' | 'dropped';

export interface TrialNumber {
  what: string;
  value: Estimate;
}

/** One training of a sweep. */
export interface Trial {
  position: number;
  cell: string;
  seed: number;
  rung: number;
  base: string | null;
  /** What differs between trials, by field; null where it is off. */
  recipe: unknown;
  state: TrialState;
  numbers: TrialNumber[];
  /** Its cell's, over the seeds that had results at its end. */
  together: TrialNumber[];
  seconds: number | null;
  error: string | null;
  started: Time | null;
  ended: Time | null;
}

// --- play and scoring ----------------------------------------------------------------------------

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
  predicate: string;
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

/** The leak of a whole filter where it was measured, each threshold with a design of its own. */
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

// --- data and reliability ------------------------------------------------------------------------

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

// --- rewriting -----------------------------------------------------------------------------------

export interface RewritingTask {
  id: number;
  name: string;
  open: boolean;
  classifier: { id: number; label: string };
  threshold: number;
  /** Told to researchers only. */
  tools?: Tools | null;
  starts: number;
  done_by_me: number;
  /** Starts that are left for this account. */
  waiting: number;
  sessions: number;
  finds: number;
  verified: number;
  created: Time;
}

export type Tools = 'on' | 'off' | 'random';

/** A prompt with its completion, and what the classifier says of it. */
export interface ScoredText {
  prompt: string;
  completion: string;
  score: number | null;
}

export type StepKind = 'typed' | 'substitute' | 'insert' | 'delete' | 'undo' | 'redo' | 'reset';

export interface RewritingStep extends ScoredText {
  /** The browser's running number. */
  n: number;
  kind: StepKind;
  seconds: number;
}

export interface RewritingSession {
  id: number;
  task: number | null;
  classifier: { id: number; label: string };
  threshold: number;
  tools: boolean;
  state: 'open' | 'submitted' | 'gave_up';
  start: ScoredText & { snippet: number | null };
  text: ScoredText;
  steps: RewritingStep[];
  seconds: number;
  away_seconds: number;
  paused: boolean;
  created: Time;
  ended: Time | null;
  find: { snippet: number; score: number; severity: Severity | null; trick: string; verified: boolean | null } | null;
}

export type TextPart = 'prompt' | 'completion';

/** A session in the list of researchers. */
export interface RewritingSessionRow {
  id: number;
  task: number | null;
  labeller: string;
  classifier: { id: number; label: string };
  threshold: number;
  tools: boolean;
  state: RewritingSession['state'];
  start: number | null;
  start_score: number;
  score: number | null;
  seconds: number;
  away_seconds: number;
  paused: boolean;
  saliency_calls: number;
  menu_calls: number;
  reason: string | null;
  snippet: number | null;
  severity: Severity | null;
  trick: string | null;
  verified: boolean | null;
  created: Time;
  ended: Time | null;
}

/** A word-piece as the model reads it; places count UTF-16 code units, as slicing does. */
export interface WordPiece {
  part: TextPart;
  start: number;
  end: number;
  text: string;
}

export interface SalientPiece extends WordPiece {
  /** Positive pushes the score up; a norm has no direction. */
  value: number;
}

export type SaliencyMethod = 'gradient_norm' | 'gradient_x_input' | 'leave_one_out';

/**
 * One thing that could stand at a place, and the score that the whole text would have. It brings the place that it
 * replaces: the whole word where a piece was asked for, with its white space where it goes.
 */
export interface Substitute {
  text: string;
  part: TextPart;
  start: number;
  end: number;
  score: number;
  delta: number;
  log_probability: number | null;
  kind: string;
}

export interface Inspiration {
  snippet: number;
  prompt: string;
  completion: string;
  start: { prompt: string; completion: string } | null;
  start_score: number | null;
  score: number;
  /** The median of what others say, which may lie between two. */
  severity: number | null;
  trick: string | null;
  by: string;
}

export interface RewritingStanding {
  sessions: number;
  finds: number;
  verified: number;
  refuted: number;
  waiting: number;
  seconds: number;
  reward: number;
}

/** Every endpoint, as `METHOD /path` below /api: what a call sends, and what comes back (void for 204). */
export type Endpoints = Generated;

/** `nines_server::Event`: what changed, to be read again. */
export type LiveEvent =
  | { event: 'labelled' | 'queues' | 'reliability' | 'guide' | 'attacks' | 'missed' }
  | { event: 'run'; run: number | null; job: number | null };
export type EventName = LiveEvent['event'];
