import { expect, it } from 'vitest';
import { matchPath, returnPath } from './paths';

it('matches a pattern and gives its parameters', () => {
  expect(matchPath('/data/:snippet', '/data/12')).toEqual({ snippet: '12' });
  expect(matchPath('/invite/:token', '/invite/a%20b')).toEqual({ token: 'a b' });
  expect(matchPath('/data/:snippet', '/data')).toBeNull();
  expect(matchPath('/data/:snippet', '/data/')).toBeNull();
  expect(matchPath('/data/:snippet', '/data/%ff')).toBeNull();
});

it('returns after sign-in to this app only', () => {
  expect(returnPath('/label/3?x=1', '/')).toBe('/label/3?x=1');
  for (const elsewhere of ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '/login', null]) {
    expect(returnPath(elsewhere, '/')).toBe('/');
  }
});
