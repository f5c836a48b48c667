import { describe, expect, it } from 'vitest';
import { blocksOf, compare, words } from './diff';

const guide = `# Guide

The question: was
anybody hurt?

- A bruise counts.
- A threat does not.
`;

describe('compare', () => {
  it('finds nothing in a text that was only wrapped anew', () => {
    const wrapped = guide.replace('was\nanybody', 'was anybody').replace(/\n/g, '\r\n');
    expect(compare(guide, wrapped).every((block) => block.kind === 'same')).toBe(true);
  });

  it('says which words of a line changed', () => {
    const blocks = compare(guide, guide.replace('A bruise counts', 'A bruise that shows counts'));
    expect(blocks.filter((block) => block.kind !== 'same')).toEqual([
      {
        kind: 'changed',
        parts: [
          { kind: 'same', text: '- A bruise ' },
          { kind: 'added', text: 'that shows ' },
          { kind: 'same', text: 'counts.' },
        ],
      },
    ]);
  });

  it('gives lines that came and went as wholes, in their place', () => {
    const blocks = compare(guide, guide.replace('- A threat does not.', '- Zombies feel nothing at all.'));
    expect(blocks.map(({ kind }) => kind)).toEqual(['same', 'same', 'same', 'removed', 'added']);
  });

  it('gives back both texts from its blocks', () => {
    const after = '# Guide of harm\n\nNew words first.\n\n- A bruise counts twice.\n- A threat does not.\n- Nor a dream.\n';
    const side = (kind: 'added' | 'removed') =>
      compare(guide, after).flatMap((block) => {
        if (block.kind === 'changed') {
          return [
            block.parts
              .filter((part) => part.kind === 'same' || part.kind === kind)
              .map((part) => part.text)
              .join(''),
          ];
        }
        return block.kind === 'same' || block.kind === kind ? [block.text] : [];
      });
    expect(side('removed')).toEqual(blocksOf(guide));
    expect(side('added')).toEqual(blocksOf(after));
  });

  it('takes empty texts', () => {
    expect(compare('', '')).toEqual([]);
    expect(compare('', 'One.')).toEqual([{ kind: 'added', text: 'One.' }]);
  });
});

describe('words', () => {
  it('joins replaced neighbours instead of striking word by word', () => {
    expect(words('the red house stands', 'the tall blue house stands')).toEqual([
      { kind: 'same', text: 'the ' },
      { kind: 'removed', text: 'red' },
      { kind: 'added', text: 'tall blue' },
      { kind: 'same', text: ' house stands' },
    ]);
  });
});
