// The working loop that Label and Compare share: one item in hand, one ahead, answers to the outbox, the clock.

import { call } from './api';
import { Clock, type Spent, type Stopped } from './clock';
import { onEvent } from './live.svelte';
import { notices } from './notices.svelte';
import { answers, type Entry, type Operation } from './outbox';
import { ProblemError } from './problem';
import type { Assignment, Feedback, Next, Stage } from './types';
import { unsaved } from './unsaved.svelte';

/** Where items come from. */
export type Source = { kind: 'queue'; id: number } | { kind: Stage };

type WithoutTime<O> = O extends { body: infer B } ? Omit<O, 'body'> & { body: Omit<B, 'seconds' | 'away_seconds'> } : O;
/** What a labeller says of an item; the loop adds the time. */
export type Said = WithoutTime<Extract<Operation, { kind: 'label' | 'comparison' | 'skip' }>>;

interface Past {
  assignment: Assignment;
  spent: Spent;
}

/** How far back undo reaches. */
const remembered = 30;
const heartbeat = 4 * 60_000;

export class Loop {
  current = $state.raw<Assignment | null>(null);
  /** Grows whenever another item is shown; an undone item that gets another number is not another item. */
  turn = $state(0);
  /** `asking` until the first item is here; `dry` when there is none now. */
  state = $state<'asking' | 'working' | 'feedback' | 'checking' | 'dry' | 'unqualified' | 'failed'>('asking');
  feedback = $state.raw<(Feedback & { said: Said }) | null>(null);
  /** What the server last said is left for this account. */
  waiting = $state(0);
  /** Answers of this sitting that the server has saved, and all that were given. */
  saved = $state(0);
  given = $state(0);
  /** Seconds at work in this sitting; read by the header once a second. */
  seconds = $state(0);
  stopped = $state<Stopped>(null);
  paused = $state(false);
  failure = $state.raw<unknown>(null);

  readonly source: Source;
  readonly #clock = new Clock();
  readonly #spent = new Map<number, Spent>();
  readonly #mine = new Set<number>();
  #ahead = $state.raw<Assignment[]>([]);
  #past = $state.raw<Past[]>([]);
  #filling = false;
  #ended = false;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #expected: { assignment: number; said: Said } | null = null;

  constructor(source: Source) {
    this.source = source;
    this.#past = this.#remembered();
  }

