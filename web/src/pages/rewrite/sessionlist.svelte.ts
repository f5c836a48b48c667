// Sessions for researchers, newest first, a page of the server after the other.

import { call } from '../../lib/api';
import type { RewritingSessionRow } from '../../lib/types';

/** So many are read at once, for the counts. */
const usual = 1000;

export class SessionList {
  /** Those that are read; null before the first. */
  rows = $state.raw<RewritingSessionRow[] | null>(null);
  /** Older ones are on their way. */
  busy = $state(false);
  /** Whether there are older ones. */
  isMore = $state(false);
  #task: number | undefined;
  /** What an answer belongs to: one of an earlier question is dropped. */
  #turn = 0;

  /** Reads the newest, of one task or of all; as many as are shown already, so that none disappears. */
  async read(task: number | undefined) {
    const turn = ++this.#turn;
    if (task !== this.#task) {
      // Nothing of another task stands under this one's name meanwhile, nor where the answer fails.
      this.#task = task;
      this.rows = null;
      this.isMore = false;
    }
    const found = await this.#older(task, undefined, Math.max(usual, this.rows?.length ?? 0));
    if (turn === this.#turn) {
      this.#show([], found);
    }
  }

  /** Reads older ones. */
  async more() {
    const shown = this.rows ?? [];
    const last = shown.at(-1)?.id;
    if (this.busy || !this.isMore || last === undefined) {
      return;
    }
    const turn = this.#turn;
    this.busy = true;
    try {
      const found = await this.#older(this.#task, last, usual);
      if (turn === this.#turn) {
        this.#show(shown, found);
      }
    } finally {
      this.busy = false;
    }
  }

  #show(before: readonly RewritingSessionRow[], { rows, next }: Found) {
    this.rows = [...before, ...rows];
    this.isMore = next !== undefined;
  }

  async #older(task: number | undefined, after: number | undefined, least: number): Promise<Found> {
    const rows: RewritingSessionRow[] = [];
    let next = after;
    do {
      const page = await call('GET /rewriting/sessions', { query: { task, after: next } });
      rows.push(...page.rows);
      next = page.next ?? undefined;
    } while (next !== undefined && rows.length < least);
    return { rows, next };
  }
}

interface Found {
  rows: RewritingSessionRow[];
  next: number | undefined;
}
