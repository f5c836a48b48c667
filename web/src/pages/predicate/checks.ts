import type { Check } from '../../lib/types';

export const purposeWords: Record<Check['purpose'], string> = {
  gold: 'gold',
  practice: 'practice',
  qualification: 'qualification',
};

/** How a labeller's answers are held against an item of this kind. */
export const purposeHints: Record<Check['purpose'], string> = {
  gold: 'Hidden among the work and never counted as labels: they measure accuracy.',
  practice: 'Before the test, with the right answer and its reason after each.',
  qualification: 'The test before the first real item; at least 80 % must be right.',
};