  /** Starts; returns how to stop. */
  start(): () => void {
    const input = () => {
      this.#clock.input();
      if (this.stopped === 'idle') {
        this.#tick();
      }
    };
    const seen = () => {
      this.#clock.hide(document.visibilityState === 'hidden');
      this.#tick();
    };
    const signs = ['keydown', 'pointerdown', 'pointermove', 'wheel', 'touchstart', 'scroll'] as const;
    for (const sign of signs) {
      window.addEventListener(sign, input, { passive: true, capture: true });
    }
    document.addEventListener('visibilitychange', seen);
    seen();
    const ticking = setInterval(() => this.#tick(), 1000);
    const beating = setInterval(() => void this.#renew(), heartbeat);
    const unheard = [
      unsaved.onSettled((entry, answer, taken) => this.#settled(entry, answer, taken)),
      onEvent(['labelled', 'queues'], () => {
        if (this.state === 'dry') {
          void this.fill();
        }
      }),
    ];
    void this.fill();
    return () => {
      this.#ended = true;
      clearTimeout(this.#retry);
      clearInterval(ticking);
      clearInterval(beating);
      unheard.forEach((stop) => stop());
      for (const sign of signs) {
        window.removeEventListener(sign, input, { capture: true });
      }
      document.removeEventListener('visibilitychange', seen);
    };
  }

  /** How many this account has in hand and waiting. */
  get left(): number {
    return this.#held.length + this.waiting;
  }

  get canUndo(): boolean {
    return this.source.kind === 'queue' && this.#past.length > 0;
  }

  /** Answers the item in hand; the next one shows at once. */
  answer(said: Said) {
    const { current } = this;
    if (!current || this.state !== 'working' || this.paused || !unsaved.box) {
      return;
    }
    const spent = this.#clock.item;
    const time = { seconds: inDay(spent.active), away_seconds: inDay(spent.away) };
    const operation = { ...said, body: { ...said.body, ...time } } as Operation;
    this.#mine.add(current.id);
    this.#expected = this.source.kind === 'practice' ? { assignment: current.id, said } : null;
    unsaved.box.add(current.id, operation);
    this.given += 1;
    if (this.source.kind === 'queue') {
      this.#remember([...this.#past, { assignment: current, spent }].slice(-remembered));
    }
    if (this.source.kind === 'practice') {
      // What was right is shown first, and only the server knows it.
      this.state = 'checking';
      return;
    }
    this.#show(this.#takeAhead());
    void this.fill();
  }

  /** After practice feedback: on to the next item. */
  goOn() {
    if (this.state !== 'feedback') {
      return;
    }
    this.feedback = null;
    this.#show(this.#takeAhead());
    void this.fill();
  }

  /** Brings the last answered item back; what is in hand waits behind it. */
  undo(): boolean {
    const last = this.#past.at(-1);
    if (!last || !this.canUndo || this.paused || !unsaved.box) {
      return false;
    }
    if (!unsaved.box.takeBack(last.assignment.id)) {
      unsaved.box.add(last.assignment.id, { kind: 'undo' });
    }
    this.#remember(this.#past.slice(0, -1));
    if (this.current) {
      this.#spent.set(this.current.id, this.#clock.item);
      this.#ahead = [this.current, ...this.#ahead];
    }
    this.given -= 1;
    this.#spent.set(last.assignment.id, last.spent);
    this.#show(last.assignment);
    return true;
  }

  /** Says something about the item in hand without ending it. */
  remark(operation: Extract<Operation, { kind: 'flag' | 'ruling' }>) {
    if (this.current) {
      unsaved.box?.add(this.current.id, operation);
    }
  }

  pause(paused = !this.paused) {
    this.paused = paused;
    this.#clock.pause(paused);
    this.#tick();
  }

  /** Sees to it that one item is in hand and one more ahead. */
  async fill() {
    if (this.#filling || this.#ended) {
      return;
    }
    if (!unsaved.box) {
      this.#later(0.1);
      return;
    }
    if (unsaved.box.entries.some((entry) => entry.operation.kind === 'undo')) {
      // The server would give what is being undone as the next item; once it is undone this is called again.
      return;
    }
    this.#filling = true;
    clearTimeout(this.#retry);
    try {
      while (!this.#ended && this.#held.length < 2) {
        // The server takes twenty at most; leases are three, so that only old remarks are ever cut off.
        const holding = [...new Set([...this.#held.map((held) => held.id), ...unsaved.box.assignments])].slice(0, 20);
        const next = await this.#next(holding);
        this.failure = null;
        this.waiting = next.waiting;
        const { assignment } = next;
        if (!assignment) {
          break;
        }
        if (this.#held.some((held) => held.id === assignment.id)) {
          break;
        }
        // Answered in the meantime, or still to be undone: not to be shown as new.
        if (unsaved.box.assignments.includes(assignment.id)) {
          break;
        }
        if (this.current || this.state === 'feedback' || this.state === 'checking') {
          this.#ahead = [...this.#ahead, assignment];
        } else {
          this.#show(assignment);
        }
      }
      if (!this.current && this.state !== 'feedback' && this.state !== 'checking') {
        // While answers are on their way the server counts them as held: it has more to give afterwards.
        this.state = this.waiting > 0 && unsaved.box.unsaved > 0 ? 'asking' : 'dry';
        // A lease of somebody else may run out without a word.
        this.#later(this.waiting > 0 ? 10 : 60);
      }
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#filling = false;
    }
  }

  #takeAhead(): Assignment | null {
    const [first, ...rest] = this.#ahead;
    this.#ahead = rest;
    return first ?? null;
  }

  get #held(): Assignment[] {
    return this.current ? [this.current, ...this.#ahead] : this.#ahead;
  }

  #next(holding: number[]): Promise<Next> {
    const { source } = this;
    const body = { holding };
    switch (source.kind) {
      case 'queue':
        return call('POST /queues/{id}/next', { path: { id: source.id }, body });
      case 'practice':
        return call('POST /labelling/practice/next', { body });
      case 'qualification':
        return call('POST /labelling/qualification/next', { body });
    }
  }

  #failed(error: unknown) {
    if (error instanceof ProblemError && error.status === 401) {
      return;
    }
    if (error instanceof ProblemError && error.status === 403 && error.type.endsWith('/unqualified')) {
      this.state = 'unqualified';
      return;
    }
    if (error instanceof ProblemError && error.passing) {
      // The item in hand can be worked on; the next one is asked for again and again.
      this.failure = error;
      this.#later(Math.max(error.retryAfterSeconds ?? 0, 3));
      return;
    }
    this.failure = error;
    if (!this.current) {
      this.state = 'failed';
    } else {
      notices.fail(error, 'No next item');
    }
  }

  #later(seconds: number) {
    clearTimeout(this.#retry);
    if (!this.#ended) {
      this.#retry = setTimeout(() => void this.fill(), seconds * 1000);
    }
  }

  #show(assignment: Assignment | null) {
    this.current = assignment;
    this.turn += 1;
    this.#clock.begin(assignment ? this.#spent.get(assignment.id) : undefined);
    if (assignment) {
      this.#spent.delete(assignment.id);
    }
    this.state = assignment ? 'working' : 'asking';
  }

  #settled({ assignment, operation }: Entry, answer: unknown, taken: boolean) {
    if (operation.kind === 'undo') {
      this.#undone(assignment, answer, taken);
      return;
    }
    if (!answers({ operation })) {
      return;
    }
    if (taken && this.#mine.has(assignment)) {
      this.saved += 1;
    }
    const expected = this.#expected;
    if (expected?.assignment === assignment && this.state === 'checking') {
      this.#expected = null;
      const feedback = (answer as { feedback?: Feedback | null } | undefined)?.feedback;
      if (feedback) {
        this.feedback = { ...feedback, said: expected.said };
        this.state = 'feedback';
      } else {
        this.#show(this.#takeAhead());
        void this.fill();
      }
      return;
    }
    // A saved answer frees a place among the leases.
    void this.fill();
  }

  /** The server took an answer back and gave the item anew, or would not. */
  #undone(old: number, answer: unknown, taken: boolean) {
    if (taken && this.#mine.has(old)) {
      this.saved = Math.max(0, this.saved - 1);
    }
    const id = taken ? (answer as { id?: unknown } | undefined)?.id : undefined;
    if (typeof id === 'number' && id !== old) {
      const renamed = <A extends Assignment>(assignment: A): A => (assignment.id === old ? { ...assignment, id } : assignment);
      if (this.#mine.has(old)) {
        this.#mine.add(id);
      }
      const spent = this.#spent.get(old);
      if (spent) {
        this.#spent.delete(old);
        this.#spent.set(id, spent);
      }
      if (this.current?.id === old) {
        this.current = renamed(this.current);
      }
      // The next item that was asked for meanwhile may be this very one.
      const answered = unsaved.box?.entries.some((entry) => entry.assignment === id && answers(entry)) ?? false;
      this.#ahead = this.#ahead.map(renamed).filter((held) => held.id !== this.current?.id && !(answered && held.id === id));
      if (answered && this.current?.id === id) {
        this.#show(this.#takeAhead());
      }
      this.#remember(this.#past.map((past) => ({ ...past, assignment: renamed(past.assignment) })));
    } else if (!taken && !unsaved.box?.assignments.includes(old)) {
      // It is not this labeller's any more: what was saved stands.
      notices.fail(new Error('The earlier answer stands: the item has gone on to others.'), 'It could not be undone');
      this.given += 1;
      this.#ahead = this.#ahead.filter((held) => held.id !== old);
      if (this.current?.id === old) {
        this.#show(this.#takeAhead());
      }
    }
    void this.fill();
  }

  async #renew() {
    if (this.stopped) {
      return;
    }
    for (const { id } of this.#held) {
      // Nobody has worked yet on what is held ahead. A lease that ran out costs nothing: a late answer is still saved.
      const seconds = id === this.current?.id ? inDay(this.#clock.item.active) : 0;
      await call('POST /assignments/{id}/renew', { path: { id }, body: { seconds } }).catch(() => undefined);
    }
  }

  #tick() {
    this.seconds = Math.floor(this.#clock.total.active);
    this.stopped = this.#clock.stopped;
  }

  get #place(): string {
    return `nines.past/${unsaved.owner}/${this.source.kind === 'queue' ? this.source.id : this.source.kind}`;
  }

  #remember(past: Past[]) {
    this.#past = past;
    try {
      sessionStorage.setItem(this.#place, JSON.stringify(past));
    } catch {
      // Undo then reaches back to the last reload only.
    }
  }

  #remembered(): Past[] {
    try {
      const past = JSON.parse(sessionStorage.getItem(this.#place) ?? '[]') as unknown;
      return Array.isArray(past) ? (past as Past[]) : [];
    } catch {
      return [];
    }
  }
}

/** In tenths; the server takes no more than a day, and a page may stay open over a weekend. */
function inDay(seconds: number): number {
  return Math.min(86_400, Math.max(0, Math.round(seconds * 10) / 10));
}
