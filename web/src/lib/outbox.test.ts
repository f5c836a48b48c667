import { describe, expect, it, vi } from 'vitest';
import { Outbox, type Entry, type Operation, type Parts, type Store } from './outbox';
import { ProblemError } from './problem';

class Memory implements Store {
  readonly kept = new Map<string, string>();
  full = false;
  get length() {
    return this.kept.size;
  }
  key(i: number) {
    return [...this.kept.keys()][i] ?? null;
  }
  getItem(key: string) {
    return this.kept.get(key) ?? null;
  }
  setItem(key: string, value: string) {
    if (this.full) {
      throw new Error('QuotaExceededError');
    }
    this.kept.set(key, value);
  }
  removeItem(key: string) {
    this.kept.delete(key);
  }
}

const label = (verdict: 'yes' | 'no', severity: 1 | 2 | 3 | null = null): Operation => ({
  kind: 'label',
  body: { verdict, severity, seconds: 3, away_seconds: 0 },
});
const dead = () => new ProblemError({ title: 'The server does not answer', status: 0 });

/** A server that keeps what it saves, and a timer that fires when told. */
function bench(store = new Memory(), more: Partial<Parts> = {}) {
  const server = { down: false, saved: [] as [number, string][], problem: null as ProblemError | null };
  const timers: { work: () => void; seconds: number }[] = [];
  const settled = vi.fn();
  const refused = vi.fn();
  const unkept = vi.fn();
  const outbox = new Outbox({
    owner: 'p/1',
    store,
    send: async (entry: Entry) => {
      await Promise.resolve();
      if (server.down) {
        throw dead();
      }
      if (server.problem) {
        throw server.problem;
      }
      server.saved.push([entry.assignment, JSON.stringify(entry.operation)]);
      // As the server does: what is undone comes back as another assignment.
      return entry.operation.kind === 'undo' ? { id: entry.assignment + 100 } : { saved: true };
    },
    settled,
    refused,
    unkept,
    later: (work, seconds) => {
      const timer = { work, seconds };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), 1);
    },
    ...more,
  });
  const quiet = () => new Promise((done) => setTimeout(done, 5));
  return { outbox, server, timers, store, settled, refused, unkept, quiet };
}

describe('an answer', () => {
  it('is kept before it is sent and until the server has it', async () => {
    const { outbox, server, store, settled, quiet } = bench();
    outbox.add(7, label('no'));
    expect(store.kept.size).toBe(1);
    expect(outbox.unsaved).toBe(1);
    await quiet();
    expect(server.saved.map(([id]) => id)).toEqual([7]);
    expect(store.kept.size).toBe(0);
    expect(settled).toHaveBeenCalledOnce();
  });

  it('is sent in order after the connection comes back, with waits that grow', async () => {
    const { outbox, server, timers, quiet } = bench();
    server.down = true;
    for (const id of [1, 2, 3]) {
      outbox.add(id, label('no'));
      await quiet();
    }
    expect(outbox.road).toBe('offline');
    expect(outbox.unsaved).toBe(3);
    const waits: (number | undefined)[] = [];
    for (let i = 0; i < 6; i++) {
      waits.push(timers.at(-1)?.seconds);
      timers.splice(0).at(-1)?.work();
      await quiet();
    }
    expect(waits).toEqual([4, 8, 16, 30, 30, 30]);
    server.down = false;
    outbox.wake();
    await quiet();
    expect(server.saved.map(([id]) => id)).toEqual([1, 2, 3]);
    expect(outbox.road).toBe('open');
  });

  it('survives a reload, with the same content and in order', async () => {
    const first = bench();
    first.server.down = true;
    first.outbox.add(1, label('yes', 2));
    first.outbox.add(2, label('no'));
    await first.quiet();
    first.outbox.close();
    const second = bench(first.store);
    expect(second.outbox.assignments).toEqual([1, 2]);
    second.outbox.wake();
    await second.quiet();
    expect(second.server.saved).toEqual([
      [1, JSON.stringify(label('yes', 2))],
      [2, JSON.stringify(label('no'))],
    ]);
  });

  it('of another account is neither seen nor sent', async () => {
    const { store, ...first } = bench();
    first.server.down = true;
    first.outbox.add(1, label('no'));
    await first.quiet();
    first.outbox.close();
    const other = bench(store, { owner: 'p/12' });
    other.outbox.wake();
    await other.quiet();
    expect(other.server.saved).toEqual([]);
    expect(other.outbox.unsaved).toBe(0);
  });

  it('waits while nobody is signed in', async () => {
    const { outbox, server, timers, quiet } = bench();
    server.problem = new ProblemError({ title: 'Not signed in', status: 401 });
    outbox.add(1, label('no'));
    await quiet();
    expect(outbox.road).toBe('signed-out');
    expect(timers).toEqual([]);
    server.problem = null;
    outbox.wake();
    await quiet();
    expect(server.saved).toHaveLength(1);
  });

  it('that the server refuses is shown and kept, and does not hold up the next', async () => {
    const { outbox, server, refused, quiet } = bench();
    server.problem = new ProblemError({ title: 'Conflict', status: 409, detail: 'Another answer is saved.' });
    outbox.add(1, label('no'));
    await quiet();
    server.problem = null;
    outbox.add(2, label('no'));
    await quiet();
    expect(server.saved.map(([id]) => id)).toEqual([2]);
    expect(refused).toHaveBeenCalledOnce();
    expect(outbox.refusals).toMatchObject([{ assignment: 1, why: 'Another answer is saved.' }]);
    outbox.forget(outbox.refusals[0]?.key ?? '');
    expect(outbox.refusals).toEqual([]);
  });

  it('is still sent when the browser keeps nothing, and that is said', async () => {
    const { outbox, server, store, unkept, quiet } = bench();
    store.full = true;
    outbox.add(1, label('no'));
    expect(unkept).toHaveBeenCalled();
    expect(outbox.unsaved).toBe(1);
    await quiet();
    expect(server.saved).toHaveLength(1);
    expect(outbox.unsaved).toBe(0);
  });

  it('keeps its order when the clock is set back', async () => {
    let now = 1000;
    const { outbox, server, quiet } = bench(undefined, { now: () => now });
    server.down = true;
    outbox.add(1, label('no'));
    await quiet();
    now = 10;
    outbox.add(2, label('no'));
    server.down = false;
    outbox.wake();
    await quiet();
    expect(server.saved.map(([id]) => id)).toEqual([1, 2]);
  });
});

