// The menu of substitutes at one place, as its rows come in.

import { stream } from '../../lib/api';
import { ProblemError, wordsOf } from '../../lib/problem';
import type { Substitute } from '../../lib/types';
import { splice, type Site, type Text } from './places';
import { keyOf, merged } from './ranks';

/** How long a walk from place to place rests before rows are asked for, in ms. */
const walkRests = 150;

export class Substitutes {
  site = $state.raw<Site | null>(null);
  /** The text that the rows are of. */
  text = $state.raw<Text | null>(null);
  rows = $state.raw<Substitute[]>([]);
  /** More rows may come. */
  busy = $state(false);
  failed = $state('');
  /** The key of the row that is looked at. */
  active = $state<string | null>(null);
  readonly #session: number;
  #choosing = false;
  #stop: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: number) {
    this.#session = session;
  }

  get row(): Substitute | null {
    return this.rows.find((row) => keyOf(row) === this.active) ?? null;
  }

  /** The whole text with the row that is looked at. */
  get preview(): Text | null {
    return this.row && this.text ? splice(this.text, this.row, this.row.text) : null;
  }

  /** Opens at a place; `walking` from the one before asks only when the walk rests. */
  open(text: Text, site: Site, walking = false) {
    this.#end();
    this.text = text;
    this.site = site;
    this.rows = [];
    this.failed = '';
    this.active = null;
    this.#choosing = false;
    this.busy = true;
    const stop = (this.#stop = new AbortController());
    this.#timer = setTimeout(() => void this.#read(text, site, stop), walking ? walkRests : 0);
  }

  close() {
    this.#end();
    this.site = null;
    this.rows = [];
    this.active = null;
  }

  /** Somebody looks at a row: from now on nothing moves. */
  look(key: string | null) {
    this.#choosing ||= key !== null;
    this.active = key;
  }

  /** Nobody looks at a row any more: the text stands as it is. What is there keeps its place. */
  lookAway() {
    this.active = null;
  }

  /** To the next row or the one before; before the first stands the text as it is. */
  walk(by: number) {
    const at = this.rows.findIndex((row) => keyOf(row) === this.active);
    const row = this.rows[Math.min(at + by, this.rows.length - 1)];
    this.look(row ? keyOf(row) : null);
  }

  #end() {
    clearTimeout(this.#timer);
    this.#stop?.abort();
    this.#stop = null;
    this.busy = false;
  }

  async #read(text: Text, site: Site, stop: AbortController, tries = 1): Promise<void> {
    try {
      const asked = { path: { id: this.#session }, body: { ...text, ...site, limit: 48 }, signal: stop.signal };
      for await (const event of stream('POST /rewriting/sessions/{id}/substitutes', asked)) {
        if (stop.signal.aborted) {
          return;
        }
        if (event.event === 'rows') {
          this.rows = merged(this.rows, event.rows, this.#choosing);
          this.busy = !event.final;
        } else {
          throw new ProblemError({ title: 'The menu broke off', status: 503, detail: event.detail });
        }
      }
    } catch (error) {
      if (stop.signal.aborted) {
        return;
      }
      if (error instanceof ProblemError && error.status === 429 && tries < 4) {
        // Many ask just now, this page's own saliency among them.
        this.#timer = setTimeout(() => void this.#read(text, site, stop, tries + 1), 1000 * (error.retryAfterSeconds ?? 1));
        return;
      }
      this.failed = wordsOf(error);
    }
    if (this.#stop === stop) {
      this.busy = false;
    }
  }
}
