import { expect, test } from 'vitest';
import type { WordPiece } from '../../lib/types';
import { carried, fromArea, gapAt, inArea, siteAt, splice, stepSite, stretches, toArea, typedOver, wordOf, wordsIn } from './places';

const words = (text: string) => wordsIn(text).map(({ start, end }) => text.slice(start, end));
const token = (start: number, end: number, text = ''): WordPiece => ({ part: 'completion', start, end, text });

test('words and marks are what a click takes, whatever the script', () => {
  expect(words('“He didn’t,” she said.  Her half-sister’s 3 swords…')).toEqual([
    '“', 'He', 'didn’t', ',', '”', 'she', 'said', '.', 'Her', 'half-sister’s', '3', 'swords', '…',
  ]);
  expect(words(' \n\t')).toEqual([]);
  expect(words("dogs' bones - done")).toEqual(['dogs', "'", 'bones', '-', 'done']);
});

test('places count UTF-16 code units, and no half of a character is a word', () => {
  const text = '😀 naïve 𝔘𝔫𝔦 e\u0301te\u0301';
  expect(words(text)).toEqual(['😀', 'naïve', '𝔘𝔫𝔦', 'e\u0301te\u0301']);
  expect(wordsIn(text)[0]).toEqual({ start: 0, end: 2 });
  expect(splice({ prompt: '', completion: text }, { part: 'completion', start: 0, end: 2 }, 'He').completion).toBe('He naïve 𝔘𝔫𝔦 e\u0301te\u0301');
});

test('an edit joins nothing and adds no space of its own', () => {
  const text = { prompt: 'One  two.', completion: ' unhappily\nso' };
  expect(splice(text, { part: 'completion', start: 10, end: 10 }, ' ever').completion).toBe(' unhappily ever\nso');
  expect(splice(text, { part: 'prompt', start: 3, end: 3 }, '').prompt).toBe('One  two.');
  expect(splice(text, { part: 'prompt', start: 5, end: 8 }, '').prompt).toBe('One  .');
});

test('the caret stands at a word, or at the gap that was asked for', () => {
  const text = 'He fell.';
  expect(siteAt('completion', text, 1)).toEqual({ part: 'completion', start: 0, end: 2 });
  expect(siteAt('completion', text, 3)).toEqual({ part: 'completion', start: 3, end: 7 });
  expect(siteAt('completion', text, 2)).toEqual({ part: 'completion', start: 0, end: 2 });
  expect(siteAt('completion', text, 7)).toEqual({ part: 'completion', start: 7, end: 8 });
  expect(siteAt('completion', text, 3, true)).toEqual({ part: 'completion', start: 2, end: 2 });
  expect(siteAt('completion', text, 1, true)).toEqual({ part: 'completion', start: 2, end: 2 });
  expect(siteAt('completion', 'a  b', 2)).toEqual({ part: 'completion', start: 1, end: 1 });
  expect(gapAt('prompt', '', 0)).toEqual({ part: 'prompt', start: 0, end: 0 });
});

test('every word and every gap can be walked to', () => {
  const text = 'He fell.';
  const seen = [];
  for (let at = gapAt('completion', text, 0) as ReturnType<typeof stepSite>; at; at = stepSite(text, at, 1)) {
    seen.push([at.start, at.end]);
  }
  expect(seen).toEqual([[0, 0], [0, 2], [2, 2], [3, 7], [7, 7], [7, 8], [8, 8]]);
});

test('a piece of a word stands for the whole word', () => {
  expect(wordOf('the gatepost fell', { start: 8, end: 12 })).toEqual({ start: 4, end: 12 });
  expect(wordOf('a  b', { start: 1, end: 3 })).toBe(null);
});

test('pieces keep their places around a change, and none is claimed inside it', () => {
  const pieces = [token(0, 2), token(3, 7), token(7, 8)];
  expect(carried(pieces, 'completion', 'He fell.', 'He really fell.')).toEqual([token(0, 2), token(10, 14), token(14, 15)]);
  expect(carried(pieces, 'completion', 'He fell.', 'He felt.')).toEqual([token(0, 2), token(7, 8)]);
  expect(carried(pieces, 'completion', 'He fell.', '')).toEqual([]);
  expect(carried(pieces, 'prompt', 'He fell.', 'He fell.')).toEqual([]);
});

test('what is drawn is the text, whatever the pieces say', () => {
  const text = '😀 he fell';
  for (const pieces of [[], [token(3, 5)], [token(0, 1), token(3, 99)], [token(3, 5), token(4, 7)], [token(5, 5)]]) {
    expect(stretches(text, pieces).map((one) => one.text).join('')).toBe(text);
  }
});

test('line ends of a text stay as they are, though its text area knows one kind', () => {
  const text = 'one\r\ntwo\rthree\n';
  expect(inArea(text)).toBe('one\ntwo\nthree\n');
  // Every place goes there and back, but for the middle of a line end of two characters.
  for (let at = 0; at <= text.length; at += 1) {
    if (!(text[at - 1] === '\r' && text[at] === '\n')) {
      expect(fromArea(text, toArea(text, at))).toBe(at);
    }
  }
  expect(typedOver(text, 'one\ntwo!\nthree\n')).toBe('one\r\ntwo!\rthree\n');
  expect(typedOver(text, 'one\nthree\n')).toBe('one\r\nthree\n');
  expect(typedOver(text, '')).toBe('');
  expect(typedOver(text, inArea(text))).toBe(text);
  expect(typedOver('a\nb', 'a\nc')).toBe('a\nc');
});
