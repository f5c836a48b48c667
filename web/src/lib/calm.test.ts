import { expect, it, vi } from 'vitest';
import { calmly } from './calm';

it('runs once for many calls, again for later ones, and not after its stop', () => {
  vi.useFakeTimers();
  const does = vi.fn();
  const calm = calmly(2, does);
  for (let i = 0; i < 50; i++) {
    calm.call();
  }
  expect(does).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(2000);
  expect(does).toHaveBeenCalledTimes(1);
  calm.call();
  vi.advanceTimersByTime(2000);
  expect(does).toHaveBeenCalledTimes(2);
  calm.call();
  calm.stop();
  vi.advanceTimersByTime(5000);
  expect(does).toHaveBeenCalledTimes(2);
  vi.useRealTimers();
});
