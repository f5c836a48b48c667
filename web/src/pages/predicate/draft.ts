import { unsaved } from '../../lib/unsaved.svelte';

interface Draft {
  version: number;
  text: string;
  note: string;
}

/** The guide that somebody is writing, kept in this browser for their account of this project. */
export function draftOf() {
  const key = `nines.guide-draft.${unsaved.owner}`;
  return {
    read(): Draft | null {
      try {
        return JSON.parse(localStorage.getItem(key) ?? 'null') as Draft | null;
      } catch {
        return null;
      }
    },
    keep(draft: Draft) {
      try {
        localStorage.setItem(key, JSON.stringify(draft));
      } catch {
        // Storage that is full or switched off loses only what a reload would lose anyway.
      }
    },
    drop() {
      try {
        localStorage.removeItem(key);
      } catch {
        // As above.
      }
    },
  };
}
