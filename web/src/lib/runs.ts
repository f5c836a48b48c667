// Runs and jobs in words.

import { count, duration, minus, none, scientific } from './numbers';
import type { Estimate, Job, Run } from './types';

type Json = Record<string, unknown>;

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((it, key) => (it && typeof it === 'object' ? (it as Json)[key] : undefined), value);
}
const text = (value: unknown): string | null => (typeof value === 'string' && value ? value : null);
const number = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** What a run was asked to do, in a few words; its configuration says the rest. */
export function summaryOf(run: Pick<Run, 'kind' | 'config'>): string {
  const { config } = run;
  const parts: (string | null)[] = [];
  if (run.kind === 'train') {
    const epochs = number(at(config, 'recipe', 'epochs'));
    parts.push(text(at(config, 'name')), text(at(config, 'base')) && `from ${String(at(config, 'base'))}`, epochs === null ? null : `${epochs} ${epochs === 1 ? 'epoch' : 'epochs'}`);
  } else if (run.kind === 'generate') {
    const [n, prompts] = [number(at(config, 'n')), number(at(config, 'prompts'))];
    parts.push(n === null ? null : `${n} for each of ${count(prompts)} prompts`);
  } else if (run.kind === 'calibrate') {
    parts.push(text(at(config, 'request', 'classifier')));
  } else if (run.kind === 'attack') {
    const [attacked, second] = [text(at(config, 'attacked', 'classifier')), text(at(config, 'against', 'classifier'))];
    parts.push(text(at(config, 'name')), attacked && `against ${attacked}${second ? ` and ${second}` : ''}`);
  } else if (run.kind === 'sweep') {
    const [cells, trials] = [at(config, 'sweep', 'cells'), number(at(config, 'sweep', 'search', 'trials'))];
    const seeds = at(config, 'sweep', 'seeds');
    const rungs = at(config, 'sweep', 'search', 'rungs');
    parts.push(
      trials === null ? (Array.isArray(cells) ? several(cells.length, 'recipe') : null) : several(trials, 'drawn recipe'),
      Array.isArray(seeds) && seeds.length > 1 ? several(seeds.length, 'seed') : null,
      Array.isArray(rungs) && rungs.length > 1 ? `halved ${several(rungs.length - 1, 'time')}` : null,
    );
  } else if (run.kind === 'frame') {
    const [from, to] = [number(at(config, 'from')), number(at(config, 'to'))];
    parts.push(text(at(config, 'about', 'filter', 'classifier')), to === null ? null : `requests ${count((from ?? 0) + 1)} to ${count(to)}`);
  } else {
    parts.push(text(at(config, 'classifier')) ?? text(at(config, 'name')));
    const prompts = number(at(config, 'prompts', 'n'));
    parts.push(prompts === null ? null : `${count(prompts)} prompts`);
  }
  return parts.filter(Boolean).join(', ');
}

const several = (n: number, word: string) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;

/** The classifier that a run made, by its label. */
export function madeBy(run: Pick<Run, 'kind' | 'result'>): string | null {
  return run.kind === 'train' ? text(at(run.result, 'classifier')) : null;
}

/** Whether a value of JSON is an estimate. */
export function isEstimate(value: unknown): value is Estimate {
  return (
    typeof at(value, 'confidence') === 'number' &&
    typeof at(value, 'method') === 'string' &&
    typeof at(value, 'n') === 'number' &&
    at(value, 'lower') !== undefined
  );
}

/** A number of a configuration, as it was written. */
export function plainNumber(value: number): string {
  const size = Math.abs(value);
  // A seed is told by its last digit.
  if (Number.isInteger(value) && size < 1e15) {
    return minus(String(value));
  }
  return size !== 0 && (size < 1e-3 || size >= 1e9) ? scientific(value, 3).replace(/\.?0+e/, 'e') : minus(String(Number(value.toPrecision(7))));
}

/** Seconds between two moments, or since the first. */
export function took(started: string | null, ended: string | null, now: number): number | null {
  const from = started ? Date.parse(started) : NaN;
  const to = ended ? Date.parse(ended) : now;
  return Number.isNaN(from) || Number.isNaN(to) ? null : Math.max(0, (to - from) / 1000);
}

/** About how long is left, from how long the part that is done took; null before anything can be said. */
export function left(done: number | null, total: number | null, seconds: number | null): string | null {
  if (!done || !total || seconds === null || done >= total || seconds < 5) {
    return null;
  }
  return `about ${duration((seconds * (total - done)) / done)} left`;
}

export const isOpen = (job: Pick<Job, 'state'>) => job.state === 'queued' || job.state === 'running';

/** `4 of 10`. */
export function progressWords(done: number | null, total: number | null): string {
  return done === null ? none : total === null ? count(done) : `${count(done)} of ${count(total)}`;
}
