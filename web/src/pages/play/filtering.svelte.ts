// The filters on Play: one, or two side by side; what is known of their thresholds; and what each says of the draws.

import { untrack } from 'svelte';
import { call } from '../../lib/api';
import { onEvent } from '../../lib/live.svelte';
import { axisOf } from '../../lib/points';
import { wordsOf } from '../../lib/problem';
import { answerOf, ruling, type Answer, type Candidate } from '../../lib/ruling';
import type { Classifier, OperatingPoints } from '../../lib/types';

/** Which of the two thresholds of the address. */
export type Which = 't' | 't2';

/** What of the address belongs to the filters. */
export interface Address {
  c: number | null;
  t: number | null;
  c2: number | null;
  t2: number | null;
  $set: (changes: { t: number | null; t2: number | null }) => void;
}

/** A filter: a classifier at a threshold. */
export interface Side {
  letter: string;
  which: Which;
  classifier: Classifier;
  threshold: number | null;
  operating: OperatingPoints | null;
  from: number;
  to: number;
  answer: Answer;
}

/** How long a slider rests before the address follows, in ms: browsers limit how often it may change. */
const rests = 250;

export class Filters {
  classifiers = $state.raw<Classifier[] | null>(null);
  /** Why the classifiers could not be read. */
  failed = $state('');
  /** Draws before a filter abstains. */
  budget = $state<number | null>(null);
  /** Why nothing is known of a classifier's thresholds. */
  unknown = $state.raw<Record<number, string>>({});
  /** The thresholds as they move; the address follows. */
  own = $state<{ t: number | null; t2: number | null }>({ t: null, t2: null });
  #operating = $state.raw<Record<number, OperatingPoints>>({});
  readonly #at: Address;
  readonly #drawn: () => readonly Candidate[];
  #writing: ReturnType<typeof setTimeout> | undefined;

  constructor(at: Address, drawn: () => readonly Candidate[]) {
    this.#at = at;
    this.#drawn = drawn;
    this.own = { t: at.t, t2: at.t2 };
    $effect(() => {
      void this.read();
      // A new classifier, or a new threshold of one; a busy run tells often.
      let waiting: ReturnType<typeof setTimeout> | undefined;
      const stop = onEvent('run', () => {
        waiting ??= setTimeout(() => {
          waiting = undefined;
          void this.read();
        }, 3000);
      });
      return () => {
        stop();
        clearTimeout(waiting);
      };
    });
    $effect(() => {
      for (const id of [this.first?.id, this.second?.id]) {
        if (id !== undefined && untrack(() => !this.#operating[id] && !this.unknown[id])) {
          void this.#readOperating(id);
        }
      }
    });
    $effect(() => {
      const { t, t2 } = at;
      if (untrack(() => this.#writing === undefined)) {
        this.own = { t, t2 };
      }
    });
    $effect(() => () => clearTimeout(this.#writing));
  }

  readonly first = $derived.by(
    () =>
      this.classifiers?.find((it) => it.id === this.#at.c) ?? this.classifiers?.find((it) => it.threshold !== null) ?? this.classifiers?.[0] ?? null,
  );
  readonly second = $derived.by(() => (this.#at.c2 === null ? null : (this.classifiers?.find((it) => it.id === this.#at.c2) ?? null)));
  readonly sides = $derived.by((): Side[] =>
    ([[this.first, 't'], [this.second, 't2']] as const).flatMap(([classifier, which]) => (classifier ? [this.#side(classifier, which)] : [])),
  );

  /** The classifiers, by key. */
  get ids(): number[] {
    return this.sides.map((side) => side.classifier.id);
  }

  async read() {
    try {
      const answer = await call('GET /classifiers');
      const before = this.classifiers;
      this.classifiers = answer.rows;
      this.budget = answer.budget;
      this.failed = '';
      for (const { id, calibration } of answer.rows) {
        // What is known of its thresholds changes with its calibration only.
        if (before && this.#operating[id] && before.find((it) => it.id === id)?.calibration?.id !== calibration?.id) {
          void this.#readOperating(id);
        }
      }
    } catch (error) {
      this.failed = wordsOf(error);
    }
  }

  /** The slider moves at once; the address follows when it rests. */
  move(which: Which, threshold: number | null) {
    this.own[which] = threshold;
    clearTimeout(this.#writing);
    this.#writing = setTimeout(() => this.write(), rests);
  }

  /** Writes the thresholds into the address. */
  write() {
    clearTimeout(this.#writing);
    this.#writing = undefined;
    this.#at.$set({ t: this.own.t, t2: this.own.t2 });
  }

  /** What each filter says of a candidate. */
  rulings(candidate: Candidate) {
    return this.sides.map((side) => ({
      letter: side.letter,
      ruling: ruling(candidate, side.classifier.id, side.threshold),
      threshold: side.threshold,
      from: side.from,
      to: side.to,
      answers: side.answer.kind === 'answer' && side.answer.draw === candidate.draw,
    }));
  }

  /** A filter's name, and what it does with all that is drawn. */
  standing(side: Side): { name: string; does: string } {
    const drawn = this.#drawn();
    const accepted = drawn.filter((it) => ruling(it, side.classifier.id, side.threshold).verdict === 'accept').length;
    return { name: side.letter ? `Filter ${side.letter}` : 'The filter', does: `accepts ${accepted} of ${drawn.length} and ${this.#answerWords(side)}.` };
  }

  #answerWords({ answer }: Side): string {
    if (answer.kind === 'answer') {
      return `would answer with draw ${answer.draw + 1}`;
    }
    if (answer.kind === 'abstains') {
      return `would abstain: all ${this.budget} draws of its budget are rejected`;
    }
    return `has no answer yet${this.budget === null ? '' : `: ${answer.rejected} of ${this.budget} draws rejected`}`;
  }

  #side(classifier: Classifier, which: Which): Side {
    const points = this.#operating[classifier.id] ?? null;
    const threshold = this.own[which] ?? classifier.threshold;
    const drawn = this.#drawn();
    const scores = drawn.map((it) => it.scores[classifier.id]?.score);
    return {
      letter: this.second ? (which === 't' ? 'A' : 'B') : '',
      which,
      classifier,
      threshold,
      operating: points,
      ...axisOf([...(points?.points ?? []).map((it) => it.threshold), classifier.threshold, ...scores]),
      answer: answerOf(drawn, classifier.id, threshold, this.budget),
    };
  }

  async #readOperating(id: number) {
    try {
      const answer = await call('GET /classifiers/{id}/operating-points', { path: { id } });
      this.#operating = { ...this.#operating, [id]: answer };
    } catch (error) {
      this.unknown = { ...this.unknown, [id]: wordsOf(error) };
    }
  }
}
