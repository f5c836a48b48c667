// Steps on their way to the server. Each is in the browser's storage before it is sent and leaves it only when the
// server has said that it is saved; they go in their order, one at a time, and each has a running number, so that
// sending one twice changes nothing. The text at hand and the time spent are kept beside them.

import { ProblemError } from '../../lib/problem';
import type { StepKind } from '../../lib/types';
import type { Text } from './places';

export interface Step extends Text {
  n: number;
  kind: StepKind;
  seconds: number;
  away_seconds: number;
}

export interface Saved {
  n: number;
  score: number | null;
}

/** What the browser keeps of a session. */
export interface Kept {
  steps: Step[];
  /** The text as it was typed last, also between steps. */
  text: Text | null;
  seconds: number;
  away_seconds: number;
  /** When this was written, in ms since 1970: what passed since then was spent elsewhere. */
  at: number;
}

/** What becomes of a step that the server did not take: it is left, or sent once more, now or later. */
export type Fate = 'dropped' | 'again' | 'later';

export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export interface Parts {
  /** Whose session, in which project, and which. */
  name: string;
  store: Store;
  send: (step: Step) => Promise<Saved>;
  /** Called when the server has taken one. */
  settled?: (step: Step, saved: Saved) => void;
  /** Called when the server will not take one as it is; says what becomes of it. It is dropped unless said otherwise. */
  refused?: (step: Step, error: ProblemError) => Promise<Fate>;
  /** Called after every change. */
  changed?: () => void;
  later?: (work: () => void, seconds: number) => () => void;
  now?: () => number;
}

const longestWait = 30;
/** A step that is refused so often in a row waits, whatever is said. */
const patience = 4;

export class Steps {
  /** Whether the server answered last. */
  offline = false;
  readonly #parts: Parts;
  readonly #place: string;
  #kept: Kept;
  #running: Promise<boolean> | null = null;
  #failures = 0;
  #refusals = 0;
  #closed = false;
  #cancel: (() => void) | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#place = `nines.rewrite/${parts.name}`;
    this.#kept = this.#read();
  }

  get kept(): Kept {
    return this.#kept;
  }

  get waiting(): readonly Step[] {
    return this.#kept.steps;
  }

  /** Keeps a step and begins to send. */
  add(step: Step) {
    this.#write({ ...this.#kept, steps: [...this.#kept.steps, step], text: { prompt: step.prompt, completion: step.completion } });
    this.#parts.changed?.();
    this.wake();
  }

  /** Gives all that waits new numbers, in its order, behind those that the server has; returns the last. */
  renumber(after: number): number {
    this.#write({ ...this.#kept, steps: this.#kept.steps.map((step, i) => ({ ...step, n: after + i + 1 })) });
    return after + this.#kept.steps.length;
  }

  /** Keeps the text and the time between steps. */
  keep(text: Text, seconds: number, away: number) {
    this.#write({ ...this.#kept, text: { prompt: text.prompt, completion: text.completion }, seconds, away_seconds: away });
  }

  /** Sends now what waits. */
  wake() {
    this.#cancel?.();
    this.#cancel = null;
    if (!this.#closed) {
      void this.flush();
    }
  }

  /** Sends all that waits; false where the server does not answer. */
  async flush(): Promise<boolean> {
    while (this.#running) {
      await this.#running;
    }
    if (!this.waiting.length) {
      return true;
    }
    this.#running = this.#sendAll();
    try {
      return await this.#running;
    } finally {
      this.#running = null;
      this.#parts.changed?.();
    }
  }

  /** The session has ended: nothing of it is needed any more. */
  forget() {
    this.close();
    this.#kept = nothing();
    try {
      this.#parts.store.removeItem(this.#place);
    } catch {
      // A store that refuses to be written holds nothing of ours.
    }
  }

  close() {
    this.#closed = true;
    this.#cancel?.();
  }

  async #sendAll(): Promise<boolean> {
    for (;;) {
      const [step] = this.#kept.steps;
      if (!step) {
        return true;
      }
      try {
        const saved = await this.#parts.send(step);
        this.#done(step);
        this.#parts.settled?.(step, saved);
      } catch (error) {
        // Without a session nothing is refused: the same account may sign in again.
        const isFinal = error instanceof ProblemError && !error.passing && error.status !== 401;
        const fate = isFinal ? ((await this.#parts.refused?.(step, error)) ?? 'dropped') : 'later';
        this.#refusals = fate === 'again' ? this.#refusals + 1 : 0;
        if (fate === 'later' || this.#refusals >= patience) {
          this.#refusals = 0;
          this.#failures += 1;
          this.offline = true;
          this.#parts.changed?.();
          const asked = error instanceof ProblemError ? (error.retryAfterSeconds ?? 0) : 0;
          this.#again(Math.max(asked, Math.min(2 ** (this.#failures - 1), longestWait)));
          return false;
        }
        if (fate === 'dropped') {
          this.#done(step);
        }
      }
      this.#parts.changed?.();
    }
  }

  #done(step: Step) {
    this.#failures = this.#refusals = 0;
    this.offline = false;
    this.#write({ ...this.#kept, steps: this.#kept.steps.filter(({ n }) => n !== step.n) });
  }

  #again(seconds: number) {
    if (this.#closed) {
      return;
    }
    const later =
      this.#parts.later ??
      ((work: () => void, seconds: number) => {
        const timer = setTimeout(work, seconds * 1000);
        return () => clearTimeout(timer);
      });
    this.#cancel?.();
    this.#cancel = later(() => this.wake(), seconds);
  }

  #write(kept: Kept) {
    this.#kept = { ...kept, at: (this.#parts.now ?? Date.now)() };
    try {
      this.#parts.store.setItem(this.#place, JSON.stringify(this.#kept));
    } catch {
      // It then lives as long as the page, and what the server has said is saved stays there.
    }
  }

  #read(): Kept {
    try {
      const kept = JSON.parse(this.#parts.store.getItem(this.#place) ?? 'null') as Partial<Kept> | null;
      return { ...nothing(), ...kept };
    } catch {
      return nothing();
    }
  }
}

function nothing(): Kept {
  return { steps: [], text: null, seconds: 0, away_seconds: 0, at: 0 };
}
