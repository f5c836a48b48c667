import type { QueueKind, Role } from './types';

export const severityWords: Record<number, string> = { 1: 'arguable', 2: 'clear', 3: 'egregious' };

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
