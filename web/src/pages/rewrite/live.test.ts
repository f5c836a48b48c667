import { expect, test } from 'vitest';
import { Latest, type Timers } from './live';

/** A clock that moves when told to. */
function clockwork() {
  let now = 0;
  let next = 1;
  const waiting = new Map<number, { at: number; work: () => void }>();
  const timers: Timers = {
    set: (work, milliseconds) => {
      waiting.set(next, { at: now + milliseconds, work });
      return next++;
    },
    clear: (timer) => waiting.delete(timer as number),
    now: () => now,
  };
  const pass = async (milliseconds: number) => {
    await settle();
    const end = now + milliseconds;
    for (;;) {
      const [first] = [...waiting].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at);
      if (!first) {
        break;
      }
      waiting.delete(first[0]);
      now = Math.max(now, first[1].at);
      first[1].work();
      await settle();
    }
    now = end;
    await settle();
  };
  return { timers, pass };
}
const settle = async () => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

function asked(again: number | null = null) {
  const { timers, pass } = clockwork();
  const open: { question: string; signal: AbortSignal; answer: (value: string) => void; fail: (error: Error) => void }[] = [];
  const heard: [string, string, boolean][] = [];
  const failures: number[] = [];
  const latest = new Latest<string, string>({
    ask: (question, signal) => new Promise((answer, fail) => open.push({ question, signal, answer, fail })),
    answered: (...args) => heard.push(args),
    failed: (_, __, n) => {
      failures.push(n);
      return again;
    },
    timers,
  });
  return { latest, open, heard, failures, pass };
}

test('one question goes out when the keys rest', async () => {
  const { latest, open, pass } = asked();
  for (const text of ['a', 'ab', 'abc']) {
    latest.ask(text);
    await pass(60);
  }
  expect(open.map((one) => one.question)).toEqual([]);
  await pass(60);
  expect(open.map((one) => one.question)).toEqual(['abc']);
});

test('whoever never rests is still answered, with an answer that says that it is not of the newest text', async () => {
  const { latest, open, heard, pass } = asked();
  for (let i = 0; i < 6; i++) {
    latest.ask(`text ${i}`);
    await pass(100);
  }
  expect(open.length).toBe(1);
  open[0]!.answer('4');
  await pass(0);
  expect(heard).toEqual([[open[0]!.question, '4', false]]);
});

test('answers that come out of order never show an older text, and older questions are aborted', async () => {
  const { latest, open, heard, pass } = asked();
  latest.ask('first', true);
  await pass(1);
  latest.ask('second', true);
  await pass(1);
  expect(open[0]!.signal.aborted).toBe(true);
  open[1]!.answer('2');
  await pass(0);
  open[0]!.answer('1');
  await pass(0);
  expect(heard).toEqual([['second', '2', true]]);
});

test('a failure is tried again while the text is still wanted, and not afterwards', async () => {
  const { latest, open, heard, failures, pass } = asked(1000);
  latest.ask('text', true);
  await pass(1);
  open[0]!.fail(new Error('gone'));
  await pass(999);
  expect(open.length).toBe(1);
  await pass(10);
  expect(open.length).toBe(2);
  open[1]!.answer('3');
  await pass(0);
  expect(heard).toEqual([['text', '3', true]]);
  latest.ask('other', true);
  await pass(1);
  open[2]!.fail(new Error('gone'));
  await pass(0);
  latest.drop();
  await pass(5000);
  expect(open.length).toBe(3);
  expect(failures).toEqual([1, 1]);
});
