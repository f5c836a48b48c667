// Jobs, runs, and the trials of a sweep.

import type { Estimate, Time } from './common';

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
