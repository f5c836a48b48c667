//! Play through HTTP: drawing, scoring, sending, and what thresholds do.

mod doubles;
mod drawing;
mod points;
mod roles;
mod scoring;
mod sending;
mod server;
