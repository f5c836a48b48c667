//! The project database: one code base for SQLite and PostgreSQL.
//!
//! [`Store`] is the handle; its methods speak in the words of the domain, and every one that
//! writes is one transaction: all of it is stored, or none. Snippets, labels, models, scores and
//! calibrations are only ever added. SeaORM's types stay inside.
//!
//! - [`StoreUrl`]: which database.
//! - prompts, snippets, labels: what people and generators wrote, and what was said of it.
//! - models, runs: what was made, by what.

mod batch;
mod entity;
mod error;
mod labels;
mod migration;
mod models;
mod open;
mod process;
mod prompts;
mod runs;
mod snippets;
mod store;
mod time;
mod url;
mod values;

pub use batch::{Inserted, InsertedRow};
pub use error::StoreError;
pub use labels::{NewLabel, SnippetRef};
pub use models::{Model, ModelKind, NewModel};
pub use prompts::{NewPrompt, Prompt, PromptFilter};
pub use runs::{NewRun, Run, RunStatus, SILENT_AFTER};
pub use snippets::{NewSnippet, Origin};
pub use store::{Store, StoreDescription};
pub use url::StoreUrl;
