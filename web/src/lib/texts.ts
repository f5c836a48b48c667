// How long a prompt or a completion may be.

/** What the server takes of each, in bytes of UTF-8. */
export const LONGEST_TEXT = 32_768;

/** Why a text is too long; null where it is not. */
export function tooLong(text: string): string | null {
  const bytes = new TextEncoder().encode(text).length;
  return bytes > LONGEST_TEXT ? `It has ${bytes.toLocaleString('en-GB')} bytes, and a text has at most ${LONGEST_TEXT.toLocaleString('en-GB')}. Nothing was cut: shorten it.` : null;
}
