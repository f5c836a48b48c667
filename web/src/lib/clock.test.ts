import { expect, it } from 'vitest';
import { Clock } from './clock';

function clock() {
  const time = { now: 100 };
  return { time, clock: new Clock(() => time.now) };
}

it('counts work and stops a minute after the last input', () => {
  const { time, clock: c } = clock();
  time.now += 40;
  c.input();
  time.now += 59;
  expect(c.stopped).toBeNull();
  time.now += 3600;
  expect(c.stopped).toBe('idle');
  expect(c.item).toEqual({ active: 100, away: 3599 });
  c.input();
  time.now += 5;
  expect(c.stopped).toBeNull();
  expect(c.item).toEqual({ active: 105, away: 3599 });
});

it('stands still while hidden or paused, and starts afresh after', () => {
  const { time, clock: c } = clock();
  time.now += 10;
  c.hide(true);
  time.now += 300;
  expect(c.stopped).toBe('hidden');
  c.hide(false);
  time.now += 30;
  c.pause(true);
  time.now += 1000;
  c.input();
  expect(c.stopped).toBe('paused');
  c.pause(false);
  time.now += 2;
  expect(c.item).toEqual({ active: 42, away: 1300 });
  expect(c.total).toEqual({ active: 42, away: 1300 });
});

it('keeps what an item took before when it comes back', () => {
  const { time, clock: c } = clock();
  time.now += 7;
  const first = c.item;
  c.begin();
  time.now += 3;
  c.begin(first);
  time.now += 4;
  expect(c.item.active).toBe(11);
  expect(c.total.active).toBe(14);
});

it('never runs backwards', () => {
  const { time, clock: c } = clock();
  time.now -= 50;
  expect(c.item).toEqual({ active: 0, away: 0 });
});
