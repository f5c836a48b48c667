import { expect, it } from 'vitest';
import { wholeList } from './pages';

it('follows a list to its end', async () => {
  const asked: unknown[] = [];
  const rows = await wholeList((page) => {
    asked.push(page);
    const from = page.after ?? 0;
    return Promise.resolve({ rows: [from + 1, from + 2], next: from < 4 ? from + 2 : null });
  });
  expect(rows).toEqual([1, 2, 3, 4, 5, 6]);
  expect(asked).toEqual([{ limit: 500 }, { limit: 500, after: 2 }, { limit: 500, after: 4 }]);
});
