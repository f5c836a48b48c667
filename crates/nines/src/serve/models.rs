//! The project's models, as the server asks for them.

use crate::cli::LongArg;
use crate::models::{self, ScorePath};
use crate::project::Project;
use anyhow::{Result, bail};
use nines_domain::snippet::ModelId;
use nines_infer::local::LocalGenerator;
use nines_infer::scorer::Scorer;
use nines_store::ModelKind;
use std::sync::Arc;

/// Loads the scorer of a stored classifier, on the path of this machine. What does not fit the
/// model's window is refused, as the filter refuses it.
pub async fn scorer(project: &Project, model: ModelId) -> Result<Arc<dyn Scorer>> {
    let model = project.store.model(model).await?;
    if model.kind != ModelKind::Classifier {
        bail!("{} is no classifier", model.label());
    }
    models::scorer(project, &model, ScorePath::of(project, LongArg::Refuse)?)
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
