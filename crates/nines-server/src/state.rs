//! What every handler can reach.

use crate::auth::Gate;
use crate::calibrations::Calibrations;
use crate::closing::Closing;
use crate::events::Events;
use crate::guide::CurrentGuide;
use crate::people::LastAgreements;
use crate::play::Play;
use crate::queues::Refills;
use crate::reliability::Board;
use crate::rewriting::Desk;
use crate::scoring::{Limits, Scoring};
use crate::serve::Patience;
use crate::workbench::Workbench;
use futures_util::FutureExt;
use nines_jobs::{Program, Supervisor};
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
    /// What decides which split a prompt belongs to.
    pub split_seed: u64,
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
    /// Thresholds, and what they rest on.
    pub(crate) calibrations: Arc<Calibrations>,
    /// The scoring service.
    pub scoring: Arc<Scoring>,
    /// The draws that Play makes.
    pub(crate) play: Arc<Play>,
    /// Who asks for saliency and substitutes.
    pub(crate) desk: Arc<Desk>,
    /// Long jobs. Serving drives them, with this program as the one that does them unless another
    /// is put in its place.
    pub jobs: Supervisor,
    /// The last numbers of the Reliability page.
    pub numbers: Board,
    /// The end of the server, for what would never end by itself.
    pub closing: Closing,
    /// How long the server waits for others.
    pub patience: Patience,
    /// The version of the guide that labels are given by.
    pub(crate) guide: Arc<CurrentGuide>,
    /// How far people agreed when that was computed last.
    pub(crate) agreements: Arc<LastAgreements>,
    /// When queues of designs were filled.
    pub(crate) refills: Arc<Refills>,
    /// What lets people in.
    pub(crate) gate: Arc<Gate>,
}

impl AppState {
    /// Builds the state.
    pub fn new(store: Store, settings: Settings, workbench: Arc<dyn Workbench>) -> Self {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("nines"));
        let program = Program::new(program, &settings.folder);
        let jobs = Supervisor::new(store.clone(), program, nines_jobs::Settings::default());
        Self {
            store,
            guide: Arc::new(CurrentGuide::new(settings.predicate_version)),
            agreements: Arc::default(),
            refills: Arc::default(),
            jobs,
            settings: Arc::new(settings),
            events: Events::default(),
            calibrations: Arc::default(),
            scoring: Arc::new(scoring(workbench.clone())),
            play: Arc::new(play(workbench.clone())),
            desk: Arc::default(),
            workbench,
            numbers: Board::default(),
            closing: Closing::default(),
            patience: Patience::default(),
            gate: Arc::new(Gate::default()),
        }
    }
}

fn scoring(workbench: Arc<dyn Workbench>) -> Scoring {
    let load = move |model| {
        let workbench = workbench.clone();
        async move { workbench.scorer(model).await }.boxed()
    };
    Scoring::new(load, Limits::default())
}

fn play(workbench: Arc<dyn Workbench>) -> Play {
    Play::new(move || {
        let workbench = workbench.clone();
        async move { workbench.generator().await }.boxed()
    })
}
