// Every endpoint of the generated document, as `METHOD /path` below /api, with what a call sends and gets.

import type { paths } from './schema';
import type { Severity } from './types';

type Methods = { get: 'GET'; post: 'POST'; put: 'PUT'; patch: 'PATCH'; delete: 'DELETE' };
type Below<P> = P extends `/api${infer Rest}` ? Rest : never;
type NameOf<P extends keyof paths> = {
  [M in keyof Methods]: paths[P] extends { [K in M]: object } ? `${Methods[M]} ${Below<P>}` : never;
}[keyof Methods];
export type GeneratedName = { [P in keyof paths]: NameOf<P> }[keyof paths];

type OperationOf<E> = E extends `${infer M} ${infer Rest}`
  ? `/api${Rest}` extends infer P extends keyof paths
    ? Lowercase<M> extends infer L extends keyof paths[P]
      ? paths[P][L]
      : never
    : never
  : never;

/** Nothing where an operation has none of it, so that a call cannot send what is not taken. */
type PathOf<O> = O extends { parameters: { path: infer T } } ? ([T] extends [undefined] ? object : { path: T }) : object;
type QueryOf<O> = O extends { parameters: { query?: infer T } }
  ? [T] extends [undefined]
    ? object
    : object extends T
      ? { query?: T }
      : { query: T }
  : object;
type BodyOf<O> = O extends { requestBody: { content: { 'application/json': infer T } } } ? { body: Given<T> } : object;
/** What may be null in a request may be left out. */
type Given<T> = T extends readonly (infer U)[]
  ? Given<U>[]
  : T extends object
    ? { [K in keyof T as null extends T[K] ? never : K]: Given<T[K]> } & { [K in keyof T as null extends T[K] ? K : never]?: Given<T[K]> }
    : T;
type Good = 200 | 201 | 202;
type AnswerOf<O> = O extends { responses: infer R }
  ? {
      [S in keyof R & Good]: R[S] extends { content: { 'application/json': infer T } }
        ? T
        : R[S] extends { content: { 'text/event-stream': infer T } }
          ? T
          : void;
    }[keyof R & Good] extends infer T
    ? [T] extends [never]
      ? void
      : T
    : never
  : void;

/** The server writes null where it has nothing; the document says of such a field only that it may be missing. */
type Whole<T> = T extends object
  ? // The document knows a severity as a number from 1 to 3.
    { [K in keyof T]-?: K extends 'severity' ? Severity | null : Whole<Exclude<T[K], undefined>> }
  : T;

/** What the server's document says of each endpoint. */
export type Generated = {
  [E in GeneratedName]: PathOf<OperationOf<E>> & QueryOf<OperationOf<E>> & BodyOf<OperationOf<E>> & { answer: Whole<AnswerOf<OperationOf<E>>> };
};
