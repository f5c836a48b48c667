// Sessions with and without the tools, side by side: plain counts, and verified finds an hour of work. How long a
// classifier holds out, person by person and start by start, is said by `nines measure attack-time`.

import type { Estimate } from '../../lib/types';

/** What of a session counts here. */
export interface Counted {
  tools: boolean;
  state: 'open' | 'submitted' | 'gave_up';
  seconds: number;
  verified: boolean | null;
  menu_calls: number;
  saliency_calls: number;
}

export interface Counts {
  sessions: number;
  open: number;
  gaveUp: number;
  finds: number;
  verified: number;
  refuted: number;
  waiting: number;
  /** Times that substitutes or insertions were asked for. */
  menus: number;
  /** Times that saliency was asked for. */
  shades: number;
  /** Work in ended sessions, in seconds. */
  seconds: number;
  /** Work in all sessions, open ones up to now, in seconds. */
  work: number;
}

export function counted(sessions: readonly Counted[]): Counts {
  const finds = sessions.filter(({ state }) => state === 'submitted');
  return {
    sessions: sessions.length,
    open: sessions.filter(({ state }) => state === 'open').length,
    gaveUp: sessions.filter(({ state }) => state === 'gave_up').length,
    finds: finds.length,
    verified: finds.filter(({ verified }) => verified === true).length,
    refuted: finds.filter(({ verified }) => verified === false).length,
    waiting: finds.filter(({ verified }) => verified === null).length,
    menus: sessions.reduce((sum, { menu_calls }) => sum + menu_calls, 0),
    shades: sessions.reduce((sum, { saliency_calls }) => sum + saliency_calls, 0),
    seconds: sessions.filter(({ state }) => state !== 'open').reduce((sum, { seconds }) => sum + seconds, 0),
    work: sessions.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

/**
 * Verified finds an hour with their exact interval of 95 %, as if they came independently of each other (Poisson,
 * Garwood's limits). All the work counts, also that of sessions that were given up: the middle of the times of finds
 * alone would flatter whoever gave up often. Finds that wait may all be refuted, or all be verified: while any does there
 * is no value, and the interval holds whatever becomes of them.
 */
export function hourly({ sessions, verified, waiting, work }: Pick<Counts, 'sessions' | 'verified' | 'waiting' | 'work'>): Estimate | null {
  if (!(work > 0)) {
    return null;
  }
  const hours = work / 3600;
  const most = verified + waiting;
  const low = verified === 0 ? 0 : meanWhere((mean) => 1 - atMost(verified - 1, mean) >= 0.025, verified);
  const high = meanWhere((mean) => atMost(most, mean) <= 0.025, most);
  return {
    value: waiting ? null : verified / hours,
    lower: low / hours,
    upper: high / hours,
    confidence: 0.95,
    method: 'Poisson (exact, Garwood), finds taken as independent',
    n: sessions,
  };
}

/** The chance of at most `n` events where so many are expected. */
function atMost(n: number, mean: number): number {
  let sum = 0;
  let log = -mean;
  for (let k = 0; k <= n; k += 1) {
    sum += Math.exp(log);
    log += Math.log(mean) - Math.log(k + 1);
  }
  return Math.min(1, sum);
}

/** The smallest mean from which on something holds, found by halving. */
function meanWhere(holds: (mean: number) => boolean, events: number): number {
  let [low, high] = [0, 10 + events + 10 * Math.sqrt(events + 1)];
  for (let i = 0; i < 80; i += 1) {
    const middle = (low + high) / 2;
    [low, high] = holds(middle) ? [low, middle] : [middle, high];
  }
  return high;
}
