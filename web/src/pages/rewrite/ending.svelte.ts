// How a session ends: with a find, or given up, with a few seconds to think again.

import { call, ProblemError, type Answer } from '../../lib/api';
import { notices } from '../../lib/notices.svelte';
import { wordsOf } from '../../lib/problem';
import type { RewritingSession, Severity, VerdictWord } from '../../lib/types';
import type { Rewriting } from './rewriting.svelte';

export type Submitted = Answer<'POST /rewriting/sessions/{id}/submit'>;

/** What an author says of a find. */
export interface Said {
  injury: VerdictWord;
  severity: Severity | null;
  trick: string;
}

/** Whom to tell how it ended. */
export interface Told {
  submitted: (answer: Submitted) => void;
  gaveUp: (session: RewritingSession) => void;
  /** It ended elsewhere. */
  ended: () => void;
}

/** Seconds to think again. */
const graceful = 5;

export class Ending {
  /** The form is open. */
  submitting = $state(false);
  busy = $state(false);
  failed = $state('');
  /** Seconds until it is given up; 0 where nobody is giving up. */
  leaving = $state(0);
  readonly #work: Rewriting;
  readonly #told: Told;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(work: Rewriting, told: Told) {
    this.#work = work;
    this.#told = told;
  }

  async submit(said: Said) {
    await this.#end(async (id) => {
      const answer = await call('POST /rewriting/sessions/{id}/submit', {
        path: { id },
        body: { ...this.#work.text, ...said, ...this.#work.spent },
      });
      return () => this.#told.submitted(answer);
    });
  }

  /** Gives up in a few seconds. */
  giveUp() {
    if (this.leaving) {
      return;
    }
    this.submitting = false;
    this.leaving = graceful;
    this.#timer = setInterval(() => {
      this.leaving -= 1;
      if (this.leaving <= 0) {
        void this.leave();
      }
    }, 1000);
  }

  /** Thought again. */
  stay() {
    clearInterval(this.#timer);
    this.leaving = 0;
  }

  async leave() {
    this.stay();
    const error = await this.#end(async (id) => {
      const session = await call('POST /rewriting/sessions/{id}/give-up', { path: { id }, body: { ...this.#work.spent } });
      return () => this.#told.gaveUp(session);
    });
    if (error) {
      notices.fail(error, 'It was not given up');
    }
  }

  /** Looks whether the session is over already, and tells. */
  async look() {
    const { id } = this.#work.session;
    const now = await call('GET /rewriting/sessions/{id}', { path: { id } }).catch(() => null);
    if (now && now.state !== 'open') {
      this.#work.close();
      this.#told.ended();
    }
  }

  /** The page goes away. */
  stop() {
    clearInterval(this.#timer);
  }

  async #end(asking: (id: number) => Promise<() => void>): Promise<unknown> {
    this.busy = true;
    this.failed = '';
    try {
      await this.#work.flush();
      const tell = await asking(this.#work.session.id);
      this.#work.close();
      tell();
      return null;
    } catch (error) {
      this.failed = wordsOf(error);
      // The answer may have been lost, and the session be over: then that is what is shown.
      if (error instanceof ProblemError && !error.passing) {
        await this.look();
      }
      return error;
    } finally {
      this.busy = false;
    }
  }
}
