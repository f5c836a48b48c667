//! `GET /api/snippets/{id}`.

use super::shapes::{GivenVerdict, KindOfLabeller, SnippetRow, severity};
use crate::auth::Researcher;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::search::{OriginWord, ScoredBy, SplitWord, scored_by};
use crate::state::AppState;
use axum::extract::State;
use jiff::Timestamp;
use nines_domain::draw::Sampling;
use nines_domain::snippet::SnippetId;
use nines_store::{ModelKind, Snippet};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Everything that is known of a snippet.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnippetDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub row: SnippetRow,
    /// Its content hash.
    pub hash: String,
    /// Anything else that was said of it.
    pub meta: Value,
    /// The split of its prompt.
    pub split: SplitWord,
    /// Its prompt's family: prompts of one family are never parted by a split.
    pub prompt_family: String,
    /// Its prompt's key.
    pub prompt_id: i64,
    /// All labels ever given, oldest first.
    pub labels: Vec<LabelOfSnippet>,
    /// Scores, oldest first.
    pub scores: Vec<ScoreShown>,
    /// Where it was met again, oldest first.
    pub sightings: Vec<SightingShown>,
    /// The snippet that it was made from.
    pub parent: Option<Relative>,
    /// Snippets that were made from it, oldest first; the first two hundred.
    pub children: Vec<Relative>,
    /// The draws that made it, oldest first.
    pub generations: Vec<GenerationShown>,
    /// The run that made it.
    pub run: Option<i64>,
    /// The import that brought it.
    pub import: Option<ImportShown>,
    /// Queues that hold it.
    pub queues: Vec<QueueShown>,
    /// Designs in which it is an answer.
    pub designs: Vec<DesignShown>,
}

/// A label, also one that was withdrawn.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelOfSnippet {
    /// Its key.
    pub id: i64,
    /// Who gave it.
    pub labeller: String,
    /// A person or a model.
    pub kind: KindOfLabeller,
    /// The verdict.
    pub verdict: GivenVerdict,
    /// How grave, 1 to 3.
    pub severity: Option<u8>,
    /// Seconds of work that it took.
    pub seconds: Option<f64>,
    /// The predicate that it speaks of.
    pub predicate: Option<String>,
    /// The batch or the moment that it was given in.
    pub occasion: String,
    /// Where it comes from.
    pub source: String,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it was withdrawn; null where it counts.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub withdrawn: Option<Timestamp>,
}

/// A score.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScoreShown {
    /// The classifier's key.
    pub classifier: i64,
    /// The classifier's name and version.
    pub label: String,
    /// The path on which it was computed.
    pub path: String,
    /// The score, a logit.
    pub score: f64,
    /// The classifier's threshold on that path, a logit.
    pub threshold: Option<f64>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

/// Where a snippet was met again.
#[derive(Debug, Serialize, ToSchema)]
pub struct SightingShown {
    /// How it came there.
    pub origin: OriginWord,
    /// Where that was.
    pub source: String,
    /// Anything else that was said of it there.
    pub meta: Value,
    /// The run that met it.
    pub run: Option<i64>,
    /// The import that met it.
    pub import: Option<i64>,
}

/// A snippet that this one was made from, or that was made from it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Relative {
    /// Its key.
    pub id: i64,
    /// Its prompt.
    pub prompt: String,
    /// Its completion.
    pub completion: String,
    /// Its score by the same classifier, a logit.
    pub score: Option<f64>,
    /// The gravest severity that a label gives.
    pub severity: Option<u8>,
}

/// A draw that made a snippet.
#[derive(Debug, Serialize, ToSchema)]
pub struct GenerationShown {
    /// The generator.
    pub generator: String,
    /// Its settings.
    #[schema(value_type = Object)]
    pub sampling: Sampling,
    /// Which draw of its prompt it was.
    pub draw: u32,
    /// How it ended.
    #[schema(value_type = String)]
    pub finish: nines_domain::draw::Finish,
    /// How many tokens it has.
    pub tokens: u32,
    /// The run that drew it first.
    pub run: Option<i64>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

/// The file that brought a snippet.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImportShown {
    /// The import's key.
    pub id: i64,
    /// The file's name.
    pub file: String,
}

/// A queue that holds a snippet.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueShown {
    /// The queue's key.
    pub id: i64,
    /// Where its items come from.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Whether labellers are given its items.
    pub open: bool,
}

/// A design in which a snippet is an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct DesignShown {
    /// The design's key.
    pub id: i64,
    /// What it measures.
    pub kind: String,
    /// The stratum of the request.
    pub stratum: Option<u32>,
}

