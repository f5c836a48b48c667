import { call, stream } from '../../lib/api';
import { ProblemError, wordsOf } from '../../lib/problem';
import type { Candidate } from '../../lib/ruling';

/** What candidates come from: drawn from the same, they are the same. */
export interface Source {
  prompt: string;
  seed: number;
  temperature: number | null;
  top_p: number | null;
}

/** Why nothing more came, in words, and when to try again. */
export interface Trouble {
  title: string;
  text: string;
  retryAfter: number | null;
  again: (() => void) | null;
}

/** The most that one request draws, and that one page keeps. */
const AT_ONCE = 50;
export const MOST = 500;

const nameOf = (source: Source) => JSON.stringify([source.prompt, source.seed, source.temperature, source.top_p]);

// Going back and forth in the history draws nothing again.
const kept = new Map<string, Candidate[]>();
const KEPT = 20;

/** The candidates of one source, as they come. */
export class Drawing {
  source = $state.raw<Source | null>(null);
  /** In the order of drawing. */
  candidates = $state.raw<Candidate[]>([]);
  busy = $state(false);
  scoring = $state(false);
  /** How many of those asked for are still to come. */
  left = $state(0);
  trouble = $state.raw<Trouble | null>(null);
  seconds = $state<number | null>(null);
  #stop: AbortController | null = null;

  isOf(source: Source): boolean {
    return this.source !== null && nameOf(this.source) === nameOf(source);
  }

  /** Turns to another source; what was drawn from it before is still there. */
  turnTo(source: Source | null) {
    this.stop();
    this.trouble = null;
    this.seconds = null;
    this.source = source;
    this.candidates = source ? (kept.get(nameOf(source)) ?? []) : [];
  }

  /** Draws so many more. */
  async draw(n: number, classifiers: number[]) {
    const source = this.source;
    if (!source || this.busy) {
      return;
    }
    this.stop();
    const stop = (this.#stop = new AbortController());
    this.busy = true;
    this.trouble = null;
    this.seconds = null;
    this.left = Math.min(n, MOST - this.candidates.length);
    let seconds = 0;
    try {
      while (this.left > 0 && !stop.signal.aborted) {
        const before = this.candidates.length;
        const batch = Math.min(this.left, AT_ONCE);
        const body = {
          prompt: source.prompt,
          seed: source.seed,
          n: batch,
          first_draw: this.#next(),
          classifiers,
          temperature: source.temperature ?? undefined,
          top_p: source.top_p ?? undefined,
        };
        for await (const event of stream('POST /play/draw', { body, signal: stop.signal })) {
          if (stop.signal.aborted) {
            return;
          }
          if (event.event === 'candidate') {
            const { draw, completion, finished, scores, reason } = event;
            this.#keep({ draw, completion, finished, scores, reason: reason ?? null });
            this.left = Math.max(0, this.left - 1);
          } else if (event.event === 'done') {
            seconds += event.seconds;
            this.seconds = seconds;
          } else {
            throw new ProblemError({ title: 'The generator stopped', status: 503, detail: event.detail });
          }
        }
        if (this.candidates.length === before) {
          throw new ProblemError({ title: 'The drawing ended early', status: 502, detail: 'The generator gave nothing more. Try again.' });
        }
      }
    } catch (error) {
      if (!stop.signal.aborted) {
        const rest = this.left;
        this.trouble = troubleOf(error, () => void this.draw(rest, classifiers));
      }
    } finally {
      if (this.#stop === stop) {
        this.busy = false;
        this.left = 0;
        this.#stop = null;
      }
    }
  }

  stop() {
    this.#stop?.abort();
    this.#stop = null;
    this.busy = false;
    this.left = 0;
  }

  /** Scores by a classifier what it has not scored yet. */
  async score(classifier: number) {
    const source = this.source;
    if (!source || this.scoring) {
      return;
    }
    this.scoring = true;
    try {
      for (;;) {
        const missing = this.candidates.filter((it) => it.finished && !it.scores[classifier]).slice(0, AT_ONCE);
        if (!missing.length || this.source !== source) {
          return;
        }
        const snippets = missing.map(({ completion }) => ({ prompt: source.prompt, completion }));
        const { scores } = await call('POST /score', { body: { classifier, snippets } });
        if (this.source !== source) {
          return;
        }
        for (const [i, candidate] of missing.entries()) {
          const scored = scores[i] ?? { reason: 'no score came' };
          this.#keep({ ...candidate, scores: { ...candidate.scores, [classifier]: scored } });
        }
      }
    } catch (error) {
      this.trouble = troubleOf(error, () => {
        this.trouble = null;
        void this.score(classifier);
      });
    } finally {
      this.scoring = false;
    }
  }

  /** The first draw that is not there: a drawing that was stopped leaves no gap. */
  #next(): number {
    const there = new Set(this.candidates.map((it) => it.draw));
    let next = 0;
    while (there.has(next)) {
      next += 1;
    }
    return next;
  }

  #keep(candidate: Candidate) {
    const others = this.candidates.filter((it) => it.draw !== candidate.draw);
    this.candidates = [...others, candidate].sort((a, b) => a.draw - b.draw);
    if (this.source) {
      const name = nameOf(this.source);
      kept.delete(name);
      kept.set(name, this.candidates);
      const oldest = kept.keys().next().value;
      if (kept.size > KEPT && oldest !== undefined) {
        kept.delete(oldest);
      }
    }
  }
}

function troubleOf(error: unknown, again: () => void): Trouble {
  const problem = error instanceof ProblemError ? error : null;
  // What was asked is wrong: asking the same again is no use.
  const isMine = problem !== null && problem.status >= 400 && problem.status < 500 && !problem.passing;
  return {
    title: problem?.status === 429 ? 'The server is busy with other drawings' : (problem?.title ?? 'The drawing stopped'),
    text: wordsOf(error),
    retryAfter: problem?.retryAfterSeconds ?? null,
    again: isMine ? null : again,
  };
}
