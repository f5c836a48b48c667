// How saliency is drawn. What pushes the score up goes towards reject and has its colour with a solid line, what
// pushes it down towards accept with a dotted one; a norm has no direction and is grey.

import type { SaliencyMethod, SalientPiece, WordPiece } from '../../lib/types';

export const methods: { value: SaliencyMethod; label: string; says: string; isSigned: boolean; isHint: boolean }[] = [
  { value: 'leave_one_out', label: 'leave one out', says: 'How far the score falls when the piece is left out.', isSigned: true, isHint: false },
  {
    value: 'gradient_x_input',
    label: 'gradient × input',
    says: 'How much a piece adds to the score, as far as a straight line tells: only a hint, which can have the wrong sign.',
    isSigned: true,
    isHint: true,
  },
  { value: 'gradient_norm', label: 'gradient norm', says: 'How strongly the score hangs on a piece, in whichever direction: only a hint.', isSigned: false, isHint: true },
];

export interface Shaded extends WordPiece {
  /** Between −1 and 1, of the strongest piece; null: not known. */
  shade: number | null;
  value: number | null;
}

/** The pieces with their shades, over both parts together. */
export function shaded(tokens: readonly SalientPiece[]): Shaded[] {
  const most = Math.max(1e-12, ...tokens.map(({ value }) => Math.abs(value)));
  return tokens.map((token) => ({ ...token, shade: token.value / most }));
}

/** The pieces that count most, strongest first. */
export function strongest(tokens: readonly SalientPiece[], n = 5): SalientPiece[] {
  return [...tokens]
    .filter(({ text, value }) => text.trim() !== '' && value !== 0)
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value))
    .slice(0, n);
}
