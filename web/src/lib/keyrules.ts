/** What of a keyboard event decides whether a page's key may hear it. */
export interface Pressed {
  key: string;
  repeat: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing: boolean;
  target: unknown;
}

const notText = new Set(['button', 'checkbox', 'radio', 'range', 'submit', 'reset', 'color', 'file', 'image']);
const arrows = new Set(['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown']);

/** Whether a page's key may act on this event, or the focused element needs it itself. */
export function acceptsKey(event: Pressed, rule: { repeat?: boolean; inFields?: boolean }): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || (event.repeat && !rule.repeat)) {
    return false;
  }
  const target = event.target as Partial<HTMLElement & HTMLInputElement> | null;
  const tag = target?.tagName?.toLowerCase();
  const type = target?.type?.toLowerCase();
  const inText =
    target?.isContentEditable === true ||
    tag === 'textarea' ||
    tag === 'select' ||
    (tag === 'input' && !notText.has(type ?? 'text'));
  if (inText) {
    return rule.inFields === true;
  }
  if (event.key === ' ' || event.key === 'Enter') {
    return tag !== 'button' && tag !== 'a' && tag !== 'summary' && tag !== 'input';
  }
  if (arrows.has(event.key)) {
    return !(tag === 'input' && (type === 'range' || type === 'radio'));
  }
  return true;
}
