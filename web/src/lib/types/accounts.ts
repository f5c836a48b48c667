// People, their sessions, and what they did.

import type { Estimate, Role, Rows, Time } from './common';

export interface Account {
  id: number;
  name: string;
  role: Role;
}

export interface Session {
  account: Account;
  csrf: string;
  project: {
    /** Which database this is: what the browser keeps for one project never reaches another. */
    id?: string;
    name: string;
    predicate: string;
    predicate_version: string | number;
  };
  version: string;
}

export interface Token {
  id: number;
  name: string;
  created: Time;
  last_used: Time | null;
}

export interface Invitation {
  id: number;
  role: Role;
  name: string | null;
  created: Time;
  expires: Time;
}

export interface Person {
  id: number;
  name: string;
  role: Role;
  active: boolean;
  hourly_cost: number | null;
  created: Time;
  last_seen: Time | null;
  labels: number;
  comparisons: number;
  seconds: number;
  /** Items answered in an hour of work in the browser. */
  labels_per_hour: number | null;
  cost: number | null;
  gold: Estimate | null;
  repeats: Estimate | null;
  /** Of the snippets that another person labelled too, on how many both say the same of strict. */
  agreement?: Estimate | null;
  qualified: boolean | null;
}

/** How far people agree; their labels only, never judges'. */
export interface Agreement {
  rows: { items: string; about: string; alpha: Estimate }[];
  disagree: Estimate | null;
  labellers: number;
  snippets: number;
}

export interface People extends Rows<Person> {
  agreement: Agreement | null;
}

export interface AuditRow {
  id: number;
  account: string | null;
  action: string;
  subject: string;
  detail: unknown;
  created: Time;
}
