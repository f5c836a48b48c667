//! `GET /api/facets`.

use super::shapes::KindOfLabeller;
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::Json;
use crate::search::{OriginWord, SplitWord, scored_by};
use crate::state::AppState;
use axum::extract::State;
use nines_store::ModelKind;
use serde::Serialize;
use utoipa::ToSchema;

/// What there is to choose from when snippets are searched.
#[derive(Debug, Serialize, ToSchema)]
pub struct Facets {
    /// Sources, by name.
    pub sources: Vec<SourceFacet>,
    /// Origins.
    pub origins: Vec<OriginFacet>,
    /// Splits.
    pub splits: Vec<SplitFacet>,
    /// Labellers, by name.
    pub labellers: Vec<LabellerFacet>,
    /// Classifiers, newest first.
    pub classifiers: Vec<ClassifierFacet>,
}

/// A source.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourceFacet {
    /// Its name.
    pub name: String,
    /// Snippets first stored from it, or met again at it.
    pub count: u64,
}

/// An origin.
#[derive(Debug, Serialize, ToSchema)]
pub struct OriginFacet {
    /// Its name.
    pub name: OriginWord,
    /// Snippets that came to be so.
    pub count: u64,
}

/// A split.
#[derive(Debug, Serialize, ToSchema)]
pub struct SplitFacet {
    /// Its name.
    pub name: SplitWord,
    /// Always null: counting would read every prompt.
    pub count: Option<u64>,
}

/// A labeller.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabellerFacet {
    /// The name.
    pub name: String,
    /// A person or a model.
    pub kind: KindOfLabeller,
    /// Labels that count.
    pub labels: u64,
}

/// A classifier.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassifierFacet {
    /// Its key.
    pub id: i64,
    /// Its name and version.
    pub label: String,
    /// Its threshold, a logit.
    pub threshold: Option<f64>,
}

/// Lists what snippets can be searched by.
#[utoipa::path(get, path = "/facets", tag = "data", responses(
    (status = OK, body = Facets),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
))]
pub async fn list_facets(
    State(state): State<AppState>,
    _: Researcher,
) -> Result<Json<Facets>, Problem> {
    let found = state.store.facets().await?;
    let mut classifiers = Vec::new();
    for model in state
        .store
        .models(Some(ModelKind::Classifier))
        .await?
        .iter()
        .rev()
    {
        let scored = scored_by(&state, Some(model.id.0)).await?;
        classifiers.push(ClassifierFacet {
            id: model.id.0,
            label: model.label(),
            threshold: scored.and_then(|by| by.threshold),
        });
    }
    let splits = [
        SplitWord::Train,
        SplitWord::Validation,
        SplitWord::Calibration,
        SplitWord::Test,
    ];
    Ok(Json(Facets {
        sources: found
            .sources
            .into_iter()
            .map(|facet| SourceFacet {
                name: facet.name,
                count: facet.count,
            })
            .collect(),
        origins: found
            .origins
            .into_iter()
            .map(|facet| OriginFacet {
                name: facet.name.into(),
                count: facet.count,
            })
            .collect(),
        splits: splits.map(|name| SplitFacet { name, count: None }).into(),
        labellers: found
            .labellers
            .into_iter()
            .map(|labeller| LabellerFacet {
                name: labeller.name,
                kind: labeller.kind.into(),
                labels: labeller.labels,
            })
            .collect(),
        classifiers,
    }))
}
