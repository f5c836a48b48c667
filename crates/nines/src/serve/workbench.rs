//! The measuring protocols and the project's settings, as the server reaches them.

use super::reliability::NotMeasured;
use super::{guide, models, reliability};
use crate::cards;
use crate::commands::attack;
use crate::commands::measure::{self, Asked};
use crate::commands::sweep;
use crate::project::Project;
use anyhow::Result;
use futures_util::future::BoxFuture;
use nines_attack::thesaurus::Thesaurus;
use nines_domain::draw::Sampling;
use nines_domain::snippet::{DesignId, ModelId, RunId, SnippetId};
use nines_infer::generator::Generator;
use nines_infer::language_model::LanguageModel;
use nines_infer::local::LocalGenerator;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_infer::scorer::Scorer;
use nines_server::attacks::AttackTable;
use nines_server::card::Card;
use nines_server::reliability::{PlanRequest, Planned, Reliability};
use nines_server::{Workbench, WorkbenchError};
use nines_store::{DesignKind, StoreError};
use std::future::Future;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, OnceCell};

/// The workbench of a project.
pub struct ProjectWorkbench {
    project: Arc<Project>,
    planning: Arc<Mutex<()>>,
    held: Arc<models::Held>,
    generator: OnceCell<Arc<dyn Generator>>,
    /// The generator where it runs here: the same weights serve as a language model.
    local: OnceCell<Option<Arc<LocalGenerator>>>,
    masked: Option<Arc<MaskedLanguageModel>>,
    thesaurus: OnceCell<Option<Arc<Thesaurus>>>,
}

impl ProjectWorkbench {
    /// The workbench of an open project, with the masked language model that menus may use.
    pub fn new(project: Arc<Project>, masked: Option<Arc<MaskedLanguageModel>>) -> Self {
        Self {
            project,
            planning: Arc::default(),
            held: Arc::default(),
            generator: OnceCell::new(),
            local: OnceCell::new(),
            masked,
            thesaurus: OnceCell::new(),
        }
    }

    /// Returns the generator that runs on this machine, if the project has one, loaded once.
    async fn local(&self) -> Result<Option<Arc<LocalGenerator>>, WorkbenchError> {
        let load = || self.aside(|project| async move { models::local_generator(&project) });
        self.local.get_or_try_init(load).await.cloned()
    }

    /// Does measuring work on a thread of its own: it computes for longer than a thread that answers
    /// requests may be held.
    fn aside<T, F, W>(&self, work: W) -> BoxFuture<'static, Result<T, WorkbenchError>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>>,
        W: FnOnce(Arc<Project>) -> F + Send + 'static,
    {
        let project = Arc::clone(&self.project);
        Box::pin(async move {
            let runtime = Handle::current();
            let done = tokio::task::spawn_blocking(move || runtime.block_on(work(project))).await;
            match done {
                Ok(found) => found.map_err(|error| told(&error)),
                Err(error) => Err(WorkbenchError::Failed(error.to_string())),
            }
        })
    }
}

/// Tells what cannot be done yet from what failed.
fn told(error: &anyhow::Error) -> WorkbenchError {
    let text = format!("{error:#}");
    if error.is::<NotMeasured>() {
        return WorkbenchError::NotMeasured(text);
    }
    if error
        .chain()
        .any(|cause| cause.is::<StoreError>() || cause.is::<std::io::Error>())
    {
        WorkbenchError::Failed(text)
    } else {
        WorkbenchError::Refused(text)
    }
}

