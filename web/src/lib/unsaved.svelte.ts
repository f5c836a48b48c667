// The outbox of whoever is signed in, for every page: what was not saved at the last reload is sent wherever the
// app is opened next.

import { call } from './api';
import { notices } from './notices.svelte';
import { Outbox, type Entry, type Refused, type Road, type Store } from './outbox';
import { ProblemError } from './problem';
import { checked } from './sending';
import { session } from './session.svelte';
import type { Session } from './types';

/** The server has taken an entry, or refused it for good. */
type Settled = (entry: Entry, answer: unknown, taken: boolean) => void;

/** What the tab that sends tells the others. */
interface Heard {
  owner: string;
  entry: Entry;
  answer: unknown;
}

/** The other tabs of this browser: one of them sends, and the one that waits for the answer must hear it. */
const others = 'BroadcastChannel' in globalThis ? new BroadcastChannel('nines.outbox') : null;

class Unsaved {
  /** Answers not saved yet. */
  count = $state(0);
  road = $state<Road>('open');
  refusals = $state.raw<Refused[]>([]);
  box: Outbox | null = null;
  #owner = '';
  readonly #boxes = new Map<string, Outbox>();
  readonly #listeners = new Set<Settled>();

  /** Whose answers are kept: a project's account. */
  static ownerOf({ project, account }: Session): string {
    return `${encodeURIComponent(project.id ?? project.name)}.${account.id}`;
  }

  get owner(): string {
    return this.#owner;
  }

  /** Begins sending for the account that is signed in; stops when nobody is. */
  follow(current: Session | null) {
    const owner = current ? Unsaved.ownerOf(current) : '';
    if (owner === this.#owner && this.box) {
      this.box.wake();
      return;
    }
    this.box?.close();
    this.#owner = owner;
    this.box = null;
    if (!owner) {
      return;
    }
    // The same box again where there was one: what the storage would not take is in its memory alone.
    const before = this.#boxes.get(owner);
    this.box = before ?? this.#make(owner);
    this.#boxes.set(owner, this.box);
    this.#look();
    this.box.open();
  }

  #make(owner: string): Outbox {
    return new Outbox({
      owner,
      store: storage(),
      send: (entry) => checked(entry.operation.kind, () => send(entry, owner)),
      changed: () => this.#look(),
      settled: (entry, answer) => {
        this.#tell(entry, answer, true);
        others?.postMessage({ owner, entry, answer } satisfies Heard);
      },
      refused: (refused) => {
        if (refused.operation.kind !== 'undo') {
          notices.fail(new Error(refused.why), 'An answer was not taken');
        }
        this.#tell(refused, undefined, false);
      },
      unkept: () =>
        notices.fail(
          new Error('Its storage is full or switched off. Keep this page open until everything is saved.'),
          'This browser cannot keep unsaved answers',
        ),
      alone,
    });
  }

  onSettled(listener: Settled): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Another tab has sent what may be this one's. */
  hear({ owner, entry, answer }: Heard) {
    if (owner === this.#owner) {
      this.#tell(entry, answer, true);
    }
  }

  /** Looks at the storage again: another tab may have changed it. */
  look() {
    this.#look();
  }

  #tell(entry: Entry, answer: unknown, taken: boolean) {
    for (const listener of [...this.#listeners]) {
      listener(entry, answer, taken);
    }
  }

  #look() {
    this.count = this.box?.unsaved ?? 0;
    this.road = this.box?.road ?? 'open';
    this.refusals = this.box?.refusals ?? [];
  }
}

/** The browser's storage; one that refuses everything where the browser lets us see none. */
function storage(): Store {
  try {
    void localStorage.length;
    return localStorage;
  } catch {
    const refuse = () => {
      throw new Error('no storage');
    };
    return { length: 0, key: () => null, getItem: () => null, setItem: refuse, removeItem: refuse };
  }
}

/** One tab at a time sends, where the browser can tell tabs apart; elsewhere the server's answers agree anyway. */
async function alone(work: () => Promise<void>): Promise<boolean> {
  if (!('locks' in navigator)) {
    await work();
    return true;
  }
  return navigator.locks.request('nines.outbox', { ifAvailable: true }, async (lock) => {
    if (!lock) {
      return false;
    }
    await work();
    return true;
  });
}

function send({ assignment: id, operation }: Entry, owner: string): Promise<unknown> {
  if (!session.current || Unsaved.ownerOf(session.current) !== owner) {
    // Somebody else has signed in, and this box is about to be closed: nothing goes out in their name.
    throw new ProblemError({ title: 'Signed in as somebody else', status: 401 });
  }
  const path = { id };
  switch (operation.kind) {
    case 'label':
      return call('POST /assignments/{id}/label', { path, body: operation.body });
    case 'comparison':
      return call('POST /assignments/{id}/comparison', { path, body: operation.body });
    case 'skip':
      return call('POST /assignments/{id}/skip', { path, body: operation.body });
    case 'undo':
      return call('POST /assignments/{id}/undo', { path });
    case 'flag':
      return call('POST /assignments/{id}/flag', { path, body: operation.body });
    case 'ruling':
      return call('POST /rulings', { body: { ...operation.body, assignment: id } });
  }
}

export const unsaved = new Unsaved();

/** Keeps the outbox in step with the session, the connection and the other tabs; the shell does this once. */
export function followSession(): () => void {
  const online = () => unsaved.box?.wake();
  const stored = (event: StorageEvent) => {
    if (event.key === null || event.key.startsWith('nines.')) {
      unsaved.look();
    }
  };
  const heard = (message: MessageEvent<Heard>) => unsaved.hear(message.data);
  others?.addEventListener('message', heard);
  window.addEventListener('online', online);
  window.addEventListener('storage', stored);
  const stop = $effect.root(() => {
    $effect(() => {
      unsaved.follow(session.current);
    });
  });
  return () => {
    stop();
    others?.removeEventListener('message', heard);
    window.removeEventListener('online', online);
    window.removeEventListener('storage', stored);
  };
}
