// What a researcher writes to make a task, and what is wrong with it.

import { typedNumber } from '../../lib/numbers';

/** The fields, as they are written. */
export interface Written {
  name: string;
  threshold: string | number | null;
  from: 'injurious' | 'search' | 'snippets';
  number: string | number | null;
  ids: string;
  seed: string | number | null;
}

const most = 1000;
const bare = (value: string | number | null) => String(value ?? '').trim();

/** A number as it is written, a comma or a minus sign of print included; null where there is none. */
export function numberOf(value: string | number | null): number | null {
  const n = typedNumber(value);
  return Number.isFinite(n) ? n : null;
}

/** The numbers of snippets in a list. */
export function snippetsIn(list: string): number[] {
  return [...new Set(list.split(/[\s,;]+/).filter(Boolean).map(Number))];
}

function whole(value: string | number | null, least: number, largest: number): string | null {
  const n = typedNumber(value, true);
  return n >= least && n <= largest ? null : `A whole number from ${least} to ${largest.toLocaleString('en-GB')}.`;
}

/** What is wrong with each field; null where nothing is. */
export function mistakes(written: Written): Record<'name' | 'threshold' | 'number' | 'ids' | 'seed', string | null> {
  const { name, threshold, from, number, ids, seed } = written;
  const listed = snippetsIn(ids);
  const isList = listed.length > 0 && listed.every((id) => Number.isSafeInteger(id) && id > 0);
  return {
    name: name.trim() === '' ? 'A name, please.' : null,
    threshold: bare(threshold) !== '' && numberOf(threshold) === null ? 'A number in log odds, such as −2.5; or nothing.' : null,
    number: from === 'injurious' ? whole(number, 1, most) : null,
    ids: from !== 'snippets' ? null : !isList ? 'Numbers of snippets, such as 12, 40, 7.' : listed.length > most ? `At most ${most.toLocaleString('en-GB')}.` : null,
    seed: whole(seed, 0, Number.MAX_SAFE_INTEGER),
  };
}
