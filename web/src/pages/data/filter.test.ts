import { describe, expect, it, vi } from 'vitest';

vi.stubGlobal('window', { location: { pathname: '/data', search: '', hash: '' } });
const { filterOf, nothing, wordsOfFilter } = await import('./filter');

describe('filterOf', () => {
  it('sends only what is set', () => {
    expect(filterOf(nothing)).toEqual({});
    expect(filterOf({ ...nothing, text: '  sword ', strict: 'no', from: 0 })).toEqual({ text: 'sword', strict: false, score_from: 0 });
  });
});

describe('wordsOfFilter', () => {
  it('says the search in words', () => {
    expect(wordsOfFilter({})).toBe('all snippets');
    expect(wordsOfFilter({ text: 'sword', label: 'none', score_from: -4, score_to: 0.5 })).toBe(
      '“sword”, not labelled, log odds −4.00 to 0.50',
    );
  });
});
