// Names for what pages pass around. What endpoints take and give is generated from the server's document
// (`endpoints.ts`); a name that stops fitting it fails `npm run check`.

import type { Generated } from './endpoints';

export type * from './types/common';
export type * from './types/accounts';
export type * from './types/labelling';
export type * from './types/runs';
export type * from './types/scoring';
export type * from './types/data';
export type * from './types/rewriting';

/** Every endpoint, as `METHOD /path` below /api: what a call sends, and what comes back (void for 204). */
export type Endpoints = Generated;

/** `nines_server::Event`: what changed, to be read again. */
export type LiveEvent =
  | { event: 'labelled' | 'queues' | 'reliability' | 'guide' | 'attacks' | 'missed' }
  | { event: 'run'; run: number | null; job: number | null };
export type EventName = LiveEvent['event'];