impl Workbench for ProjectWorkbench {
    fn waiting(
        &self,
        kind: DesignKind,
        design: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<SnippetId>, WorkbenchError>> {
        self.aside(move |project| async move {
            let open = match kind {
                DesignKind::Leak => measure::open_answers(&project, design, Asked::PEOPLE).await?,
                DesignKind::Compare => {
                    measure::open_compared(&project, design, Asked::PEOPLE).await?
                }
                DesignKind::Quality => {
                    anyhow::bail!(
                        "a design of the quality wants pairs rated, not snippets labelled"
                    )
                }
            };
            Ok(open.into_iter().map(|snippet| snippet.id).collect())
        })
    }

    fn pairs(
        &self,
        design: Option<DesignId>,
    ) -> BoxFuture<'_, Result<Vec<(SnippetId, SnippetId)>, WorkbenchError>> {
        self.aside(move |project| async move {
            let open = measure::open_pairs(&project, design, Asked::PEOPLE).await?;
            Ok(open
                .into_iter()
                .map(|pair| (pair.left, pair.right))
                .collect())
        })
    }

    fn reliability(&self) -> BoxFuture<'_, Result<Reliability, WorkbenchError>> {
        self.aside(|project| async move { reliability::compute(&project).await })
    }

    fn plan(&self, asked: PlanRequest) -> BoxFuture<'_, Result<Planned, WorkbenchError>> {
        let alone = Arc::clone(&self.planning);
        self.aside(move |project| async move {
            // Each plan builds on what is drawn already, so that two at once would draw twice.
            let _alone = alone.lock().await;
            reliability::plan(&project, &asked).await
        })
    }

    fn attack(&self, run: RunId) -> BoxFuture<'_, Result<AttackTable, WorkbenchError>> {
        self.aside(move |project| async move { attack::page(&project, run).await })
    }

    fn guide(&self) -> BoxFuture<'_, Result<String, WorkbenchError>> {
        self.aside(|project| async move { guide::read(&project.folder) })
    }

    fn save_guide(&self, version: u32, text: String) -> BoxFuture<'_, Result<(), WorkbenchError>> {
        self.aside(move |project| async move { guide::save(&project.folder, version, &text) })
    }

    fn scorer(&self, model: ModelId) -> BoxFuture<'_, Result<Arc<dyn Scorer>, WorkbenchError>> {
        let held = Arc::clone(&self.held);
        self.aside(move |project| async move { models::scorer(&project, &held, model).await })
    }

    fn card(&self, model: ModelId) -> BoxFuture<'_, Result<Card, WorkbenchError>> {
        self.aside(move |project| async move {
            let model = project.store.model(model).await?;
            cards::card(&project, &model).await
        })
    }

    fn check_sweep(&self, text: String) -> BoxFuture<'_, Result<u64, WorkbenchError>> {
        self.aside(move |_| async move { sweep::check(&text) })
    }

    fn generator(&self) -> BoxFuture<'_, Result<Arc<dyn Generator>, WorkbenchError>> {
        Box::pin(async {
            if let Some(local) = self.local().await? {
                let local: Arc<dyn Generator> = local;
                return Ok(local);
            }
            let load = || self.aside(|project| async move { crate::models::generator(&project) });
            self.generator.get_or_try_init(load).await.cloned()
        })
    }

    fn language_model(
        &self,
    ) -> BoxFuture<'_, Result<Option<Arc<dyn LanguageModel>>, WorkbenchError>> {
        Box::pin(async {
            let local = self.local().await?;
            Ok(local.map(|local| -> Arc<dyn LanguageModel> { local }))
        })
    }

    fn masked(&self) -> Option<Arc<MaskedLanguageModel>> {
        self.masked.clone()
    }

    fn thesaurus(&self) -> BoxFuture<'_, Option<Arc<Thesaurus>>> {
        Box::pin(async {
            let read = || async {
                let read = tokio::task::spawn_blocking(Thesaurus::find).await;
                // A machine without one does without synonyms.
                read.ok().and_then(Result::ok).map(Arc::new)
            };
            self.thesaurus.get_or_init(read).await.clone()
        })
    }

    fn sampling(&self) -> Sampling {
        self.project.config.sampling.clone()
    }

    fn budget(&self) -> u32 {
        self.project.config.filter.budget
    }

    fn path(&self) -> String {
        models::path(&self.project)
    }

    fn path_of(&self, model: ModelId) -> BoxFuture<'_, String> {
        Box::pin(models::path_of(&self.project, model))
    }
}
