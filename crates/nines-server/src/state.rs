//! What every handler can reach.

use crate::auth::Gate;
use crate::events::Events;
use crate::workbench::Workbench;
use nines_store::Store;
use std::path::PathBuf;
use std::sync::Arc;

/// What the server is told at its start.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The project's folder.
    pub folder: PathBuf,
    /// The project's name.
    pub project: String,
    /// The predicate's name, such as "an injury".
    pub predicate: String,
    /// The predicate's version.
    pub predicate_version: u32,
    /// Whether the address is reached by TLS: cookies are marked Secure then.
    pub tls: bool,
    /// The address that links begin with, such as `http://127.0.0.1:7420`.
    pub origin: String,
}

/// The state of the server. Clones share it.
#[derive(Clone)]
pub struct AppState {
    /// The project's database.
    pub store: Store,
    /// What the server was told at its start.
    pub settings: Arc<Settings>,
    /// Live events.
    pub events: Events,
    /// Measuring and models.
    pub workbench: Arc<dyn Workbench>,
    /// What lets people in.
    pub(crate) gate: Arc<Gate>,
}

impl AppState {
    /// Builds the state.
    pub fn new(store: Store, settings: Settings, workbench: Arc<dyn Workbench>) -> Self {
        Self {
            store,
            settings: Arc::new(settings),
            events: Events::default(),
            workbench,
            gate: Arc::new(Gate::default()),
        }
    }
}
