// What the form of an attack asks for.

import type { Parts } from '../../lib/api';
import { typedNumber } from '../../lib/numbers';

/** The fields as they are written. */
export interface Asked {
  recipe: string;
  classifier: string;
  against: string;
  judge: string;
  limit: string;
  queries: string;
  seconds: string;
  seed: string;
}

type Wrong = Partial<Record<keyof Asked, string>>;

/** What is wrong, by field: nothing where it can be asked for. */
export function wrongIn(asked: Asked, recipe: { compares: boolean } | null): Wrong {
  const wrong: Wrong = {};
  const whole = (field: 'limit' | 'queries' | 'seed', least: number, most: number, needed: boolean) => {
    const text = asked[field].trim();
    const number = typedNumber(text, true);
    if (text === '') {
      if (needed) {
        wrong[field] = 'A number is needed here.';
      }
    } else if (Number.isNaN(number)) {
      wrong[field] = 'A whole number, please.';
    } else if (number < least || number > most) {
      wrong[field] = number < least ? `At least ${least}.` : `At most ${most}.`;
    }
  };
  whole('limit', 1, 10_000, true);
  whole('queries', 1, 1_000_000, false);
  whole('seed', 0, Number.MAX_SAFE_INTEGER, true);
  const seconds = typedNumber(asked.seconds);
  if (asked.seconds.trim() !== '' && !(seconds >= 0.001 && seconds <= 1_000_000)) {
    wrong.seconds = Number.isFinite(seconds) ? 'More than 0, and at most 1000000.' : 'A number, please.';
  }
  if (recipe?.compares && asked.against === '') {
    wrong.against = 'This recipe compares two classifiers: choose the second one.';
  }
  return wrong;
}

/** The request; what is empty is left to the recipe and to the server. */
export function bodyOf(asked: Asked): Parts<'POST /jobs'>['body'] {
  const optional: [string, string][] = [
    ['classifier', asked.classifier],
    ['against', asked.against],
    ['judge', asked.judge],
    ['limit', asked.limit],
    ['queries', asked.queries],
    ['seconds', asked.seconds],
    ['seed', asked.seed],
  ];
  const given = optional.filter(([, text]) => text.trim() !== '').map(([field, text]) => [field, typedNumber(text, field !== 'seconds')] as const);
  return { kind: 'attack', recipe: asked.recipe, ...Object.fromEntries(given) };
}
