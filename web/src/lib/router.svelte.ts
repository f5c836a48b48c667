// A small history router. Links are ordinary `<a href="/data/12">`: middle click, copy and the keyboard
// work by themselves; a plain click on one is turned into a navigation without a reload.

import { matchPath } from './paths';

class Location {
  path = $state(decode(window.location.pathname));
  search = $state.raw(new URLSearchParams(window.location.search));
  hash = $state(window.location.hash);
  /** Grows with each navigation to another path: focus moves then. */
  moves = $state(0);

  get href(): string {
    const asked = this.search.toString();
    return this.path + (asked ? `?${asked}` : '') + this.hash;
  }
}

export const location = new Location();

function decode(path: string): string {
  return path.replace(/(.)\/+$/, '$1');
}

function read(moved: boolean) {
  const before = location.path;
  location.path = decode(window.location.pathname);
  location.search = new URLSearchParams(window.location.search);
  location.hash = window.location.hash;
  if (moved && before !== location.path) {
    location.moves += 1;
  }
}

/** Goes to a path of the app, with its query: `navigate('/data?label=yes')`. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}) {
  const url = new URL(to, window.location.href);
  if (url.origin !== window.location.origin) {
    return;
  }
  if (url.href === window.location.href) {
    return;
  }
  history.replaceState({ ...(history.state as object | null), scroll: window.scrollY }, '');
  const other = decode(url.pathname) !== location.path;
  history[replace ? 'replaceState' : 'pushState']({}, '', url);
  read(true);
  if (other) {
    window.scrollTo(0, 0);
  }
}

/** Starts listening to links and to the browser's own back and forward. */
export function startRouter(): () => void {
  const popped = (event: PopStateEvent) => {
    read(true);
    const state = event.state as { scroll?: number } | null;
    requestAnimationFrame(() => window.scrollTo(0, state?.scroll ?? 0));
  };
  const clicked = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
      return;
    }
    const link = (event.target as Element | null)?.closest?.('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute('download') || link.origin !== window.location.origin) {
      return;
    }
    if (link.pathname.startsWith('/api/') || (link.hash && link.pathname === window.location.pathname)) {
      return;
    }
    event.preventDefault();
    navigate(link.href);
  };
  window.addEventListener('popstate', popped);
  document.addEventListener('click', clicked);
  return () => {
    window.removeEventListener('popstate', popped);
    document.removeEventListener('click', clicked);
  };
}

export { matchPath };

// --- state in the query --------------------------------------------------------------------------

/** How one value is written in the query. A value equal to its default is left out. */
export interface Codec<T> {
  default: T;
  read(text: string): T;
  write(value: T): string;
}

export const inQuery = {
  text: (fallback = ''): Codec<string> => ({ default: fallback, read: (text) => text, write: (value) => value }),
  /** A number or nothing. */
  number: (fallback: number | null = null): Codec<number | null> => ({
    default: fallback,
    read: (text) => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : fallback),
    write: (value) => (value === null ? '' : String(value)),
  }),
  flag: (fallback = false): Codec<boolean> => ({ default: fallback, read: (text) => text === '1', write: (value) => (value ? '1' : '0') }),
  oneOf: <T extends string>(values: readonly T[], fallback: T): Codec<T> => ({
    default: fallback,
    read: (text) => values.find((value) => value === text) ?? fallback,
    write: (value) => value,
  }),
};

type Values<C> = { [K in keyof C]: C[K] extends Codec<infer T> ? T : never };

/**
 * State that lives in the address: `const q = queryState({ text: inQuery.text(), from: inQuery.number() })`.
 * Read `q.text`; write `q.text = 'sword'` (replaces the entry of the history) or `q.$set({...}, { push: true })`;
 * `q.$href({...})` is the address of a link with these changes. Other parts of the query stay.
 */
export function queryState<C extends Record<string, Codec<any>>>(
  codecs: C,
): Values<C> & {
  $set(changes: Partial<Values<C>>, options?: { push?: boolean }): void;
  $href(changes: Partial<Values<C>>): string;
} {
  const hrefWith = (changes: Record<string, unknown>) => {
    const search = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(changes)) {
      const codec = codecs[name] as Codec<unknown> | undefined;
      if (!codec) {
        continue;
      }
      if (value === undefined || value === codec.default || codec.write(value) === codec.write(codec.default)) {
        search.delete(name);
      } else {
        search.set(name, codec.write(value));
      }
    }
    const asked = search.toString();
    return location.path + (asked ? `?${asked}` : '');
  };
  const state: Record<string, unknown> = {};
  for (const name of Object.keys(codecs)) {
    const codec = codecs[name] as Codec<unknown>;
    Object.defineProperty(state, name, {
      enumerable: true,
      get: () => {
        const text = location.search.get(name);
        return text === null ? codec.default : codec.read(text);
      },
      set: (value: unknown) => navigate(hrefWith({ [name]: value }), { replace: true }),
    });
  }
  Object.defineProperty(state, '$set', {
    value: (changes: Record<string, unknown>, options?: { push?: boolean }) =>
      navigate(hrefWith(changes), { replace: !options?.push }),
  });
  Object.defineProperty(state, '$href', { value: hrefWith });
  return state as never;
}
