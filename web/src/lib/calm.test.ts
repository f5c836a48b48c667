import { expect, it, vi } from 'vitest';
import { calmly } from './calm';

it('runs once for many calls, again for later ones, and not after its stop', async () => {
  vi.useFakeTimers();
  const does = vi.fn();
  const calm = calmly(2, does);
  for (let i = 0; i < 50; i++) {
    calm.call();
  }
  expect(does).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(2000);
  expect(does).toHaveBeenCalledTimes(1);
  await Promise.resolve();
  calm.call();
  await vi.advanceTimersByTimeAsync(2000);
  expect(does).toHaveBeenCalledTimes(2);
  calm.call();
  calm.stop();
  vi.advanceTimersByTime(5000);
  expect(does).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});

it('waits for what is under way, and runs once more for what came meanwhile', async () => {
  vi.useFakeTimers();
  const ends: (() => void)[] = [];
  const does = vi.fn(() => new Promise<void>((end) => ends.push(end)));
  const calm = calmly(2, does);
  calm.call();
  await vi.advanceTimersByTimeAsync(2000);
  calm.call();
  calm.call();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(does).toHaveBeenCalledTimes(1);
  ends[0]!();
  await vi.advanceTimersByTimeAsync(2000);
  expect(does).toHaveBeenCalledTimes(2);
  ends[1]!();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(does).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
