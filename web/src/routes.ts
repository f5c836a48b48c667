// Every page of the app. A page gets the parameters of its path as properties: `/data/:snippet` → `snippet`.

import type { Component } from 'svelte';
import type { Role } from './lib/types';

// Each page declares its own parameters; here they are only passed on.
type Page = Component<any>;

export interface Route {
  path: string;
  title: string;
  /** The least role that may see it; null needs no account. */
  role: Role | null;
  load: () => Promise<{ default: Page }>;
}

export const routes: Route[] = [
  { path: '/login', title: 'Sign in', role: null, load: () => import('./pages/Login.svelte') },
  { path: '/setup/:token', title: 'First account', role: null, load: () => import('./pages/Setup.svelte') },
  { path: '/invite/:token', title: 'Invitation', role: null, load: () => import('./pages/Invite.svelte') },
  { path: '/account', title: 'Account', role: 'labeller', load: () => import('./pages/Account.svelte') },
  { path: '/label', title: 'Label', role: 'labeller', load: () => import('./pages/Queues.svelte') },
  { path: '/label/:queue', title: 'Label', role: 'labeller', load: () => import('./pages/Label.svelte') },
  { path: '/compare/:queue', title: 'Compare', role: 'labeller', load: () => import('./pages/Compare.svelte') },
  { path: '/rewrite', title: 'Rewrite', role: 'labeller', load: () => import('./pages/Rewrite.svelte') },
  { path: '/predicate', title: 'Predicate', role: 'labeller', load: () => import('./pages/Predicate.svelte') },
  { path: '/play', title: 'Play', role: 'researcher', load: () => import('./pages/Play.svelte') },
  { path: '/data', title: 'Data', role: 'researcher', load: () => import('./pages/Data.svelte') },
  { path: '/data/:snippet', title: 'Snippet', role: 'researcher', load: () => import('./pages/DataSnippet.svelte') },
  { path: '/people', title: 'People', role: 'researcher', load: () => import('./pages/People.svelte') },
  { path: '/runs', title: 'Runs', role: 'researcher', load: () => import('./pages/Runs.svelte') },
  { path: '/runs/:id', title: 'Run', role: 'researcher', load: () => import('./pages/Run.svelte') },
  { path: '/classifiers/:id', title: 'Classifier', role: 'researcher', load: () => import('./pages/Classifier.svelte') },
  { path: '/reliability', title: 'Reliability', role: 'researcher', load: () => import('./pages/Reliability.svelte') },
];

/** The links of the header, in order; one is shown to whom its role allows. */
export const navigation: { path: string; title: string; role: Role; also?: string[] }[] = [
  { path: '/reliability', title: 'Reliability', role: 'researcher' },
  { path: '/play', title: 'Play', role: 'researcher', also: ['/classifiers'] },
  { path: '/label', title: 'Label', role: 'labeller', also: ['/compare'] },
  { path: '/rewrite', title: 'Rewrite', role: 'labeller' },
  { path: '/data', title: 'Data', role: 'researcher' },
  { path: '/predicate', title: 'Predicate', role: 'labeller' },
  { path: '/runs', title: 'Runs', role: 'researcher' },
  { path: '/people', title: 'People', role: 'researcher' },
];
