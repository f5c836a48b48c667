// The keys of the menu, wherever the focus is: in the text or in the list.

import type { Substitute } from '../../lib/types';
import type { Substitutes } from './substitutes.svelte';

/** What the keys do. */
export interface Does {
  undo: () => void;
  redo: () => void;
  apply: (row: Substitute) => void;
  /** To the next place or the one before. */
  step: (by: 1 | -1) => void;
}

/** Does what a key means; one that means nothing here is left alone. */
export function pressed(event: KeyboardEvent, menu: Substitutes, does: Does) {
  if (event.isComposing) {
    return;
  }
  const act = meant(event, menu, does);
  if (act) {
    event.preventDefault();
    act();
  }
}

function meant(event: KeyboardEvent, menu: Substitutes, does: Does): (() => void) | null {
  const letter = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && !event.altKey && (letter === 'z' || letter === 'y')) {
    return letter === 'y' || event.shiftKey ? does.redo : does.undo;
  }
  if (!menu.site || event.ctrlKey || event.metaKey || event.altKey) {
    return null;
  }
  // A key that is held applies one row, not one after another.
  const apply = (row: Substitute) => () => (event.repeat ? undefined : does.apply(row));
  switch (event.key) {
    case 'ArrowDown':
      return () => menu.walk(1);
    case 'ArrowUp':
      return () => menu.walk(-1);
    case 'ArrowLeft':
      return event.shiftKey ? null : () => does.step(-1);
    case 'ArrowRight':
      return event.shiftKey ? null : () => does.step(1);
    case 'Enter':
      return event.shiftKey ? null : menu.row ? apply(menu.row) : () => menu.walk(1);
    case 'Escape':
      return () => menu.close();
    default: {
      const nth = /^[1-9]$/.test(event.key) ? menu.rows[Number(event.key) - 1] : undefined;
      return nth ? apply(nth) : null;
    }
  }
}
