// Which saliency is shown: the method chosen, another to compare it with, and the pieces shaded by them.

import { untrack } from 'svelte';
import type { SaliencyMethod } from '../../lib/types';
import { same } from './history';
import { carried } from './places';
import type { Rewriting, Salient } from './rewriting.svelte';
import { methods, shaded, type Shaded } from './shades';

/** A method, or none. */
export type Choice = SaliencyMethod | '';

// What an earlier version kept was its own default more often than anybody's choice.
const nameOf = (which: 'first' | 'second') => `nines.shading.${which}`;

function kept(which: 'first' | 'second', usual: Choice): Choice {
  try {
    const name = localStorage.getItem(nameOf(which));
    return name === '' || methods.some(({ value }) => value === name) ? (name as Choice) : usual;
  } catch {
    return usual;
  }
}

export const methodOf = (method: Choice) => methods.find(({ value }) => value === method) ?? null;

export class Shading {
  first = $state<Choice>(kept('first', 'leave_one_out'));
  second = $state<Choice>(kept('second', ''));
  readonly #work: Rewriting;

  /** `waits` says whether something that matters more keeps the server busy. */
  constructor(work: Rewriting, waits: () => boolean) {
    this.#work = work;
    $effect(() => {
      const chosen = { first: this.first, second: this.second };
      try {
        localStorage.setItem(nameOf('first'), chosen.first);
        localStorage.setItem(nameOf('second'), chosen.second);
      } catch {
        // Then it is chosen again next time.
      }
    });
    $effect(() => {
      if (!work.isFresh || !work.ready || waits()) {
        return;
      }
      // One at a time: each keeps the server's cores busy, and the menu must not wait for both.
      for (const method of [this.first, this.second]) {
        const there = method && work.saliency[method];
        if (method && !(there && same(there.of, work.text))) {
          untrack(() => work.want(method));
          return;
        }
      }
    });
  }

  /** The methods shown: one, two, or none. */
  get methods(): SaliencyMethod[] {
    return [...new Set([this.first, this.second])].filter((method) => method !== '');
  }

  get isSigned(): boolean {
    return methodOf(this.first)?.isSigned ?? false;
  }

  of(method: Choice): Salient | null {
    return method ? (this.#work.saliency[method] ?? null) : null;
  }

  /** The pieces as the first method shades them; without shades while none is known. */
  readonly pieces = $derived.by(() => this.#pieces(this.first));

  /** The pieces as the second method shades them, where there is one. */
  readonly besides = $derived.by(() => (this.second && this.second !== this.first ? this.#pieces(this.second) : null));

  #pieces(method: Choice): Shaded[] {
    const { live, text } = this.#work;
    const salient = this.of(method);
    const [of, pieces] =
      salient && !salient.failed ? [salient.of, shaded(salient.tokens)] : [live.of, live.tokens.map((token) => ({ ...token, shade: null, value: null }))];
    return (['prompt', 'completion'] as const).flatMap((part) => carried(pieces, part, of[part], text[part]));
  }
}
