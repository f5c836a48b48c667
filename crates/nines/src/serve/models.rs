//! The project's models, as the server asks for them.

use crate::cli::LongArg;
use crate::models::{self, ScorePath};
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::snippet::ModelId;
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Scorer;
use nines_store::{Model, ModelKind};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The trained classifiers that somebody holds: an ensemble and its members, or two ensembles, load a
/// classifier once between them. Nothing is kept here that nobody uses.
#[derive(Default)]
pub struct Held(Mutex<BTreeMap<ModelId, Weak<dyn Scorer>>>);

impl Held {
    /// Returns the scorer of a trained classifier, loaded where nobody holds it.
    fn or_load(
        &self,
        model: &Model,
        load: impl FnOnce() -> Result<Arc<dyn Scorer>>,
    ) -> Result<Arc<dyn Scorer>> {
        // Loading under the lock: two that want one classifier at once wait for one load.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, scorer| scorer.strong_count() > 0);
        if let Some(scorer) = held.get(&model.id).and_then(Weak::upgrade) {
            return Ok(scorer);
        }
        let scorer = load()?;
        held.insert(model.id, Arc::downgrade(&scorer));
        Ok(scorer)
    }
}

/// Loads what scores, a classifier or an ensemble, on the path of this machine. What does not fit the
/// model's window is refused, as the filter refuses it.
pub async fn scorer(project: &Project, held: &Held, model: ModelId) -> Result<Arc<dyn Scorer>> {
    let model = project.store.model(model).await?;
    if model.kind != ModelKind::Classifier {
        bail!("{} is no classifier", model.label());
    }
    let path = ScorePath::of(project, LongArg::Refuse)?;
    models::scorer_by(project, &model, &|version| {
        held.or_load(version, || {
            models::scorer_of_version(project, version, path)
        })
    })
    .await
}

/// Loads the project's generator where it runs on this machine; none where it is an endpoint or simulated.
pub fn local_generator(project: &Project) -> Result<Option<Arc<LocalGenerator>>> {
    let section = &project.config.generator;
    if section.simulated.is_some() || section.endpoint.is_some() {
        return Ok(None);
    }
    models::local_generator(project, &section.model).map(Some)
}

/// Names the path by which scores are computed here. Where the configuration asks for what this
/// machine does not have, no classifier can be loaded either, and the error says why.
pub fn path(project: &Project) -> String {
    let path = ScorePath::of(project, LongArg::Refuse);
    path.map_or_else(|_| "none".to_owned(), |path| path.to_string())
}

/// Names the path by which a classifier or an ensemble scores here; of one that cannot be found, as [`path`].
pub async fn path_of(project: &Project, model: ModelId) -> String {
    let named = async || -> Result<String> {
        let model = project.store.model(model).await?;
        let path = ScorePath::of(project, LongArg::Refuse)?;
        Ok(path.for_model(project, &model).await?.to_string())
    };
    named().await.unwrap_or_else(|_| path(project))
}
