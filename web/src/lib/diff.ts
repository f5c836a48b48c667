// What changed between two versions of a text that people read, such as a guide: paragraph by paragraph, and
// word by word where a paragraph changed. Lines that were only wrapped anew are no change.

export type Part = { kind: 'same' | 'added' | 'removed'; text: string };

export type Block =
  | { kind: 'same'; text: string }
  | { kind: 'added'; text: string }
  | { kind: 'removed'; text: string }
  | { kind: 'changed'; parts: Part[] };

/** Splits Markdown into headings, list items and paragraphs, each on one line. */
export function blocksOf(text: string): string[] {
  const blocks: string[] = [];
  let open = false;
  for (const line of text.split(/\r?\n/)) {
    const bare = line.trim();
    if (bare === '') {
      open = false;
    } else if (open && !/^(#{1,6} |[-*+] |\d+[.)] |>|```|\|)/.test(bare)) {
      blocks[blocks.length - 1] += ` ${bare}`;
    } else {
      blocks.push(bare);
      open = !/^#{1,6} /.test(bare);
    }
  }
  return blocks;
}

/** The blocks of both texts in reading order, each the same, added, removed or changed. */
export function compare(before: string, after: string): Block[] {
  const blocks: Block[] = [];
  const removed: string[] = [];
  const added: string[] = [];
  const flush = () => {
    blocks.push(...paired(removed, added));
    removed.length = 0;
    added.length = 0;
  };
  for (const { kind, item } of edits(blocksOf(before), blocksOf(after))) {
    if (kind === 'same') {
      flush();
      blocks.push({ kind, text: item });
    } else {
      (kind === 'added' ? added : removed).push(item);
    }
  }
  flush();
  return blocks;
}

/** Pairs what went with what came in its place, where they share enough words to be one block rewritten. */
function paired(removed: readonly string[], added: readonly string[]): Block[] {
  const blocks: Block[] = [];
  let from = 0;
  for (const text of removed) {
    let best = -1;
    let most = 0.4;
    for (let i = from; i < added.length; i++) {
      const alike = likeness(text, added[i]!);
      if (alike > most) {
        most = alike;
        best = i;
      }
    }
    if (best < 0) {
      blocks.push({ kind: 'removed', text });
      continue;
    }
    for (const text of added.slice(from, best)) {
      blocks.push({ kind: 'added', text });
    }
    blocks.push({ kind: 'changed', parts: words(text, added[best]!) });
    from = best + 1;
  }
  for (const text of added.slice(from)) {
    blocks.push({ kind: 'added', text });
  }
  return blocks;
}

const split = (text: string) => text.match(/\s+|[\p{L}\p{N}_'’]+|[^\s\p{L}\p{N}_'’]/gu) ?? [];

/** Which words of a block changed; neighbours of one kind are joined. */
export function words(before: string, after: string): Part[] {
  const parts: Part[] = [];
  for (const { kind, item } of edits(split(before), split(after))) {
    const last = parts.at(-1);
    if (last?.kind === kind) {
      last.text += item;
    } else {
      parts.push({ kind, text: item });
    }
  }
  return smooth(parts);
}

/** A lone space between two changes reads better as part of them. */
function smooth(parts: Part[]): Part[] {
  let removed = '';
  let added = '';
  const out: Part[] = [];
  const flush = () => {
    if (removed) {
      out.push({ kind: 'removed', text: removed });
    }
    if (added) {
      out.push({ kind: 'added', text: added });
    }
    removed = added = '';
  };
  parts.forEach((part, i) => {
    if (part.kind === 'removed') {
      removed += part.text;
    } else if (part.kind === 'added') {
      added += part.text;
    } else if (part.text.trim() === '' && i > 0 && i < parts.length - 1) {
      removed += part.text;
      added += part.text;
    } else {
      flush();
      out.push({ ...part });
    }
  });
  flush();
  return out;
}

/** The share of words that two blocks have in common, between 0 and 1. */
function likeness(a: string, b: string): number {
  const left = split(a).filter((word) => word.trim());
  const right = split(b).filter((word) => word.trim());
  const same = edits(left, right).filter(({ kind }) => kind === 'same').length;
  return left.length + right.length === 0 ? 1 : (2 * same) / (left.length + right.length);
}

interface Edit {
  kind: 'same' | 'added' | 'removed';
  item: string;
}

/** The longest common subsequence, as edits; what went comes before what came. */
function edits(before: readonly string[], after: readonly string[]): Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) {
    start += 1;
  }
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) {
    end += 1;
  }
  const a = before.slice(start, before.length - end);
  const b = after.slice(start, after.length - end);
  const same = (item: string): Edit => ({ kind: 'same', item });
  const middle: Edit[] = [];
  // A table of both lengths; two texts that share nothing of many thousand parts are shown as replaced.
  if (a.length * b.length > 4_000_000) {
    middle.push(...a.map((item): Edit => ({ kind: 'removed', item })), ...b.map((item): Edit => ({ kind: 'added', item })));
  } else {
    const width = b.length + 1;
    const common = new Uint32Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i--) {
      for (let j = b.length - 1; j >= 0; j--) {
        common[i * width + j] =
          a[i] === b[j] ? common[(i + 1) * width + j + 1]! + 1 : Math.max(common[(i + 1) * width + j]!, common[i * width + j + 1]!);
      }
    }
    let i = 0;
    let j = 0;
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) {
        middle.push(same(a[i]!));
        i += 1;
        j += 1;
      } else if (i < a.length && (j >= b.length || common[(i + 1) * width + j]! >= common[i * width + j + 1]!)) {
        middle.push({ kind: 'removed', item: a[i]! });
        i += 1;
      } else {
        middle.push({ kind: 'added', item: b[j]! });
        j += 1;
      }
    }
  }
  return [...before.slice(0, start).map(same), ...middle, ...before.slice(before.length - end).map(same)];
}
