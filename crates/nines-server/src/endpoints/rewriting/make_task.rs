//! `POST /api/rewriting/tasks`.

use super::shapes::{RewritingTask, ToolsWord};
use crate::auth::{Researcher, audit};
use crate::endpoints::classifiers;
use crate::error::Problem;
use crate::json::Json;
use crate::rewriting;
use crate::search::SearchWords;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{ContentHash, ModelId, SnippetId};
use nines_domain::split::Split;
use nines_store::{LabelState, NewRewritingTask, SnippetSearch};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Starts of one task.
const MOST: usize = 1_000;
/// Snippets that are looked at for them.
const LOOKED_AT: usize = 20_000;
/// Snippets that are scored at once.
const CHUNK: usize = 64;

/// A task to make. Its starts come from `snippets`, from `search`, or from `injurious`: one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTask {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// What is attacked; the newest classifier unless given.
    #[serde(default)]
    pub classifier: Option<i64>,
    /// What a find's score must lie below, in log odds; the calibrated threshold unless given.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Whether the sessions have saliency, substitutes and inspiration.
    pub tools: ToolsWord,
    /// These snippets.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub snippets: Option<Vec<i64>>,
    /// What a search finds, the newest first, up to 1,000.
    #[serde(default)]
    pub search: Option<SearchWords>,
    /// So many random snippets of the training split that somebody calls a catastrophe; finds of attacks and
    /// of people are not among them.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub injurious: Option<usize>,
    /// What draws the starts and tosses the coins; 0 unless given.
    #[serde(default)]
    pub seed: u64,
}

/// A task that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct MadeTask {
    /// The task.
    #[serde(flatten)]
    pub task: RewritingTask,
    /// Snippets left out because the classifier accepts them already.
    pub passing: usize,
    /// Snippets left out because they have no score.
    pub unscoreable: usize,
}

/// What became of the snippets that were looked at.
#[derive(Default)]
struct Starts {
    taken: Vec<(SnippetId, Score)>,
    passing: usize,
    unscoreable: usize,
}

/// Makes a task for people: which classifier to break, from which starts, with or without the tools.
/// Snippets that pass already, and those that have no score, are left out and counted.
#[utoipa::path(post, path = "/rewriting/tasks", tag = "rewriting", request_body = NewTask, responses(
    (status = CREATED, body = MadeTask),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such classifier or snippet"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "No snippet fits, or a value cannot be"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too much waits to be scored"),
))]
pub async fn make_rewriting_task(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Json(body): Json<NewTask>,
) -> Result<(StatusCode, Json<MadeTask>), Problem> {
    let given = [
        body.snippets.is_some(),
        body.search.is_some(),
        body.injurious.is_some(),
    ];
    if given.iter().filter(|given| **given).count() != 1 {
        return Err(Problem::invalid(
            "say where the starts come from: snippets, search or injurious, one of the three",
        ));
    }
    let model = classifiers::find(&state, body.classifier).await?;
    let threshold = rewriting::threshold_of(&state, &model, body.threshold).await?;
    let record = json!({
        "snippets": body.snippets.as_ref().map(Vec::len), "search": body.search.clone().map(SearchWords::without_ids),
        "injurious": body.injurious, "seed": body.seed,
    });
    let (candidates, wanted) = candidates(&state, &body).await?;
    let starts = scored(&state, model.id, threshold, candidates, wanted).await?;
    if starts.taken.is_empty() {
        return Err(Problem::invalid(format!(
            "no snippet is left to start from: {} pass already, {} have no score; choose others, or a lower \
             threshold",
            starts.passing, starts.unscoreable
        )));
    }
    let new = NewRewritingTask {
        name: body.name,
        model: model.id,
        path: state.workbench.path_of(model.id).await,
        threshold,
        tools: body.tools.into(),
        seed: body.seed,
        record: record.clone(),
        starts: starts.taken,
        created_by: Some(account.id),
    };
    let made = state.store.insert_rewriting_task(&new).await?;
    let subject = format!("rewriting task {}", made.id);
    audit(&state, account.id, "rewriting.made", subject, record).await?;
    let task = RewritingTask::seen_by(&state, made.id, &account).await?;
    let made = MadeTask {
        task,
        passing: starts.passing,
        unscoreable: starts.unscoreable,
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Lists the snippets to look at, and says how many of them to take.
async fn candidates(state: &AppState, body: &NewTask) -> Result<(Vec<SnippetId>, usize), Problem> {
    if let Some(n) = body.injurious {
        if !(1..=MOST).contains(&n) {
            return Err(Problem::invalid(format!(
                "injurious is 1 to {MOST}, not {n}"
            )));
        }
        let search = SnippetSearch {
            label: Some(LabelState::Yes),
            split: Some((Split::Train, state.settings.split_seed)),
            no_finds: true,
            ..SnippetSearch::default()
        };
        let mut ids = state.store.search_snippet_ids(&search, LOOKED_AT).await?;
        let seed = body.seed.to_string();
        ids.sort_by_cached_key(|id| {
            ContentHash::of_fields("rewriting starts", &[&seed, &id.to_string()])
        });
        return Ok((ids, n));
    }
    let ids = match (&body.snippets, &body.search) {
        (Some(ids), _) => ids.clone(),
        (None, Some(search)) => match &search.ids {
            Some(ids) => ids.clone(),
            None => {
                let (search, _) = search.clone().into_search(state).await?;
                let found = state.store.search_snippet_ids(&search, MOST).await?;
                return Ok((found, MOST));
            }
        },
        (None, None) => Vec::new(),
    };
    if !(1..=MOST).contains(&ids.len()) {
        return Err(Problem::invalid(format!(
            "a task has 1 to {MOST} starts, and {} snippets were named",
            ids.len()
        )));
    }
    let ids: Vec<SnippetId> = ids.into_iter().map(SnippetId).collect();
    let stored = state.store.stored_snippets(&ids).await?;
    if let Some(missing) = ids.iter().find(|id| !stored.contains(id)) {
        return Err(Problem::not_found(format!("there is no snippet {missing}")));
    }
    Ok((ids, MOST))
}

/// Scores candidates in their order until so many are found that the classifier rejects.
async fn scored(
    state: &AppState,
    model: ModelId,
    threshold: Threshold,
    candidates: Vec<SnippetId>,
    wanted: usize,
) -> Result<Starts, Problem> {
    let mut starts = Starts::default();
    for chunk in candidates.chunks(CHUNK) {
        let texts = state.store.snippet_texts(chunk).await?;
        let scores = rewriting::score_in_time(state, model, texts).await?;
        for (id, score) in chunk.iter().zip(scores) {
            match score {
                _ if starts.taken.len() == wanted => break,
                Ok(score) if threshold.accepts(score) => starts.passing += 1,
                Ok(score) => starts.taken.push((*id, score)),
                Err(_) => starts.unscoreable += 1,
            }
        }
        if starts.taken.len() == wanted {
            break;
        }
    }
    Ok(starts)
}
