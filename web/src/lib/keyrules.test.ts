import { expect, it } from 'vitest';
import { acceptsKey } from './keyrules';

const press = (key: string, more: object = {}) => ({
  key,
  repeat: false,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  isComposing: false,
  target: { tagName: 'BODY' },
  ...more,
});

it('leaves text fields, modifiers and held keys alone', () => {
  expect(acceptsKey(press('1'), {})).toBe(true);
  expect(acceptsKey(press('1', { repeat: true }), {})).toBe(false);
  expect(acceptsKey(press('ArrowDown', { repeat: true }), { repeat: true })).toBe(true);
  expect(acceptsKey(press('1', { ctrlKey: true }), {})).toBe(false);
  expect(acceptsKey(press('1', { target: { tagName: 'INPUT', type: 'text' } }), {})).toBe(false);
  expect(acceptsKey(press('1', { target: { tagName: 'TEXTAREA' } }), {})).toBe(false);
  expect(acceptsKey(press('Escape', { target: { tagName: 'TEXTAREA' } }), { inFields: true })).toBe(true);
});

it('leaves a focused control the keys that work it', () => {
  expect(acceptsKey(press(' ', { target: { tagName: 'BUTTON' } }), {})).toBe(false);
  expect(acceptsKey(press('1', { target: { tagName: 'BUTTON' } }), {})).toBe(true);
  expect(acceptsKey(press('ArrowLeft', { target: { tagName: 'INPUT', type: 'range' } }), {})).toBe(false);
  expect(acceptsKey(press('1', { target: { tagName: 'INPUT', type: 'range' } }), {})).toBe(true);
});
