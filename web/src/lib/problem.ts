import type { Problem } from './types';

/** An error that the server, or the way to it, gave: what was wrong and what to do. */
export class ProblemError extends Error {
  readonly title: string;
  readonly detail: string;
  /** The HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly type: string;
  readonly retryAfterSeconds: number | null;

  constructor(problem: Problem) {
    super(problem.detail ? `${problem.title}: ${problem.detail}` : problem.title);
    this.name = 'ProblemError';
    this.title = problem.title;
    this.detail = problem.detail ?? '';
    this.status = problem.status;
    this.type = problem.type ?? 'about:blank';
    this.retryAfterSeconds = problem.retry_after_seconds ?? null;
  }

  /** No answer came, or one that a moment's patience changes. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

/** Words for any error, for people. */
export function wordsOf(error: unknown): string {
  if (error instanceof ProblemError) {
    return error.detail || error.title;
  }
  return error instanceof Error ? error.message : String(error);
}
