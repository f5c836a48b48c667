//! HTTP: accounts, the workbench's endpoints, live events, the embedded web app.
//!
//! One endpoint is one file under `endpoints/`. Every handler says in its signature who may call it
//! (an extractor of [`auth`]), and answers errors as RFC 9457 problems ([`Problem`]). What needs
//! models or the measuring protocols comes through [`Workbench`], which the binary fills: so this
//! crate trains nothing and reads no configuration.

mod assets;
pub mod attacks;
pub mod auth;
mod calibrations;
pub mod card;
mod closing;
mod endpoints;
mod error;
pub mod estimate;
mod events;
mod guide;
mod headers;
mod jobs;
mod json;
mod labelling;
mod pages;
mod people;
mod play;
mod prepare;
mod queues;
mod refusals;
pub mod reliability;
mod rewriting;
mod router;
pub mod scoring;
mod search;
mod serve;
mod stalls;
mod state;
mod workbench;

pub use auth::{reset_link, setup_link};
pub use closing::Closing;
pub use error::Problem;
pub use events::{Event, Events};
pub use prepare::prepare;
pub use router::{openapi, openapi_json, router};
pub use serve::{Patience, serve};
pub use state::{AppState, Settings};
pub use workbench::{Workbench, WorkbenchError};
