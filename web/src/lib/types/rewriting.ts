// Tasks, sessions and steps of the Rewrite page, and what its panels show.

import type { Severity, Time } from './common';

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
