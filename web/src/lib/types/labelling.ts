// Queues, assignments, answers, and the guide that they follow.

import type { Severity, Time, VerdictWord } from './common';

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
