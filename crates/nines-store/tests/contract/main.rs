//! The contract of the store: one set of tests, run on SQLite and on PostgreSQL.

mod accounts;
mod acquisitions;
mod attacks;
mod bulk;
mod data;
mod ensembles;
mod flow;
mod harness;
mod jobs;
mod labelling;
mod measuring;
mod opening;
mod processes;
mod reading;
mod rewriting;
mod runs;
mod searching;
mod sweeps;
mod traps;
