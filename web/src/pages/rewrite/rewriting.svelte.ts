// A session at work: the text, its score while it changes, what was tried, the tools, and the clock. The server
// stores every step; what it has not said is saved stays in this browser.

import { call } from '../../lib/api';
import { Clock, type Stopped } from '../../lib/clock';
import { attend } from '../../lib/attended.svelte';
import { notices } from '../../lib/notices.svelte';
import { ProblemError, wordsOf } from '../../lib/problem';
import type { RewritingSession, SaliencyMethod, SalientPiece, StepKind, WordPiece } from '../../lib/types';
import { unsaved } from '../../lib/unsaved.svelte';
import { edited, gone, here, replayed, same, scored, type History } from './history';
import { Latest } from './live';
import { carried, type Text } from './places';
import { Steps, type Fate, type Step } from './steps';

/** What the classifier says of a text, and how it reads it. */
export interface Live {
  of: Text;
  score: number | null;
  reason: string | null;
  tokens: WordPiece[];
}

export interface Salient {
  of: Text;
  tokens: SalientPiece[];
  /** Why there is none. */
  failed: string | null;
}

/** How long the keys rest before what was typed counts as a step, in ms. */
const typingRests = 900;
const heartbeat = 30_000;
const remembered = 300;
/** Steps of a session that the server keeps. */
const most = 5000;

const nameOf = ({ prompt, completion }: Text) => JSON.stringify([prompt, completion]);
const bare = ({ prompt, completion }: Text): Text => ({ prompt, completion });

export class Rewriting {
  session = $state.raw() as RewritingSession;
  text = $state.raw() as Text;
  history = $state.raw() as History;
  live = $state.raw() as Live;
  /** Why no score comes, while none does. */
  silent = $state('');
  seconds = $state(0);
  stopped = $state<Stopped>(null);
  paused = $state(false);
  /** Steps that the server has not said are saved. */
  waiting = $state(0);
  offline = $state(false);
  /** Another page of this browser has gone on with the session. */
  taken = $state(false);
  saliency = $state.raw<Partial<Record<SaliencyMethod, Salient>>>({});
  /** Called when the session turns out to be over. */
  ended: (() => void) | null = null;

  readonly #clock = new Clock();
  readonly #steps: Steps;
  readonly #scores = new Map<string, Live>();
  readonly #latest: Latest<Text, Omit<Live, 'of'>>;
  readonly #salience = new Map<SaliencyMethod, Latest<Text, SalientPiece[]>>();
  #n = $state(0);
  #typing: ReturnType<typeof setTimeout> | undefined;
  #isOver = false;

