// The search at hand outlives a look at one snippet: going back shows the same rows, and a snippet knows its
// neighbours.

import { call } from '../../lib/api';
import type { SnippetFilter, SnippetRow } from '../../lib/types';

const page = 50;

class Found {
  rows = $state.raw<SnippetRow[]>([]);
  next = $state.raw<number | null>(null);
  classifier = $state.raw<number | null>(null);
  threshold = $state.raw<number | null>(null);
  loading = $state(false);
  failure = $state.raw<unknown>(null);
  /** Labels came since the rows were read. */
  stale = $state(false);
  /** The address of the search, for the way back. */
  href = '/data';
  #key = '';
  #asked: AbortController | null = null;

  /** Reads the first rows, unless they are the ones that are here. */
  async search(filter: SnippetFilter, { again = false }: { again?: boolean } = {}) {
    const key = JSON.stringify(filter);
    if (key === this.#key && !again && !this.failure && !this.loading) {
      return;
    }
    if (key !== this.#key) {
      this.rows = [];
      this.next = null;
    }
    this.#key = key;
    await this.#read(filter, null);
  }

  /** Reads the rows that come after. */
  async more(filter: SnippetFilter) {
    if (this.next !== null && !this.loading) {
      await this.#read(filter, this.next);
    }
  }

  /** Puts a changed row into its place. */
  put(id: number, changes: Partial<SnippetRow>) {
    this.rows = this.rows.map((row) => (row.id === id ? { ...row, ...changes } : row));
  }

  /** Nothing of one account is shown to the next. */
  forget() {
    this.#asked?.abort();
    this.#key = '';
    this.rows = [];
    this.next = null;
    this.href = '/data';
  }

  async #read(filter: SnippetFilter, after: number | null) {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.loading = true;
    this.failure = null;
    try {
      const query = { ...filter, limit: page, ...(after === null ? {} : { after }) };
      const answer = await call('GET /snippets', { query, signal: asked.signal });
      const known = new Set(after === null ? [] : this.rows.map((row) => row.id));
      this.rows = after === null ? answer.rows : [...this.rows, ...answer.rows.filter((row) => !known.has(row.id))];
      this.next = answer.next ?? null;
      this.classifier = answer.classifier ?? null;
      this.threshold = answer.threshold ?? null;
      this.stale = after === null ? false : this.stale;
    } catch (error) {
      if (!asked.signal.aborted) {
        this.failure = error;
      }
    } finally {
      if (this.#asked === asked) {
        this.loading = false;
      }
    }
  }
}

export const found = new Found();
