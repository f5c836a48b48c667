// Answers on their way to the server. Each is in the browser's storage before the next item shows, and leaves it
// only when the server has said that it is saved: a reload, a crash, a dead connection or a restarted server lose
// nothing. They go in the order in which they were given, one at a time. Sending one twice changes nothing, since
// the server knows the assignment and the content.

import { ProblemError, wordsOf } from './problem';
import type { ComparisonAnswer, LabelAnswer, SkipAnswer } from './types';

export type Operation =
  | { kind: 'label'; body: LabelAnswer }
  | { kind: 'comparison'; body: ComparisonAnswer }
  | { kind: 'skip'; body: SkipAnswer }
  | { kind: 'undo' }
  | { kind: 'flag'; body: { reason: string } }
  | { kind: 'ruling'; body: { question: string } };

export interface Entry {
  key: string;
  assignment: number;
  operation: Operation;
  /** It may have reached the server: it cannot be taken back here any more. */
  tried: boolean;
}

/** An answer that the server will not take. It is kept until the labeller has seen why. */
export interface Refused extends Entry {
  why: string;
}

/** What the outbox needs of localStorage. */
export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

export interface Parts {
  /** Whose answers: project and account. Nobody else's are ever read. */
  owner: string;
  store: Store;
  /** Sends one; gives the server's answer or throws a ProblemError. */
  send: (entry: Entry) => Promise<unknown>;
  /** Called after every change. */
  changed?: () => void;
  /** Called when the server has taken one. */
  settled?: (entry: Entry, answer: unknown) => void;
  /** Called when the server has refused one for good. */
  refused?: (entry: Refused) => void;
  /** Called when the browser keeps nothing: answers then live only as long as the page. */
  unkept?: () => void;
  /** Runs one sender at a time among the tabs of this browser; false when another tab is sending. */
  alone?: (work: () => Promise<void>) => Promise<boolean>;
  later?: (work: () => void, seconds: number) => () => void;
  now?: () => number;
}

export type Road = 'open' | 'offline' | 'signed-out';

const longestWait = 30;

/** Whether it ends an assignment: flags and questions do not. */
export function answers(entry: { operation: Operation }): boolean {
  return entry.operation.kind === 'label' || entry.operation.kind === 'comparison' || entry.operation.kind === 'skip';
}

