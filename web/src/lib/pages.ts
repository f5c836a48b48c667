import type { Rows } from './types';

/** So many pages are read at most: beyond them a list is no longer one that a person looks through whole. */
const most = 40;

/** Reads a list to its end, page by page: for lists that are sorted and searched here. */
export async function wholeList<Row>(ask: (page: { after?: number; limit: number }) => Promise<Rows<Row>>): Promise<Row[]> {
  const rows: Row[] = [];
  let after: number | undefined;
  for (let page = 0; page < most; page += 1) {
    const answer = await ask({ limit: 500, ...(after === undefined ? {} : { after }) });
    rows.push(...answer.rows);
    if (answer.next === null || answer.next === undefined) {
      break;
    }
    after = answer.next;
  }
  return rows;
}
