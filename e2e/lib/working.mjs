// What the working pages (Label, Compare) show, read as a labeller reads it.

/** What the page says of answers: how many are on the disk, on their way, waiting for the server. */
export const counted = async (page) => {
  const text = await page.getByText(/saved \d+/).first().innerText();
  const number = (word) => Number(new RegExp(`${word} (\\d+)`).exec(text)?.[1] ?? 0);
  return { saved: number('saved'), saving: number('saving'), offline: number('offline') };
};

/** The text that the page shows to be judged, empty while there is none. The question below it comes with the guide, later. */
export const shown = async (page) => {
  const item = page.getByRole('region', { name: 'Item' }).locator('.item');
  if (!(await item.count())) return '';
  const text = await item
    .first()
    .evaluate((found) => [...found.children].filter((part) => !part.classList.contains('unseen')).map((part) => part.innerText).join('\n'))
    .catch(() => '');
  return text.trim();
};
