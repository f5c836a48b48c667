// What is to be drawn, as it is written: a prompt, and how to sample.

import { typedNumber } from '../../lib/numbers';
import type { Source } from './drawing.svelte';

type Written = string | number | null;

/** Servers refuse addresses beyond 64 KiB; the prompt is part of the page's. */
const longest = 60_000;

const numberOf = (value: Written) => (value === null || String(value).trim() === '' ? null : typedNumber(value));

export class Wish {
  prompt = $state('');
  seed = $state<Written>(0);
  temperature = $state<Written>('');
  topP = $state<Written>('');
  /** What is missing of the prompt. */
  missing = $state('');

  /** Writes down what something was drawn from. */
  take(source: Source) {
    this.prompt = source.prompt;
    this.seed = source.seed;
    this.temperature = source.temperature ?? '';
    this.topP = source.top_p ?? '';
  }

  /** What to draw from. */
  get source(): Source {
    return { prompt: this.prompt, seed: numberOf(this.seed) ?? 0, temperature: numberOf(this.temperature), top_p: numberOf(this.topP) };
  }

  /** What is wrong with the sampling. */
  readonly wrong = $derived.by(() => {
    const [s, t, p] = [numberOf(this.seed), numberOf(this.temperature), numberOf(this.topP)];
    if (s === null || !Number.isSafeInteger(s) || s < 0) {
      return 'The seed is a whole number, 0 or more.';
    }
    if (t !== null && !(t >= 0 && t <= 10)) {
      return 'The temperature lies between 0 and 10.';
    }
    return p !== null && !(p > 0 && p <= 1) ? 'Top-p lies above 0, up to 1.' : '';
  });

  /** The sampling in a few words, as far as it is not the usual. */
  get words(): string {
    const { seed, temperature, top_p } = this.source;
    return `${seed ? `: seed ${this.seed}` : ''}${temperature !== null ? `, temperature ${this.temperature}` : ''}${top_p !== null ? `, top-p ${this.topP}` : ''}`;
  }

  /** Whether there is a prompt that can be drawn from; says what is missing. */
  checks(): boolean {
    this.missing =
      this.prompt.trim() === ''
        ? 'Write a prompt first.'
        : encodeURIComponent(this.prompt).length > longest
          ? 'The prompt is longer than a link can carry, and than any classifier here reads. Shorten it.'
          : '';
    return this.missing === '';
  }
}
