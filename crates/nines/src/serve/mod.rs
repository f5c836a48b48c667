//! The workbench in the browser: what the server needs of this program.

mod guide;
mod models;
mod reliability;
mod workbench;

pub use workbench::ProjectWorkbench;
