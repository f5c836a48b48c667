// Sessions with and without the tools, side by side: plain counts. How long a classifier holds out, with its interval,
// is said by `nines measure attack-time`.

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
  /** The middle of the times of verified finds, in seconds. */
  median: number | null;
}

export function counted(sessions: readonly Counted[]): Counts {
  const finds = sessions.filter(({ state }) => state === 'submitted');
  const times = finds.filter(({ verified }) => verified === true).map(({ seconds }) => seconds).sort((a, b) => a - b);
  const [low, high] = [times[Math.floor((times.length - 1) / 2)], times[Math.floor(times.length / 2)]];
  return {
    sessions: sessions.length,
    open: sessions.filter(({ state }) => state === 'open').length,
    gaveUp: sessions.filter(({ state }) => state === 'gave_up').length,
    finds: finds.length,
    verified: times.length,
    refuted: finds.filter(({ verified }) => verified === false).length,
    waiting: finds.filter(({ verified }) => verified === null).length,
    menus: sessions.reduce((sum, { menu_calls }) => sum + menu_calls, 0),
    shades: sessions.reduce((sum, { saliency_calls }) => sum + saliency_calls, 0),
    seconds: sessions.filter(({ state }) => state !== 'open').reduce((sum, { seconds }) => sum + seconds, 0),
    median: low === undefined || high === undefined ? null : (low + high) / 2,
  };
}
