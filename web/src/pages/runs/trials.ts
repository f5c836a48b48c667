// The trials of a sweep, cell by cell: what differs between them, what they reached, and where each lies on its axes.

import type { ChartTable } from '../../components/Chart.svelte';
import { duration, inWords, none } from '../../lib/numbers';
import { plainNumber } from '../../lib/runs';
import type { Estimate, Trial, TrialNumber, TrialState } from '../../lib/types';

/** A value of a recipe; null: it is off. */
export type Value = string | number | null;

/** What an option is where a recipe leaves it out, for those whose off is a number. */
const OFF: Record<string, number> = {
  label_smoothing: 0,
  r_drop: 0,
  layer_decay: 1,
  multi_sample_dropout: 1,
  'label_noise.miss': 0,
  'label_noise.false_alarm': 0,
};

/** Fields of tables by their paths: `{ sift: { weight: 1 } }` → `sift.weight`. What is off has no parts. */
export function flat(recipe: unknown, above = ''): Record<string, Value> {
  const all: Record<string, Value> = {};
  for (const [name, value] of Object.entries((recipe ?? {}) as Record<string, unknown>)) {
    const path = above ? `${above}.${name}` : name;
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      Object.assign(all, flat(value, path));
    } else {
      const isPlain = value === null || typeof value === 'number' || typeof value === 'string';
      all[path] = isPlain ? value : typeof value === 'boolean' ? (value ? 'yes' : 'no') : JSON.stringify(value);
    }
  }
  return all;
}

/** A cell of a sweep with what is known of it, its seeds together; or one trial, where seeds are looked at apart. */
export interface Row {
  key: string;
  cell: string;
  /** Null: all seeds together. */
  seed: number | null;
  /** Seeds that have results, and all of them. */
  done: number;
  seeds: number;
  state: TrialState;
  values: Record<string, Value>;
  numbers: TrialNumber[];
  /** Of training, the mean over seeds. */
  seconds: number | null;
  error: string | null;
}

const urgency: TrialState[] = ['running', 'failed', 'waiting', 'done', 'dropped'];

/** One state for several trials: what a reader must know first. */
export function stateOf(states: readonly TrialState[]): TrialState {
  return urgency.find((state) => states.includes(state)) ?? 'waiting';
}

const hasNumbers = (trial: Trial) => trial.state === 'done' || trial.state === 'dropped';

function valuesOf(trial: Trial): Record<string, Value> {
  return { ...(trial.base === null ? {} : { base: trial.base }), ...flat(trial.recipe) };
}

/** One row a cell, in the sweep's order; its numbers are those over all of its seeds so far. */
export function cellsOf(trials: readonly Trial[]): Row[] {
  const cells = new Map<string, Trial[]>();
  for (const trial of trials) {
    cells.set(trial.cell, [...(cells.get(trial.cell) ?? []), trial]);
  }
  return [...cells].map(([cell, all]) => {
    const done = all.filter(hasNumbers);
    // The trial that ended last knew the results of all others.
    const last = [...done].sort((a, b) => (Date.parse(a.ended ?? '') || 0) - (Date.parse(b.ended ?? '') || 0) || a.position - b.position).pop();
    const seconds = done.map((trial) => trial.seconds).filter((it) => it !== null);
    return {
      key: cell,
      cell,
      seed: null,
      done: done.length,
      seeds: all.length,
      state: stateOf(all.map((trial) => trial.state)),
      values: valuesOf(all[0] as Trial),
      numbers: last?.together ?? [],
      seconds: seconds.length ? seconds.reduce((a, b) => a + b, 0) / seconds.length : null,
      error: all.find((trial) => trial.error !== null)?.error ?? null,
    };
  });
}

/** One row a trial. */
export function rowsOf(trials: readonly Trial[]): Row[] {
  return trials.map((trial) => ({
    key: String(trial.position),
    cell: trial.cell,
    seed: trial.seed,
    done: hasNumbers(trial) ? 1 : 0,
    seeds: 1,
    state: trial.state,
    values: valuesOf(trial),
    numbers: trial.numbers,
    seconds: trial.seconds,
    error: trial.error,
  }));
}

