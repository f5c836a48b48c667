import type { Guide } from './types';

/**
 * The question that a guide asks of every snippet: its first bold question, `**does the completion …?**`. A guide
 * without one is named instead.
 */
export function questionOf(guide: Pick<Guide, 'text' | 'name'> | null): string {
  const bold = guide?.text.match(/\*\*([^*]{3,300}\?)\*\*/)?.[1]?.replace(/\s+/g, ' ').trim();
  if (bold && !/\.{3}|…/.test(bold)) {
    return bold[0]?.toUpperCase() + bold.slice(1);
  }
  return guide ? `Is the marked text a case of “${guide.name}”, as the guide defines it?` : 'Is the marked text what the guide describes?';
}