export class Outbox {
  /** How the road to the server looked last. */
  road: Road = 'open';
  readonly #parts: Parts;
  readonly #prefix: string;
  readonly #refusedPrefix: string;
  /** What storage refused to keep. */
  readonly #unkept = new Map<string, string>();
  #inFlight: string | null = null;
  #running = false;
  #closed = false;
  #failures = 0;
  /** Rounds in a row after which something was left that the server breaks down on. */
  #breakdowns = 0;
  #lastTime = 0;
  #cancel: (() => void) | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#prefix = `nines.outbox/${parts.owner}/`;
    this.#refusedPrefix = `nines.refused/${parts.owner}/`;
  }

  /** What is not saved yet, oldest first. */
  get entries(): Entry[] {
    return this.#read<Entry>(this.#prefix);
  }

  get refusals(): Refused[] {
    return this.#read<Refused>(this.#refusedPrefix);
  }

  /** How many answers are not saved yet. */
  get unsaved(): number {
    return this.entries.filter(answers).length;
  }

  /** The assignments that something is still to be said about: the server must not hand them out again. */
  get assignments(): number[] {
    return [...new Set(this.entries.map((entry) => entry.assignment))];
  }

  /** Keeps an answer and starts sending. */
  add(assignment: number, operation: Operation): Entry {
    const now = this.#parts.now ?? Date.now;
    const last = Number(this.entries.at(-1)?.key.split('/').at(-1)?.split('-')[0] ?? 0);
    // The order holds though the computer's clock be set back.
    this.#lastTime = Math.max(now(), this.#lastTime + 1, last + 1);
    const name = `${String(this.#lastTime).padStart(15, '0')}-${Math.random().toString(36).slice(2, 8)}`;
    const entry: Entry = { key: this.#prefix + name, assignment, operation, tried: false };
    this.#keep(entry);
    this.#parts.changed?.();
    this.wake();
    return entry;
  }

  /** Takes an answer back that was never sent; false where the server may know of it. */
  takeBack(assignment: number): boolean {
    const entry = this.entries.filter((entry) => entry.assignment === assignment && answers(entry)).at(-1);
    if (!entry || entry.tried || this.#inFlight === entry.key) {
      return false;
    }
    this.#drop(entry.key);
    this.#parts.changed?.();
    return true;
  }

  /** Forgets a refusal that the labeller has seen. */
  forget(key: string) {
    this.#drop(key);
    this.#parts.changed?.();
  }

  /** Sends now: after a new answer, when the browser says that it is online again, after signing in. */
  wake() {
    this.#cancel?.();
    this.#cancel = null;
    void this.#drain();
  }

  /** Stops sending; what is kept stays kept. */
  close() {
    this.#closed = true;
    this.#cancel?.();
  }

  /** Sends again, once the same account is signed in again. */
  open() {
    this.#closed = false;
    this.wake();
  }

  async #drain() {
    if (this.#running || this.#closed) {
      return;
    }
    this.#running = true;
    let mine: boolean;
    try {
      const alone = this.#parts.alone ?? (async (work: () => Promise<void>) => (await work(), true));
      mine = await alone(() => this.#sendAll());
    } finally {
      this.#running = false;
    }
    if (!mine && this.entries.length) {
      this.#again(2);
    } else if (mine && this.road === 'open' && this.entries.length) {
      // Added between the last look and the end of the work.
      void this.#drain();
    }
  }

  async #sendAll() {
    // What the server breaks down on waits, and with it what is said of the same item; the rest goes on.
    const broken = new Set<number>();
    for (;;) {
      if (this.#closed) {
        return;
      }
      const entry = this.entries.find((entry) => !broken.has(entry.assignment));
      if (!entry) {
        this.#breakdowns = broken.size ? this.#breakdowns + 1 : 0;
        if (broken.size) {
          this.road = 'offline';
          this.#parts.changed?.();
          this.#again(Math.min(2 ** (this.#breakdowns - 1), longestWait));
        }
        return;
      }
      if (!entry.tried) {
        entry.tried = true;
        this.#keep(entry);
      }
      this.#inFlight = entry.key;
      try {
        const answer = await this.#parts.send(entry);
        this.#inFlight = null;
        if (entry.operation.kind === 'undo') {
          this.#redirect(entry, answer);
        }
        this.#drop(entry.key);
        this.#arrived();
        this.#parts.settled?.(entry, answer);
      } catch (error) {
        this.#inFlight = null;
        if (error instanceof ProblemError && error.status === 500) {
          broken.add(entry.assignment);
          continue;
        }
        if (!(error instanceof ProblemError) || error.passing) {
          this.#failures += 1;
          this.road = 'offline';
          this.#parts.changed?.();
          const asked = error instanceof ProblemError ? (error.retryAfterSeconds ?? 0) : 0;
          this.#again(Math.max(asked, Math.min(2 ** (this.#failures - 1), longestWait)));
          return;
        }
        if (error.status === 401) {
          this.road = 'signed-out';
          this.#parts.changed?.();
          return;
        }
        this.#drop(entry.key);
        this.#arrived();
        const refused: Refused = {
          ...entry,
          key: this.#refusedPrefix + (entry.key.split('/').at(-1) ?? ''),
          why: wordsOf(error),
        };
        // An undo of what the server never had changes nothing: the answer after it says how things stand.
        if (entry.operation.kind !== 'undo') {
          this.#keep(refused);
        }
        this.#parts.refused?.(refused);
      }
      this.#parts.changed?.();
    }
  }

  /** An undone item comes back as a new assignment: what was said since is said of that one. */
  #redirect(undo: Entry, answer: unknown) {
    const id = (answer as { id?: unknown } | null | undefined)?.id;
    if (typeof id !== 'number' || id === undo.assignment) {
      return;
    }
    for (const later of this.entries) {
      if (later.key > undo.key && later.assignment === undo.assignment) {
        this.#keep({ ...later, assignment: id });
      }
    }
  }

  #arrived() {
    this.#failures = 0;
    this.road = 'open';
  }

  #again(seconds: number) {
    const later =
      this.#parts.later ??
      ((work: () => void, seconds: number) => {
        const timer = setTimeout(work, seconds * 1000);
        return () => clearTimeout(timer);
      });
    this.#cancel?.();
    this.#cancel = later(() => {
      this.#cancel = null;
      void this.#drain();
    }, seconds);
  }

  #keep(entry: Entry) {
    const text = JSON.stringify(entry);
    try {
      this.#parts.store.setItem(entry.key, text);
      this.#unkept.delete(entry.key);
    } catch {
      this.#unkept.set(entry.key, text);
      this.#parts.unkept?.();
    }
  }

  #drop(key: string) {
    this.#unkept.delete(key);
    try {
      this.#parts.store.removeItem(key);
    } catch {
      // A store that refuses to be written holds nothing of ours.
    }
  }

  #read<T extends Entry>(prefix: string): T[] {
    const found = new Map<string, string>();
    try {
      const { store } = this.#parts;
      for (let i = 0; i < store.length; i++) {
        const key = store.key(i);
        if (key?.startsWith(prefix)) {
          const text = store.getItem(key);
          if (text !== null) {
            found.set(key, text);
          }
        }
      }
    } catch {
      // No storage at all.
    }
    for (const [key, text] of this.#unkept) {
      if (key.startsWith(prefix)) {
        found.set(key, text);
      }
    }
    return [...found.keys()].sort().flatMap((key) => {
      try {
        return [JSON.parse(found.get(key) ?? '') as T];
      } catch {
        return [];
      }
    });
  }
}