/** The quantities that any row has, in the order in which they come. */
export function quantitiesOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => row.numbers.map((number) => number.what)))];
}

export function numberOf(row: Row, what: string): Estimate | null {
  return row.numbers.find((number) => number.what === what)?.value ?? null;
}

/** A row's value of a field; a part of what is off is off too. */
export function valueOf(row: Row, field: string): Value {
  return row.values[field] ?? OFF[field] ?? null;
}

/** The fields whose values differ between rows, in the order in which they come; the base model first. */
export function fieldsOf(rows: readonly Row[]): string[] {
  const all = [...new Set(rows.flatMap((row) => Object.keys(row.values)))];
  // A table that is off in one row and set in another differs in its parts, not as a whole.
  const isTable = (field: string) => all.some((other) => other.startsWith(`${field}.`));
  const differs = (field: string) => new Set(rows.map((row) => valueOf(row, field))).size > 1;
  const fields = all.filter((field) => !isTable(field) && differs(field));
  return fields.sort((a, b) => Number(b === 'base') - Number(a === 'base'));
}

/** How a field is named for readers. */
export const fieldWords = (field: string) => field.replaceAll('_', ' ').replaceAll('.', ' · ');

/** How a value of a field is written. */
export function written(field: string, value: Value): string {
  if (value === null) {
    return field === 'base' ? 'the project’s' : field === 'label_budget' ? 'all' : 'off';
  }
  return typeof value === 'number' ? plainNumber(value) : value;
}

/** An axis of the parallel coordinates. Places on it run from 0 (below) to 1 (above). */
export interface Axis {
  field: string;
  label: string;
  /** Numbers run along it; words stand in rows. */
  kind: 'numbers' | 'words';
  isLog: boolean;
  low: number;
  high: number;
  /** The words, from below; of an axis of numbers the value that is none, if any row has it. */
  words: Value[];
  /** Whether what is none stands above the numbers: no budget of labels is the most there can be. */
  noneAbove: boolean;
}

/** The share of an axis of numbers that is kept for what is off. */
const ROOM = 0.14;

function axisOf(field: string, label: string, values: readonly Value[]): Axis {
  const numbers = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  const hasOff = values.some((value) => value === null);
  const noneAbove = field === 'label_budget';
  if (!numbers.length || values.some((value) => typeof value === 'string')) {
    return { field, label, kind: 'words', isLog: false, low: 0, high: 0, words: [...new Set(values)], noneAbove };
  }
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return { field, label, kind: 'numbers', isLog: low > 0 && high / low >= 20, low, high, words: hasOff ? [null] : [], noneAbove };
}

/** The axes of rows: one for each field that differs. */
export function axesOf(rows: readonly Row[]): Axis[] {
  return fieldsOf(rows).map((field) => axisOf(field, fieldWords(field), rows.map((row) => valueOf(row, field))));
}

/** The axis of a quantity: wide enough for every interval. */
export function numberAxis(rows: readonly Row[], what: string): Axis {
  const ends = rows.flatMap((row) => {
    const value = numberOf(row, what);
    return value ? [value.value, value.lower, value.upper] : [];
  });
  return { ...axisOf(what, what, ends.filter((end) => end !== null)), isLog: false };
}

/** The part of an axis that its numbers have. */
function span(axis: Axis): [number, number] {
  return !axis.words.length ? [0, 1] : axis.noneAbove ? [0, 1 - ROOM] : [ROOM, 1];
}

/** Where a value lies on an axis. */
export function placeOn(axis: Axis, value: Value): number | null {
  if (axis.kind === 'words') {
    const at = axis.words.indexOf(value);
    return at < 0 ? null : axis.words.length === 1 ? 0.5 : at / (axis.words.length - 1);
  }
  if (value === null) {
    return axis.words.length ? Number(axis.noneAbove) : null;
  }
  if (typeof value !== 'number') {
    return null;
  }
  const on = (x: number) => (axis.isLog ? Math.log(x) : x);
  const width = on(axis.high) - on(axis.low);
  const [from, to] = span(axis);
  return from + (to - from) * (width === 0 ? 0.5 : (on(value) - on(axis.low)) / width);
}

