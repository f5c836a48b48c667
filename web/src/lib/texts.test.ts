import { expect, it } from 'vitest';
import { LONGEST_TEXT, tooLong } from './texts';

it('counts bytes, and says that nothing was cut', () => {
  expect(tooLong('a'.repeat(LONGEST_TEXT))).toBeNull();
  expect(tooLong('ä'.repeat(LONGEST_TEXT / 2))).toBeNull();
  expect(tooLong('ä'.repeat(LONGEST_TEXT / 2 + 1))).toBe('It has 32,770 bytes, and a text has at most 32,768. Nothing was cut: shorten it.');
});
