import { call } from './api';
import { questionOf } from './question';
import type { Guide } from './types';

/** The labelling guide, read once and again when it changes. */
class GuideState {
  current = $state.raw<Guide | null>(null);
  failure = $state.raw<unknown>(null);

  async read() {
    try {
      this.current = await call('GET /guide');
      this.failure = null;
    } catch (error) {
      this.failure = error;
    }
  }

  /** What is asked of every snippet. */
  get question(): string {
    return questionOf(this.current);
  }
}

export const guide = new GuideState();
