// One stream of events for the whole app. An event only names what to read again.

import type { EventName, LiveEvent } from './types';

/** Gets the event, or nothing where everything is to be read again. */
type Listener = (event?: LiveEvent) => void;

const listeners = new Map<EventName, Set<Listener>>();
let source: EventSource | null = null;
let wanted = false;
let wait = 1;
let timer: ReturnType<typeof setTimeout> | undefined;
let leaving: ReturnType<typeof setTimeout> | undefined;

/** Whether the stream is open; while it is not, what is shown may be old. */
export const live = $state({ connected: false });

/**
 * Calls `listener` whenever the server says that something of this name changed, and whenever the stream
 * comes back after a break, since events may have been missed. Returns how to stop:
 * `$effect(() => onEvent('labelled', refresh))`.
 */
export function onEvent(names: EventName | EventName[], listener: Listener): () => void {
  const all = Array.isArray(names) ? names : [names];
  for (const name of all) {
    let set = listeners.get(name);
    if (!set) {
      listeners.set(name, (set = new Set()));
    }
    set.add(listener);
  }
  return () => {
    for (const name of all) {
      listeners.get(name)?.delete(listener);
    }
  };
}

/** Opens the stream; the shell does this once somebody is signed in. */
export function connect() {
  wanted = true;
  document.addEventListener('visibilitychange', seen);
  // A page that the browser keeps for its Back button keeps its connection as well, unless it is told.
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', seen);
  if (document.visibilityState === 'hidden') {
    broken = true;
  } else if (!source) {
    open();
  }
}

/**
 * A page that nobody sees gives its connection back after a while: a browser has six to a host, and six open tabs
 * would leave none to save an answer by. Seen again, it reads everything anew.
 */
function seen() {
  clearTimeout(leaving);
  if (document.visibilityState === 'hidden') {
    leaving = setTimeout(leave, 3_000);
  } else if (wanted && !source) {
    clearTimeout(timer);
    wait = 1;
    open();
  }
}

function leave() {
  clearTimeout(timer);
  source?.close();
  source = null;
  live.connected = false;
  broken = true;
}

/** Closes it for good, as at sign-out. */
export function disconnect() {
  wanted = false;
  document.removeEventListener('visibilitychange', seen);
  window.removeEventListener('pagehide', leave);
  window.removeEventListener('pageshow', seen);
  clearTimeout(leaving);
  clearTimeout(timer);
  source?.close();
  source = null;
  live.connected = false;
  wait = 1;
}

let broken = false;

function open() {
  source = new EventSource('/api/events');
  source.onopen = () => {
    live.connected = true;
    wait = 1;
    if (broken) {
      broken = false;
      tellAll();
    }
  };
  source.onmessage = (message: MessageEvent<string>) => {
    try {
      const event = JSON.parse(message.data) as LiveEvent;
      if (event.event === 'missed') {
        tellAll();
      } else {
        tell(event);
      }
    } catch {
      // An event that this version of the app cannot read names nothing that it shows.
    }
  };
  // The browser's own retry gives up on some answers and hammers on others.
  source.onerror = () => {
    source?.close();
    source = null;
    live.connected = false;
    broken = true;
    clearTimeout(timer);
    if (wanted && document.visibilityState !== 'hidden') {
      timer = setTimeout(open, wait * 1000);
      wait = Math.min(wait * 2, 30);
    }
  };
}

function tell(event: LiveEvent) {
  for (const listener of [...(listeners.get(event.event) ?? [])]) {
    listener(event);
  }
}

function tellAll() {
  for (const listener of new Set([...listeners.values()].flatMap((set) => [...set]))) {
    listener();
  }
}
