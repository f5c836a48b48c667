import type { Queue } from '../../lib/types';

/** Whether a queue's items are pairs. (The kind `compare` compares two filters, snippet by snippet.) */
export function comparesPairs({ kind }: Pick<Queue, 'kind'>): boolean {
  return kind === 'quality';
}

/** The page on which a queue is worked. */
export function placeOf(queue: Pick<Queue, 'id' | 'kind'>): string {
  return `${comparesPairs(queue) ? '/compare' : '/label'}/${queue.id}`;
}
