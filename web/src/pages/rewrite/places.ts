// Places in a text. The text shown is the text scored: every edit is an edit of the string, and word-pieces are never
// joined with spaces. Places count UTF-16 code units, as `slice` does.

import type { TextPart, WordPiece } from '../../lib/types';

export interface Text {
  prompt: string;
  completion: string;
}

/** Where a substitute would come: a word, or an empty stretch for an insertion. */
export interface Site {
  part: TextPart;
  start: number;
  end: number;
}

/** The text as a text area has it: with one kind of line end. */
export const inArea = (text: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text);

/** A place of the text, in the text area. */
export const toArea = (text: string, at: number): number => inArea(text.slice(0, at)).length;

/** A place of the text area, in the text. */
export function fromArea(text: string, at: number): number {
  if (!text.includes('\r')) {
    return at;
  }
  let place = 0;
  for (let seen = 0; seen < at && place < text.length; seen += 1) {
    place += text.startsWith('\r\n', place) ? 2 : 1;
  }
  return place;
}

/** The text after what was typed in its text area: line ends that were not touched stay as they are. */
export function typedOver(text: string, area: string): string {
  if (!text.includes('\r')) {
    return area;
  }
  const before = inArea(text);
  const { head, tail } = ends(before, area);
  return text.slice(0, fromArea(text, head)) + area.slice(head, area.length - tail) + text.slice(fromArea(text, before.length - tail));
}

/** How much two texts share at their beginnings and at their ends. */
function ends(before: string, after: string): { head: number; tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) {
    head += 1;
  }
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) {
    tail += 1;
  }
  return { head, tail };
}

const wordlike = /^[\p{L}\p{N}\p{M}_]$/u;
const joins = /^['’-]$/;

/** Whether a place lies between the halves of one character. */
export function halves(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  const after = text.charCodeAt(at);
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff;
}

/** The text with something else at a place. */
export function splice(text: Text, { part, start, end }: Site, by: string): Text {
  return { ...text, [part]: text[part].slice(0, start) + by + text[part].slice(end) };
}

/** The words and marks of a text, in order: what one click takes. White space is not among them. */
export function wordsIn(text: string): { start: number; end: number }[] {
  const words: { start: number; end: number }[] = [];
  const characters = [...text];
  let at = 0;
  let open = false;
  characters.forEach((character, i) => {
    const start = at;
    at += character.length;
    const next = characters[i + 1];
    const inside = open && joins.test(character) && next !== undefined && wordlike.test(next);
    if (wordlike.test(character) || inside) {
      const last = words.at(-1);
      if (open && last) {
        last.end = at;
      } else {
        words.push({ start, end: at });
      }
      open = true;
    } else {
      open = false;
      if (character.trim() !== '') {
        words.push({ start, end: at });
      }
    }
  });
  return words;
}

/** The word that a piece of it belongs to. */
export function wordOf(text: string, place: { start: number; end: number }): { start: number; end: number } | null {
  return wordsIn(text).find((word) => word.start < place.end && place.start < word.end) ?? null;
}

/**
 * What the caret stands at: the word around it or right after it, else the word right before it; between white space,
 * at the end of a line or on a gap asked for, an empty place behind the word before.
 */
export function siteAt(part: TextPart, text: string, caret: number, gap = false): Site {
  const words = wordsIn(text);
  const inside = words.find((word) => word.start < caret && caret < word.end);
  if (inside && !gap) {
    return { part, ...inside };
  }
  const after = words.find((word) => word.start === caret);
  const before = words.findLast((word) => word.end === caret);
  const word = after ?? before;
  if (word && !gap) {
    return { part, ...word };
  }
  if (inside) {
    return { part, start: inside.end, end: inside.end };
  }
  return gapAt(part, text, caret);
}

/** The empty place behind the last word before the caret: what comes there brings its own white space. */
export function gapAt(part: TextPart, text: string, caret: number): Site {
  const last = wordsIn(text).findLast((word) => word.end <= caret);
  const at = last ? last.end : 0;
  return { part, start: at, end: at };
}

/** The next or the one before of all places of a text: words and the gaps between them. */
export function stepSite(text: string, { part, start, end }: Site, by: 1 | -1): Site | null {
  const words = wordsIn(text);
  const gaps = [0, ...words.map((word) => word.end)].map((at) => ({ start: at, end: at }));
  const all = [...words, ...gaps].sort((a, b) => a.start - b.start || a.end - b.end);
  const at = all.findIndex((place) => place.start === start && place.end === end);
  const next = at < 0 ? undefined : all[at + by];
  return next ? { part, ...next } : null;
}

/**
 * Pieces of an earlier text as far as they still stand in this one: those before and after what changed. What the
 * model reads at the change is not known until it has been asked.
 */
export function carried<T extends WordPiece>(pieces: readonly T[], part: TextPart, before: string, after: string): T[] {
  const own = pieces.filter((piece) => piece.part === part);
  if (before === after) {
    return own;
  }
  const { head, tail } = ends(before, after);
  const moved = after.length - before.length;
  return own.flatMap((piece) => {
    if (piece.end <= head) {
      return [piece];
    }
    return piece.start >= before.length - tail ? [{ ...piece, start: piece.start + moved, end: piece.end + moved }] : [];
  });
}

/** A stretch of a text as it is drawn: a piece, or what lies between pieces. */
export interface Stretch<T> {
  text: string;
  start: number;
  piece: T | null;
}

/** Cuts a text at the pieces; put together again it is the text itself, whatever the pieces say. */
export function stretches<T extends { start: number; end: number }>(text: string, pieces: readonly T[]): Stretch<T>[] {
  const found: Stretch<T>[] = [];
  let at = 0;
  for (const piece of [...pieces].sort((a, b) => a.start - b.start)) {
    if (piece.start < at || piece.end > text.length || piece.end <= piece.start || halves(text, piece.start) || halves(text, piece.end)) {
      continue;
    }
    if (piece.start > at) {
      found.push({ text: text.slice(at, piece.start), start: at, piece: null });
    }
    found.push({ text: text.slice(piece.start, piece.end), start: piece.start, piece });
    at = piece.end;
  }
  if (at < text.length) {
    found.push({ text: text.slice(at), start: at, piece: null });
  }
  return found;
}