  constructor(session: RewritingSession) {
    this.session = session;
    const { id } = session;
    this.#steps = new Steps({
      name: `${unsaved.owner}/${id}`,
      store: localStorage,
      send: ({ n, kind, prompt, completion, seconds, away_seconds }) =>
        call('POST /rewriting/sessions/{id}/steps', { path: { id }, body: { n, kind, prompt, completion, seconds, away_seconds } }),
      settled: (step, saved) => (this.history = scored(this.history, step, saved.score)),
      refused: (_, error) => this.#refused(error),
      changed: () => this.#look(),
    });
    const { kept } = this.#steps;
    this.history = replayed(session.start, [...session.steps, ...kept.steps.filter((step) => !session.steps.some(({ n }) => n === step.n)).map((step) => ({ ...step, score: null }))]);
    this.#n = Math.max(0, ...session.steps.map(({ n }) => n), ...kept.steps.map(({ n }) => n));
    this.text = bare(kept.text ?? here(this.history));
    this.live = { of: this.text, score: here(this.history).score ?? null, reason: null, tokens: [] };
    const gap = kept.at > 0 ? Math.max(0, (Date.now() - kept.at) / 1000) : 0;
    this.#clock.begin({
      active: Math.max(session.seconds, kept.seconds),
      away: Math.max(session.away_seconds, kept.away_seconds) + gap,
    });
    this.paused = session.paused;
    this.#clock.pause(session.paused);
    this.#latest = new Latest({
      ask: async (text, signal) => {
        const { score, reason, tokens } = await call('POST /rewriting/sessions/{id}/score', { path: { id }, body: text, signal });
        return { score, reason, tokens };
      },
      answered: (text, answer, newest) => this.#scored(text, answer, newest),
      failed: (_, error, failures) => {
        this.silent = wordsOf(error);
        if (error instanceof ProblemError && !error.passing) {
          if (error.status === 404 || error.status === 409) {
            this.ended?.();
          }
          return null;
        }
        return Math.min(1000 * 2 ** (failures - 1), 10_000);
      },
    });
    this.#look();
  }

  /** Starts; returns how to stop. */
  start(): () => void {
    const unattended = attend(this.#clock);
    const ticking = setInterval(() => this.#tick(), 1000);
    const beating = setInterval(() => void this.#beat(), heartbeat);
    const online = () => this.#steps.wake();
    const leaving = () => {
      this.keep();
      if (document.visibilityState === 'hidden') {
        void this.#beat(true);
      }
    };
    window.addEventListener('online', online);
    window.addEventListener('pagehide', leaving);
    document.addEventListener('visibilitychange', leaving);
    const release = this.#alone();
    this.#tick();
    this.#steps.wake();
    // What was typed just before the page went away is a step as well.
    this.#settleTyping();
    this.#ask(true);
    return () => {
      this.keep();
      this.#settleTyping();
      void this.#beat(true);
      clearInterval(ticking);
      clearInterval(beating);
      clearTimeout(this.#typing);
      this.#latest.drop();
      this.#salience.forEach((latest) => latest.drop());
      this.#steps.close();
      unattended();
      release();
      window.removeEventListener('online', online);
      window.removeEventListener('pagehide', leaving);
      document.removeEventListener('visibilitychange', leaving);
    };
  }

  get threshold(): number {
    return this.session.threshold;
  }

  /** Whether the score shown is of the text shown. */
  get isFresh(): boolean {
    return same(this.live.of, this.text) && !this.silent;
  }

  /** How far below the threshold, in log odds; null where there is no score of this text. */
  get margin(): number | null {
    return this.isFresh && this.live.score !== null ? this.threshold - this.live.score : null;
  }

  /** Whether the text shown is a step: it is not yet while somebody types. */
  get isSettled(): boolean {
    return same(here(this.history), this.text);
  }

  get ready(): boolean {
    return !this.paused && !this.taken;
  }

  /** The server keeps no more steps of a session: it can be submitted or given up, and not be changed. */
  get isFull(): boolean {
    return this.#n >= most;
  }

  get canUndo(): boolean {
    return this.history.at > 0 || !this.isSettled;
  }

  get canRedo(): boolean {
    return this.history.at < this.history.entries.length - 1 && this.isSettled;
  }

  /** Somebody typed. */
  type(text: Text) {
    if (!this.ready || this.isFull || same(text, this.text)) {
      return;
    }
    this.text = bare(text);
    this.keep();
    this.#ask(false);
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#settleTyping(), typingRests);
  }

  /** An edit of one piece: a substitute, an insertion, a deletion. Its score may be known from the menu. */
  apply(text: Text, kind: StepKind, score?: number) {
    if (!this.ready || this.isFull) {
      return;
    }
    this.#settleTyping();
    this.#turnTo(edited(this.history, bare(text), kind, score), kind);
    if (score !== undefined && !same(this.live.of, text)) {
      const { of, tokens } = this.live;
      const kept = (['prompt', 'completion'] as const).flatMap((part) => carried(tokens, part, of[part], text[part]));
      this.live = { of: bare(text), score, reason: null, tokens: kept };
    }
  }

  undo() {
    this.#settleTyping();
    this.goTo(this.history.at - 1);
  }

  redo() {
    this.#settleTyping();
    this.goTo(this.history.at + 1);
  }

  /** To an entry of the trace. */
  goTo(entry: number) {
    if (!this.ready || this.isFull) {
      return;
    }
    this.#settleTyping();
    const to = gone(this.history, entry);
    if (to) {
      this.#turnTo(to.history, to.kind);
    }
  }

  /** Back to the start, as an edit like others: the way there stays. */
  reset() {
    this.apply(this.session.start, 'reset');
  }

  pause(paused = !this.paused) {
    if (paused) {
      this.#settleTyping();
    }
    this.paused = paused;
    this.#clock.pause(paused);
    this.keep();
    this.#tick();
    void this.#beat();
    if (!paused) {
      this.#ask(true);
    }
  }

  /** Keeps text and time in this browser. */
  keep() {
    if (this.taken || this.#isOver) {
      return;
    }
    const { active, away } = this.#clock.item;
    this.#steps.keep(this.text, active, away);
  }

  /** The time so far, as the server takes it. */
  get spent(): { seconds: number; away_seconds: number } {
    const { active, away } = this.#clock.item;
    const tenths = (seconds: number) => Math.max(0, Math.round(seconds * 10) / 10);
    return { seconds: tenths(active), away_seconds: tenths(away) };
  }

  /** Sends every step that waits; throws where the server does not answer. */
  async flush() {
    this.#settleTyping();
    this.keep();
    if (!(await this.#steps.flush())) {
      throw new ProblemError({
        title: 'The server does not answer',
        status: 0,
        detail: 'Nothing is lost: the steps are kept in this browser and sent as soon as it does. Try again then.',
      });
    }
  }

  /** It is over: nothing of it is kept here any more. */
  close() {
    this.#isOver = true;
    clearTimeout(this.#typing);
    this.#latest.drop();
    this.#steps.forget();
  }

  /** Drops what is asked about saliency: something else is wanted first, and it is asked for again. */
  rest() {
    this.#salience.forEach((latest) => latest.drop());
  }

  /** Asks for the saliency of the text at hand, unless it is there. */
  want(method: SaliencyMethod) {
    const there = this.saliency[method];
    if ((there && same(there.of, this.text)) || !this.ready) {
      return;
    }
    let latest = this.#salience.get(method);
    if (!latest) {
      const { id } = this.session;
      latest = new Latest({
        rest: 250,
        most: 5000,
        ask: async (text, signal) =>
          (await call('POST /rewriting/sessions/{id}/saliency', { path: { id }, body: { ...text, method }, signal })).tokens,
        answered: (of, tokens) => (this.saliency = { ...this.saliency, [method]: { of, tokens, failed: null } }),
        failed: (of, error, failures) => {
          if (error instanceof ProblemError && error.passing && failures < 4) {
            return 1000 * failures;
          }
          this.saliency = { ...this.saliency, [method]: { of, tokens: [], failed: wordsOf(error) } };
          return null;
        },
      });
      this.#salience.set(method, latest);
    }
    latest.ask(this.text);
  }

  #settleTyping() {
    clearTimeout(this.#typing);
    if (!this.#isOver && !this.isSettled) {
      const score = this.isFresh ? this.live.score : undefined;
      this.history = edited(this.history, this.text, 'typed', score);
      this.#send('typed');
    }
  }

  #turnTo(history: History, kind: StepKind) {
    if (history === this.history) {
      return;
    }
    this.history = history;
    this.text = bare(here(history));
    this.#send(kind);
    this.#ask(true);
  }

  #send(kind: StepKind) {
    this.#steps.add({ n: ++this.#n, kind, ...this.text, ...this.spent });
    this.keep();
  }

  #ask(now: boolean) {
    if (this.paused) {
      return;
    }
    const known = this.#scores.get(nameOf(this.text));
    if (known) {
      this.#latest.drop();
      this.live = known;
      this.silent = '';
      return;
    }
    this.#latest.ask(this.text, now);
  }

  #scored(of: Text, answer: Omit<Live, 'of'>, newest: boolean) {
    const live = { of, ...answer };
    this.#scores.set(nameOf(of), live);
    const oldest = this.#scores.keys().next().value;
    if (this.#scores.size > remembered && oldest !== undefined) {
      this.#scores.delete(oldest);
    }
    this.silent = '';
    this.live = live;
    if (newest) {
      this.history = scored(this.history, of, answer.score);
    }
  }

  /** It was submitted or given up elsewhere; or another browser took the step's number, and all that waits gets others. */
  async #refused(error: ProblemError): Promise<Fate> {
    if (error.status !== 404 && error.status !== 409) {
      notices.fail(error, 'A step was not taken');
      return 'dropped';
    }
    try {
      const now = await call('GET /rewriting/sessions/{id}', { path: { id: this.session.id } });
      if (now.state === 'open') {
        this.#n = Math.max(this.#n, this.#steps.renumber(Math.max(0, ...now.steps.map(({ n }) => n))));
        return 'again';
      }
    } catch (failure) {
      if (!(failure instanceof ProblemError) || failure.passing || failure.status === 401) {
        return 'later';
      }
    }
    this.ended?.();
    return 'dropped';
  }

  async #beat(last = false) {
    if (this.taken || this.#isOver) {
      return;
    }
    const { id } = this.session;
    await call('POST /rewriting/sessions/{id}/pause', { path: { id }, body: { paused: this.paused, ...this.spent }, keepalive: last }).catch(
      // The time is kept here as well and comes with whatever is sent next.
      () => undefined,
    );
  }

  #tick() {
    this.seconds = Math.floor(this.#clock.item.active);
    this.stopped = this.#clock.stopped;
    this.keep();
  }

  #look() {
    this.waiting = this.#steps.waiting.length;
    this.offline = this.#steps.offline;
  }

  /** One page at a time works on a session: the one opened last. */
  #alone(): () => void {
    if (!('locks' in navigator)) {
      return () => undefined;
    }
    let release = () => {};
    const held = new Promise<void>((done) => (release = done));
    navigator.locks.request(`nines.rewrite/${unsaved.owner}/${this.session.id}`, { steal: true }, () => held).catch(() => {
      this.taken = true;
      this.#latest.drop();
      this.#steps.close();
    });
    return release;
  }
}
