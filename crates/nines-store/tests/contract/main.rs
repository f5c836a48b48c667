//! The contract of the store: one set of tests, run on SQLite and on PostgreSQL.

mod data;
mod harness;
mod runs;