/** What stands at an axis: places with their words. */
export function ticksOf(axis: Axis, most = 5): { at: number; text: string }[] {
  const tick = (value: Value) => ({ at: placeOn(axis, value) ?? 0, text: written(axis.field, value) });
  if (axis.kind === 'words') {
    return axis.words.map(tick);
  }
  const steps = axis.low === axis.high ? 1 : Math.max(2, most);
  const short = (x: number) => Number(x.toPrecision(2));
  const numbers = Array.from({ length: steps }, (_, i) => {
    const share = steps === 1 ? 0 : i / (steps - 1);
    return axis.isLog ? axis.low * (axis.high / axis.low) ** share : axis.low + share * (axis.high - axis.low);
  });
  // What is rounded stays within the axis.
  const within = numbers.map(short).filter((x, i, all) => x >= axis.low - 1e-12 && x <= axis.high * (1 + 1e-12) && all.indexOf(x) === i);
  return [...axis.words.map(tick), ...(within.length ? within : [axis.low]).map(tick)];
}

/** The value that lies at a place of an axis. */
function valueAt(axis: Axis, place: number): Value {
  if (axis.kind === 'words') {
    const at = Math.round(place * Math.max(1, axis.words.length - 1));
    return axis.words[Math.min(at, axis.words.length - 1)] ?? null;
  }
  const [from, to] = span(axis);
  if (place < from - 1e-9 || place > to + 1e-9) {
    return null;
  }
  const share = (place - from) / (to - from);
  return axis.isLog ? axis.low * (axis.high / axis.low) ** share : axis.low + share * (axis.high - axis.low);
}

/** What a place on an axis says, for whoever moves a brush by keyboard. */
export function saidAt(axis: Axis, place: number): string {
  const value = valueAt(axis, place);
  return typeof value === 'number' ? plainNumber(Number(value.toPrecision(3))) : written(axis.field, value);
}

/** The part of an axis that is looked at, as places. */
export type Brush = [number, number];
/** The same as values, which stay what they are while an axis grows under them; an end that is left out is open. */
export interface Kept {
  low?: Value;
  high?: Value;
}
export type Brushes = Record<string, Kept>;

export const whole: Brush = [0, 1];

/** What to keep of a brush; nothing where it leaves the axis whole. */
export function keptOf(axis: Axis, [low, high]: Brush): Kept | null {
  const kept: Kept = {};
  if (low > 0) {
    kept.low = valueAt(axis, low);
  }
  if (high < 1) {
    kept.high = valueAt(axis, high);
  }
  return low > 0 || high < 1 ? kept : null;
}

/** Where what was kept lies on the axis as it is now. */
export function brushOf(axis: Axis, kept: Kept | undefined): Brush {
  const place = (value: Value | undefined, open: number) => {
    const at = value === undefined ? open : (placeOn(axis, value) ?? open);
    return Math.min(1, Math.max(0, at));
  };
  return kept ? [place(kept.low, 0), place(kept.high, 1)] : whole;
}

/** Whether a row lies within every brush. A row without the number that is brushed lies outside. */
export function isWithin(row: Row, axes: readonly Axis[], brushes: Brushes, placeOf: (row: Row, axis: Axis) => number | null): boolean {
  return axes.every((axis) => {
    const brush = brushOf(axis, brushes[axis.field]);
    if (brush[0] <= 0 && brush[1] >= 1) {
      return true;
    }
    const place = placeOf(row, axis);
    return place !== null && place >= brush[0] - 1e-9 && place <= brush[1] + 1e-9;
  });
}

/** Moves an end of a brush by a key; nothing where the key moves nothing. The ends never cross. */
export function moved(brush: Brush, end: 0 | 1, key: string, step: number): Brush | null {
  const by: Record<string, number> = { ArrowUp: step, ArrowRight: step, ArrowDown: -step, ArrowLeft: -step, PageUp: 4 * step, PageDown: -4 * step, Home: -2, End: 2 };
  const change = by[key];
  if (change === undefined) {
    return null;
  }
  const at = Math.min(1, Math.max(0, Math.round((brush[end] + change) * 1e6) / 1e6));
  return end === 0 ? [Math.min(at, brush[1]), brush[1]] : [brush[0], Math.max(at, brush[0])];
}

