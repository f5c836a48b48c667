// The keys of a page: one layer over the whole document. Text fields, modifiers and held keys never fire one.

import { untrack } from 'svelte';
import { acceptsKey } from './keyrules';

export interface Key {
  /** As in KeyboardEvent.key; a single letter in lower case. */
  key: string;
  /** What it does, for the list that `?` opens. */
  does: string;
  run: () => void;
  /** How the list writes the key, where its name is long (`←` for ArrowLeft). */
  shown?: string;
  /** Whether it works now; default always. */
  when?: () => boolean;
  /** Whether a held key repeats it; never for what saves something. */
  repeat?: boolean;
  /** Whether it also works inside a text field (Escape). */
  inFields?: boolean;
  /** Not in the list: a second name of another key. */
  unlisted?: boolean;
}

interface Layer {
  keys: () => Key[];
  only: boolean;
}

// A plain array, since layers come and go inside effects; the list that is open looks at the number of changes.
const layers: Layer[] = [];
let changes = $state(0);

/** The list that `?` opens, and whether it is open. */
export const keyList = $state({ open: false });

/** What `?` lists: the keys that can be heard now. */
export function heard(): Key[] {
  void changes;
  const all: Key[] = [];
  for (const layer of [...layers].reverse()) {
    for (const key of layer.keys()) {
      if (!all.some((other) => other.key === key.key)) {
        all.push(key);
      }
    }
    if (layer.only) {
      break;
    }
  }
  return all;
}

/**
 * Registers keys until the returned function is called: `$effect(() => registerKeys(() => [...]))`.
 * Later layers are asked first; with `only`, as for an open menu, earlier ones are not asked at all.
 */
export function registerKeys(keys: () => Key[], { only = false }: { only?: boolean } = {}): () => void {
  const layer = { keys, only };
  layers.push(layer);
  untrack(() => (changes += 1));
  return () => {
    layers.splice(layers.indexOf(layer), 1);
    untrack(() => (changes += 1));
  };
}

/** Listens; the shell does this once. */
export function startKeys(): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented) {
      return;
    }
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (name === '?' && acceptsKey(event, {})) {
      event.preventDefault();
      keyList.open = !keyList.open;
      return;
    }
    if (name === 'Escape' && keyList.open) {
      event.preventDefault();
      keyList.open = false;
      return;
    }
    const key = heard().find((key) => key.key === name && acceptsKey(event, key) && (key.when?.() ?? true));
    if (key) {
      event.preventDefault();
      key.run();
    }
  };
  document.addEventListener('keydown', pressed);
  return () => document.removeEventListener('keydown', pressed);
}
