//! The built program, run as a user runs it: with tiny models, so that a whole job takes seconds.

mod attack;
mod attack_judge;
mod bad_input;
mod cards;
mod distilling;
mod ensemble;
mod finds;
mod help;
mod job;
mod measure;
mod report;
mod rewriting;
mod runs;
mod select;
mod serve;
mod stats;
mod stops;
mod style;
mod sweep;
mod sweep_job;
mod sweep_troubles;
mod techniques;
#[path = "../../../nines-train/tests/small/tiny_base.rs"]
mod tiny_base;
mod unfamiliarity;
mod world;
