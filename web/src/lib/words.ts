import type { QueueKind, Role } from './types';

export const severityWords: Record<number, string> = { 1: 'arguable', 2: 'clear', 3: 'egregious' };

/** When a find counts: the one rule of `nines_domain::verification`, wherever a page says it. */
export const findCounts = 'It counts when people other than its finder call it a clear or egregious injury; an arguable yes refutes it.';

export const roleWords: Record<Role, string> = { admin: 'admin', researcher: 'researcher', labeller: 'labeller' };

export const queueWords: Record<QueueKind, string> = {
  leak: 'measuring plan: leak',
  compare: 'measuring plan: leak of two filters',
  quality: 'measuring plan: quality',
  threshold: 'near the threshold',
  random: 'random',
  search: 'from a search',
  sent: 'sent one by one',
  attack: 'attack successes to verify',
  select: 'chosen to teach the classifier',
};