describe('taking back', () => {
  it('removes what was never sent', async () => {
    const { outbox, server, quiet } = bench();
    server.down = true;
    outbox.add(1, label('no'));
    await quiet();
    outbox.add(2, label('no'));
    expect(outbox.takeBack(2)).toBe(true);
    expect(outbox.assignments).toEqual([1]);
  });

  it('leaves what may have reached the server: that needs an undo, sent after it', async () => {
    const { outbox, server, quiet } = bench();
    server.down = true;
    outbox.add(1, label('no'));
    await quiet();
    expect(outbox.takeBack(1)).toBe(false);
    outbox.add(1, { kind: 'undo' });
    outbox.add(1, label('yes', 3));
    server.down = false;
    outbox.wake();
    await quiet();
    expect(server.saved.map(([id, operation]) => [id, (JSON.parse(operation) as Operation).kind])).toEqual([
      [1, 'label'],
      [1, 'undo'],
      [101, 'label'],
    ]);
  });

  it('goes back twice over one item, each answer reaching the assignment that it is of', async () => {
    const { outbox, server, quiet } = bench();
    server.down = true;
    for (const operation of [label('no'), { kind: 'undo' }, label('yes', 3), { kind: 'undo' }, label('yes', 1)] as Operation[]) {
      outbox.add(1, operation);
      await quiet();
    }
    expect(outbox.unsaved).toBe(3);
    server.down = false;
    outbox.wake();
    await quiet();
    expect(server.saved.map(([id]) => id)).toEqual([1, 1, 101, 101, 201]);
    expect(server.saved.at(-1)?.[1]).toBe(JSON.stringify(label('yes', 1)));
  });

  it('an undo that finds nothing to undo holds nothing up', async () => {
    const { outbox, server, quiet } = bench();
    server.problem = new ProblemError({ title: 'Nothing to undo', status: 409 });
    outbox.add(1, { kind: 'undo' });
    await quiet();
    expect(outbox.entries).toEqual([]);
    expect(outbox.refusals).toEqual([]);
  });

  it('goes on with the others while the server breaks down on one', async () => {
    const store = new Memory();
    const failing = new Set([1]);
    const saved: number[] = [];
    const timers: { work: () => void; seconds: number }[] = [];
    const outbox = new Outbox({
      owner: 'p/1',
      store,
      send: async ({ assignment }: Entry) => {
        await Promise.resolve();
        if (failing.has(assignment)) {
          throw new ProblemError({ title: 'The server failed', status: 500, type: '/problems/internal' });
        }
        saved.push(assignment);
        return { saved: true };
      },
      later: (work, seconds) => {
        timers.push({ work, seconds });
        return () => undefined;
      },
    });
    outbox.add(1, label('yes', 2));
    outbox.add(1, { kind: 'flag', body: { reason: 'odd' } });
    outbox.add(2, label('no'));
    outbox.add(3, label('no'));
    await vi.waitFor(() => expect(saved).toEqual([2, 3]));
    await vi.waitFor(() => expect(timers.length).toBeGreaterThan(0));
    expect(outbox.entries.map((entry) => entry.assignment)).toEqual([1, 1]);
    expect([outbox.unsaved, outbox.road]).toEqual([1, 'offline']);
    failing.clear();
    timers.at(-1)?.work();
    await vi.waitFor(() => expect(saved).toEqual([2, 3, 1, 1]));
    expect([outbox.unsaved, outbox.road]).toEqual([0, 'open']);
  });

  it('keeps in memory what the storage would not take until the same account is back', async () => {
    const store = new Memory();
    store.full = true;
    const { outbox, server, quiet } = bench(store);
    server.problem = new ProblemError({ title: 'Nobody is signed in', status: 401, type: '/problems/signed-out' });
    outbox.add(1, label('yes', 2));
    await quiet();
    outbox.close();
    server.problem = null;
    outbox.wake();
    await quiet();
    expect(server.saved).toEqual([]);
    outbox.open();
    await quiet();
    expect(server.saved.map(([id]) => id)).toEqual([1]);
  });
});
