// The labeller's clock: it counts seconds at work only. It stops while the page is hidden, a minute after the
// last sign of life, and while paused; what is not work is away. Nothing ticks: time is read when asked, so a
// machine that slept adds nothing.

export interface Spent {
  active: number;
  away: number;
}

export type Stopped = 'paused' | 'hidden' | 'idle' | null;

/** How long without any input still counts as reading, in seconds. */
export const idleAfter = 60;

export class Clock {
  /** Since the clock was made, in seconds. */
  total: Spent = { active: 0, away: 0 };
  #item: Spent = { active: 0, away: 0 };
  #at: number;
  #lastInput: number;
  #hidden = false;
  #paused = false;
  readonly #now: () => number;

  /** `now` gives seconds of a clock that never goes back. */
  constructor(now: () => number = () => performance.now() / 1000) {
    this.#now = now;
    this.#at = now();
    this.#lastInput = this.#at;
  }

  /** Why it stands still, if it does. */
  get stopped(): Stopped {
    this.#count();
    if (this.#paused) {
      return 'paused';
    }
    if (this.#hidden) {
      return 'hidden';
    }
    return this.#at - this.#lastInput >= idleAfter ? 'idle' : null;
  }

  /** A key, a pointer, a scroll: somebody is there. */
  input() {
    this.#count();
    this.#lastInput = this.#at;
  }

  hide(hidden: boolean) {
    this.#count();
    if (this.#hidden && !hidden) {
      this.#lastInput = this.#at;
    }
    this.#hidden = hidden;
  }

  pause(paused: boolean) {
    this.#count();
    if (this.#paused && !paused) {
      this.#lastInput = this.#at;
    }
    this.#paused = paused;
  }

  /** Seconds on the item at hand so far. */
  get item(): Spent {
    this.#count();
    return { ...this.#item };
  }

  /** Begins an item; one that comes back goes on from what it took before. */
  begin(before: Spent = { active: 0, away: 0 }) {
    this.#count();
    this.#item = { ...before };
  }

  #count() {
    const now = this.#now();
    const passed = Math.max(0, now - this.#at);
    const awake = this.#paused || this.#hidden ? 0 : Math.max(0, Math.min(now, this.#lastInput + idleAfter) - this.#at);
    for (const sum of [this.total, this.#item]) {
      sum.active += awake;
      sum.away += passed - awake;
    }
    this.#at = Math.max(now, this.#at);
  }
}
