//! The tables as SeaORM sees them. None of these types leaves the crate.

pub mod adjudication;
pub mod attack_session;
pub mod calibration;
pub mod comparison;
pub mod design;
pub mod design_item;
pub mod distribution;
pub mod distribution_prompt;
pub mod estimate;
pub mod filter_answer;
pub mod filter_candidate;
pub mod generation;
pub mod import;
pub mod job;
pub mod label;
pub mod model;
pub mod prompt;
pub mod run;
pub mod run_metric;
pub mod sampler;
pub mod score;
pub mod selected_item;
pub mod selection;
pub mod sighting;
pub mod snippet;
