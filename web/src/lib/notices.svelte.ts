import { wordsOf } from './problem';

export interface Notice {
  id: number;
  kind: 'said' | 'failed';
  text: string;
  title?: string;
  /** Where to go on from here. */
  link?: { href: string; text: string };
}

class Notices {
  all = $state<Notice[]>([]);
  #next = 1;

  /** Says something that went well; it goes away by itself. */
  say(text: string, seconds = 5, link?: Notice['link']) {
    const id = this.#add({ kind: 'said', text, link });
    setTimeout(() => this.dismiss(id), seconds * 1000);
  }

  /** Says what failed; it stays until somebody closes it. The same words are not said twice. */
  fail(error: unknown, title?: string) {
    const text = wordsOf(error);
    if (!this.all.some((notice) => notice.kind === 'failed' && notice.text === text && notice.title === title)) {
      this.#add({ kind: 'failed', text, title });
    }
  }

  dismiss(id: number) {
    this.all = this.all.filter((notice) => notice.id !== id);
  }

  clear() {
    this.all = [];
  }

  #add(notice: Omit<Notice, 'id'>): number {
    const id = this.#next++;
    this.all = [...this.all, { ...notice, id }];
    return id;
  }
}

export const notices = new Notices();
