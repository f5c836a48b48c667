// The search at hand outlives a look at one snippet: going back shows the same rows, and a snippet knows its
// neighbours.

import { call } from '../../lib/api';
import { session } from '../../lib/session.svelte';
import type { SnippetFilter, SnippetRow } from '../../lib/types';

const page = 50;
/** So many rows are worth stopping for. */
const enough = 15;
/** So many pages are read for one press of a key. */
const turns = 12;

/** What a search finds, a page of the server after the other. */
export class Found {
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
    // Nothing that one account found is shown to the next.
    const key = JSON.stringify([session.current?.account.id, filter]);
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

  async #read(filter: SnippetFilter, after: number | null) {
    this.#asked?.abort();
    const asked = (this.#asked = new AbortController());
    this.loading = true;
    this.failure = null;
    try {
      let from = after;
      let fresh = after === null;
      // A page may be short, or empty, where much had to be looked through: go on until there is something to read.
      for (let turn = 0, got = 0; turn < turns && got < enough; turn += 1) {
        const query = { ...filter, limit: page, ...(from === null ? {} : { after: from }) };
        const answer = await call('GET /snippets', { query, signal: asked.signal });
        const known = new Set(fresh ? [] : this.rows.map((row) => row.id));
        const rows = answer.rows.filter((row) => !known.has(row.id));
        this.rows = fresh ? rows : [...this.rows, ...rows];
        this.next = from = answer.next ?? null;
        this.classifier = answer.classifier ?? null;
        this.threshold = answer.threshold ?? null;
        this.stale = fresh ? false : this.stale;
        fresh = false;
        got += rows.length;
        if (from === null) {
          break;
        }
      }
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
