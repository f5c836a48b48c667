// The score while somebody types: asked for when the keys rest, one question at a time, and what is no longer wanted
// is dropped, in whatever order answers come.

export interface Timers {
  set: (work: () => void, milliseconds: number) => unknown;
  clear: (timer: unknown) => void;
  now: () => number;
}

const clockwork: Timers = {
  set: (work, milliseconds) => setTimeout(work, milliseconds),
  clear: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  now: () => performance.now(),
};

export interface Parts<Question, Answer> {
  ask: (question: Question, signal: AbortSignal) => Promise<Answer>;
  /** Called with an answer, never with one to an older question than the last; `newest`: nothing was asked since. */
  answered: (question: Question, answer: Answer, newest: boolean) => void;
  /** Called where the newest question failed; the question is asked again where it says after how many ms. */
  failed: (question: Question, error: unknown, failures: number) => number | null;
  /** How long the questions must rest, in ms. */
  rest?: number;
  /** However fast they come, one is asked after this, in ms. */
  most?: number;
  timers?: Timers;
}

export class Latest<Question, Answer> {
  readonly #parts: Parts<Question, Answer>;
  readonly #timers: Timers;
  #turn = 0;
  #last = 0;
  #timer: unknown = null;
  #since: number | null = null;
  #stop: AbortController | null = null;

  constructor(parts: Parts<Question, Answer>) {
    this.#parts = parts;
    this.#timers = parts.timers ?? clockwork;
  }

  /** Asks when the questions rest; `now` asks at once. What was asked before is dropped. */
  ask(question: Question, now = false) {
    const turn = ++this.#turn;
    this.#timers.clear(this.#timer);
    const time = this.#timers.now();
    this.#since ??= time;
    const left = (this.#parts.most ?? 400) - (time - this.#since);
    const wait = now ? 0 : Math.max(0, Math.min(this.#parts.rest ?? 120, left));
    this.#timer = this.#timers.set(() => void this.#send(question, turn, 0), wait);
  }

  /** Drops everything that is asked or to be asked. */
  drop() {
    this.#last = ++this.#turn;
    this.#timers.clear(this.#timer);
    this.#since = null;
    this.#stop?.abort();
    this.#stop = null;
  }

  async #send(question: Question, turn: number, failures: number) {
    this.#since = null;
    this.#stop?.abort();
    const stop = (this.#stop = new AbortController());
    try {
      const answer = await this.#parts.ask(question, stop.signal);
      if (turn > this.#last && !stop.signal.aborted) {
        this.#last = turn;
        this.#parts.answered(question, answer, turn === this.#turn);
      }
    } catch (error) {
      if (turn !== this.#turn || stop.signal.aborted) {
        return;
      }
      const again = this.#parts.failed(question, error, failures + 1);
      if (again !== null && turn === this.#turn) {
        this.#timer = this.#timers.set(() => void this.#send(question, turn, failures + 1), again);
      }
    }
  }
}
