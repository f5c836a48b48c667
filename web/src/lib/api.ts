// The one way to the server. `call('POST /queues/{id}/next', { path: { id }, body })` is typed by the
// endpoint's name; errors are ProblemErrors.

import { ProblemError } from './problem';
import { session } from './session.svelte';
import type { Endpoints, Problem } from './types';

export { ProblemError, wordsOf } from './problem';

export type Endpoint = keyof Endpoints;
export type Answer<E extends Endpoint> = Endpoints[E]['answer'];
type Part<E extends Endpoint, Name extends string> = Endpoints[E] extends { [N in Name]: infer T }
  ? { [N in Name]: T }
  : Endpoints[E] extends { [N in Name]?: infer T }
    ? unknown extends T
      ? object
      : { [N in Name]?: T }
    : object;

export type Parts<E extends Endpoint> = Part<E, 'path'> & Part<E, 'query'> & Part<E, 'body'>;
export interface Options {
  signal?: AbortSignal;
  /** Lets the request outlive the page. */
  keepalive?: boolean;
  /** A 401 is an answer here, not a reason to go and sign in. */
  mayBeSignedOut?: boolean;
}

type Arguments<E extends Endpoint> = object extends Parts<E> ? [parts?: Parts<E> & Options] : [parts: Parts<E> & Options];
type Loose = Options & { patience?: AbortSignal; path?: Record<string, unknown>; query?: Record<string, unknown>; body?: unknown };

/**
 * Milliseconds after which a call counts as not answered. A connection that dies without a word would else hold up
 * whoever waits for it, for good; what saves is sent again, and saving twice changes nothing.
 */
const PATIENCE = 30_000;

/** Calls an endpoint and gives its answer. */
export async function call<E extends Endpoint>(endpoint: E, ...[parts]: Arguments<E>): Promise<Answer<E>> {
  const given = (parts ?? {}) as Loose;
  const patience = AbortSignal.timeout(PATIENCE);
  const response = await request(endpoint, { ...given, patience: given.signal ? AbortSignal.any([given.signal, patience]) : patience });
  if (response.status === 204) {
    return undefined as Answer<E>;
  }
  const text = await response.text().catch(() => {
    throw noAnswer();
  });
  if (text === '') {
    return undefined as Answer<E>;
  }
  try {
    return JSON.parse(text) as Answer<E>;
  } catch {
    throw new ProblemError({
      title: 'The answer is not JSON',
      status: 502,
      detail: `${endpoint} gave something else; is another program answering at this address?`,
    });
  }
}

/** Calls an endpoint that streams server-sent events, and gives each event's data as it comes. */
export async function* stream<E extends Endpoint>(endpoint: E, ...[parts]: Arguments<E>): AsyncGenerator<Answer<E>> {
  const response = await request(endpoint, (parts ?? {}) as Loose);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) {
    return;
  }
  let kept = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      kept += (value ?? '').replaceAll('\r\n', '\n');
      let end: number;
      while ((end = kept.indexOf('\n\n')) >= 0) {
        const data = dataOf(kept.slice(0, end));
        kept = kept.slice(end + 2);
        if (data !== '') {
          yield JSON.parse(data) as Answer<E>;
        }
      }
      if (done) {
        return;
      }
    }
  } finally {
    // A reader that stops listening makes the server stop drawing.
    await reader.cancel().catch(() => undefined);
  }
}

function dataOf(block: string): string {
  return block
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).replace(/^ /, ''))
    .join('\n');
}

/** The address of an endpoint. */
export function addressOf(endpoint: string, path: Record<string, unknown> = {}, query: Record<string, unknown> = {}): string {
  const place = endpoint.slice(endpoint.indexOf(' ') + 1);
  const filled = place.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(path[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') {
      search.set(name, String(value));
    }
  }
  const asked = search.toString();
  return `/api${filled}${asked ? `?${asked}` : ''}`;
}

async function request(endpoint: string, parts: Loose): Promise<Response> {
  // Another call may find out first that the cookie is somebody else's, and change it before this one does.
  const asked = session.current?.account.id;
  try {
    return await attempt(endpoint, parts);
  } catch (error) {
    if (!(error instanceof ProblemError) || !error.type.endsWith('/problems/csrf')) {
      throw error;
    }
  }
  await followCookie(asked);
  return attempt(endpoint, parts);
}

/**
 * Another tab has signed in since: the cookie is of its session. The same account goes on; another account's cookie
 * must not carry what this one meant to say.
 */
async function followCookie(before: number | undefined) {
  const now = await call('GET /session');
  session.start(now);
  if (now.account.id !== before) {
    throw new ProblemError({
      title: 'Signed in as somebody else',
      status: 401,
      detail: `This browser is now signed in as ${now.account.name}. Nothing was sent in that name.`,
    });
  }
}

async function attempt(endpoint: string, parts: Loose): Promise<Response> {
  const method = endpoint.slice(0, endpoint.indexOf(' '));
  const headers: Record<string, string> = { accept: 'application/json, application/problem+json, text/event-stream' };
  if (method !== 'GET') {
    if (parts.body !== undefined) {
      headers['content-type'] = 'application/json';
    }
    if (session.current) {
      headers['x-csrf-token'] = session.current.csrf;
    }
  }
  let response: Response;
  try {
    response = await fetch(addressOf(endpoint, parts.path, parts.query), {
      method,
      headers,
      body: parts.body === undefined ? undefined : JSON.stringify(parts.body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal: parts.patience ?? parts.signal,
      keepalive: parts.keepalive,
    });
  } catch (error) {
    if (parts.signal?.aborted) {
      throw error;
    }
    throw noAnswer();
  }
  if (response.ok) {
    return response;
  }
  const problem = await problemOf(response);
  // A wrong password is no end of the session.
  if (problem.status === 401 && !parts.mayBeSignedOut && !problem.type.endsWith('/problems/credentials')) {
    session.lost();
  }
  throw problem;
}

function noAnswer(): ProblemError {
  return new ProblemError({
    title: 'The server does not answer',
    status: 0,
    detail: 'Check the connection, and whether the server is running.',
  });
}

async function problemOf(response: Response): Promise<ProblemError> {
  const wait = Number(response.headers.get('retry-after'));
  const after = Number.isFinite(wait) && wait > 0 ? { retry_after_seconds: wait } : {};
  const text = await response.text().catch(() => '');
  try {
    const problem = JSON.parse(text) as Partial<Problem> | null;
    if (problem && typeof problem.title === 'string') {
      return new ProblemError({ ...after, ...problem, title: problem.title, status: response.status });
    }
  } catch {
    // Not the server's own words: a proxy in between, say.
  }
  return new ProblemError({ ...after, title: response.statusText || `Status ${response.status}`, status: response.status });
}