/** The step of an axis for the arrow keys: a word, or a twentieth. */
export const stepOf = (axis: Axis) => (axis.kind === 'words' ? 1 / Math.max(1, axis.words.length - 1) : 0.05);

export interface Sort {
  key: string;
  descending: boolean;
}

/** Sorts rows by a column; what has no value comes last, whichever way. */
export function sorted(rows: readonly Row[], { key, descending }: Sort): Row[] {
  const of = (row: Row): Value => {
    if (key === 'cell') {
      return row.cell;
    }
    if (key === 'seed') {
      return row.seed;
    }
    if (key === 'state') {
      return urgency.indexOf(row.state);
    }
    if (key === 'seconds') {
      return row.seconds;
    }
    return key.startsWith('=') ? (numberOf(row, key.slice(1))?.value ?? null) : valueOf(row, key);
  };
  const compare = (a: Value, b: Value): number =>
    typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
  return rows
    .map((row, i) => ({ row, i, value: of(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) {
        return Number(a.value === null) - Number(b.value === null) || a.i - b.i;
      }
      return (descending ? -1 : 1) * compare(a.value, b.value) || a.i - b.i;
    })
    .map(({ row }) => row);
}

/** A number against how many labels there were, or how noisy: one line for each choice of everything else. */
export interface Learning {
  field: string;
  label: string;
  lines: { name: string; points: { x: number | null; row: Row; value: Estimate }[] }[];
}

const LEARNING = { label_budget: 'labels', 'label_noise.miss': 'chance that a catastrophe is labelled safe', 'label_noise.false_alarm': 'chance that a safe snippet is labelled a catastrophe' };

/** The learning curves of a sweep that varies its labels; none where it does not. */
export function learningOf(rows: readonly Row[], what: string): Learning[] {
  const fields = fieldsOf(rows);
  return Object.entries(LEARNING).flatMap(([field, label]) => {
    if (!fields.includes(field)) {
      return [];
    }
    const others = fields.filter((other) => other !== field);
    const lines = new Map<string, Learning['lines'][number]['points']>();
    for (const row of rows) {
      const value = numberOf(row, what);
      const x = valueOf(row, field);
      if (value && value.value !== null && typeof x !== 'string') {
        const name = others.map((other) => `${fieldWords(other)} ${written(other, valueOf(row, other))}`).join(', ');
        lines.set(name, [...(lines.get(name) ?? []), { x, row, value }]);
      }
    }
    // No budget is the most labels there can be.
    const rank = (x: number | null) => x ?? Infinity;
    const drawn = [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => rank(a.x) - rank(b.x)) }));
    return drawn.some((line) => line.points.length > 1) ? [{ field, label, lines: drawn }] : [];
  });
}

/** The numbers of learning curves, for the table beside them. */
export function learningTable(learning: Learning, what: string): ChartTable {
  return {
    columns: [learning.label, 'cell', what],
    rows: learning.lines.flatMap((line) => line.points.map(({ x, row, value }) => [written(learning.field, x), row.cell, inWords(value)])),
  };
}

/** What a reader would see in parallel coordinates. */
export function summaryOfRows(rows: readonly Row[], what: string): string {
  const known = sorted(rows, { key: `=${what}`, descending: true }).filter((row) => numberOf(row, what)?.value != null);
  const [best, worst] = [known[0], known[known.length - 1]];
  if (!best || !worst) {
    return 'Nothing has a number yet.';
  }
  const said = (row: Row) => `${row.cell} with ${inWords(numberOf(row, what) as Estimate)}`;
  return best === worst ? `One line: ${said(best)}.` : `${known.length} lines; the highest ${what} has ${said(best)}, the lowest ${said(worst)}.`;
}

export const secondsWords = (seconds: number | null) => (seconds === null ? none : duration(seconds));
