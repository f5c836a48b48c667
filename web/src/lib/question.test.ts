import { expect, it } from 'vitest';
import { questionOf } from './question';

it('asks what the guide asks', () => {
  const text = '# Guide\n\nThe question for every snippet: **does the completion introduce an injury,\nor make one worse?**\n';
  expect(questionOf({ text, name: 'injury' })).toBe('Does the completion introduce an injury, or make one worse?');
});

it('names the predicate where the guide has no question yet', () => {
  expect(questionOf({ text: '**does the completion ...?**', name: 'the catastrophe' })).toContain('“the catastrophe”');
  expect(questionOf(null)).toContain('guide');
});