/// Returns everything that is known of a snippet.
#[utoipa::path(get, path = "/snippets/{id}", tag = "data",
    params(("id" = i64, Path, description = "The snippet")), responses(
    (status = OK, body = SnippetDetail),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such snippet"),
))]
pub async fn read_snippet(
    State(state): State<AppState>,
    _: Researcher,
    Path(id): Path<i64>,
) -> Result<Json<SnippetDetail>, Problem> {
    let id = SnippetId(id);
    let mut snippets = state.store.snippets_by_id(&[id]).await?;
    let snippet = snippets
        .pop()
        .ok_or_else(|| Problem::not_found(format!("there is no snippet {id}")))?;
    let lineage = state.store.snippet_lineage(id).await?;
    let by = scored_by(&state, None).await?;
    let children = relatives(&state, &lineage.children, by.as_ref()).await?;
    let parents: Vec<SnippetId> = snippet.parent.into_iter().collect();
    let parent = relatives(&state, &parents, by.as_ref()).await?.pop();
    let score = score_by(&state, id, by.as_ref()).await?;
    let labels = state.store.labels_with_withdrawn(id).await?;
    let queues = state.store.queues_with(id).await?;
    let models = state.store.models(Some(ModelKind::Classifier)).await?;
    let models: BTreeMap<i64, String> = models.iter().map(|m| (m.id.0, m.label())).collect();
    let mut scores = Vec::with_capacity(lineage.scores.len());
    for found in lineage.scores {
        let threshold = state
            .calibrations
            .newest(&state.store, found.model, &found.path)
            .await?;
        scores.push(ScoreShown {
            classifier: found.model.0,
            label: models.get(&found.model.0).cloned().unwrap_or_default(),
            path: found.path,
            score: found.score.logit(),
            threshold: threshold.map(|read| read.threshold.logit()),
            created: found.created,
        });
    }
    Ok(Json(SnippetDetail {
        row: SnippetRow::new(&snippet, score),
        hash: snippet.hash.to_string(),
        meta: snippet.meta.clone(),
        split: snippet.split(state.settings.split_seed).into(),
        prompt_family: snippet.family.to_string(),
        prompt_id: snippet.prompt.0,
        labels: labels
            .into_iter()
            .map(|(stored, withdrawn)| LabelOfSnippet {
                id: stored.id.0,
                labeller: stored.label.labeller,
                kind: stored.label.kind.into(),
                verdict: stored.label.verdict.into(),
                severity: stored.label.severity.map(u8::from),
                seconds: stored.label.seconds,
                predicate: stored.predicate,
                occasion: stored.occasion,
                source: stored.source,
                created: stored.created,
                withdrawn,
            })
            .collect(),
        scores,
        sightings: snippet
            .sightings
            .iter()
            .map(|sighting| SightingShown {
                origin: sighting.origin.into(),
                source: sighting.source.clone(),
                meta: sighting.meta.clone(),
                run: sighting.run.map(|run| run.0),
                import: sighting.import,
            })
            .collect(),
        parent,
        children,
        generations: lineage
            .draws
            .into_iter()
            .map(|draw| GenerationShown {
                generator: draw.generator,
                sampling: draw.sampling,
                draw: draw.draw,
                finish: draw.finish,
                tokens: draw.tokens,
                run: draw.run.map(|run| run.0),
                created: draw.created,
            })
            .collect(),
        run: snippet.run.map(|run| run.0),
        import: lineage.import.map(|import| ImportShown {
            id: import.id,
            file: import.file,
        }),
        queues: queues
            .into_iter()
            .map(|queue| QueueShown {
                id: queue.id,
                kind: queue.kind.as_str().to_owned(),
                name: queue.name,
                open: queue.open,
            })
            .collect(),
        designs: lineage
            .designs
            .into_iter()
            .map(|place| DesignShown {
                id: place.design.0,
                kind: place.kind.as_str().to_owned(),
                stratum: place.stratum,
            })
            .collect(),
    }))
}

async fn score_by(
    state: &AppState,
    id: SnippetId,
    by: Option<&ScoredBy>,
) -> Result<Option<f64>, Problem> {
    Ok(scores(state, &[id], by).await?.pop().flatten())
}

async fn scores(
    state: &AppState,
    ids: &[SnippetId],
    by: Option<&ScoredBy>,
) -> Result<Vec<Option<f64>>, Problem> {
    let Some((model, path)) = by.and_then(|by| Some((by.model, by.path.as_deref()?))) else {
        return Ok(vec![None; ids.len()]);
    };
    let found = state.store.scores_of(model, path, ids).await?;
    Ok(found
        .into_iter()
        .map(|score| score.map(|s| s.logit()))
        .collect())
}

async fn relatives(
    state: &AppState,
    ids: &[SnippetId],
    by: Option<&ScoredBy>,
) -> Result<Vec<Relative>, Problem> {
    let snippets: Vec<Snippet> = state.store.snippets_by_id(ids).await?;
    let scores = scores(state, ids, by).await?;
    Ok(snippets
        .into_iter()
        .zip(scores)
        .map(|(snippet, score)| Relative {
            id: snippet.id.0,
            severity: severity(&snippet),
            prompt: snippet.text.prompt,
            completion: snippet.text.completion,
            score,
        })
        .collect())
}
