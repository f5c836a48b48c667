// Words and shapes that every page knows.

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
