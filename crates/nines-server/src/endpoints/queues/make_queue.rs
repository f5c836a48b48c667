//! `POST /api/queues`.

use super::shapes::{Kind, Queue};
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::Json;
use crate::queues;
use crate::search::SearchWords;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::snippet::{ContentHash, DesignId, SnippetId};
use nines_store::{NewQueue, QueueKind};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Items of a queue where nothing else is said.
const USUAL: usize = 100;
/// Items of a queue at most.
const MOST: usize = 20_000;

/// A queue to make.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QueueToMake {
    /// Where its items come from.
    pub kind: Kind,
    /// Its name; one that says the kind unless given.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// How many items; 100 unless given. A design's queue holds all that the design has drawn.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 20000)]
    pub n: Option<usize>,
    /// How many people are asked about each item; 1 unless given.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 20)]
    pub overlap: Option<u32>,
    /// The design, for the kinds that one draws; the newest unless given.
    #[serde(default)]
    pub design: Option<i64>,
    /// What to search for, for a search.
    #[serde(default)]
    pub search: Option<SearchWords>,
    /// What the random order depends on; 0 unless given.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// Makes a queue and fills it. A queue of a design is made once: asked for again, it is filled with
/// what has been drawn since.
#[utoipa::path(post, path = "/queues", tag = "labelling", request_body = QueueToMake, responses(
    (status = CREATED, body = Queue),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The caller is no researcher"),
    (status = NOT_FOUND, body = Problem, description = "There is no such design or snippet"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "There is nothing to put into it, or a value cannot be"),
))]
pub async fn make_queue(
    State(state): State<AppState>,
    Researcher { account }: Researcher,
    Json(body): Json<QueueToMake>,
) -> Result<(StatusCode, Json<Queue>), Problem> {
    queues::check_name(body.name.as_deref())?;
    let n = body.n.unwrap_or(USUAL);
    if !(1..=MOST).contains(&n) {
        return Err(Problem::invalid(format!(
            "n is {n}; a queue has from 1 to {MOST} items"
        )));
    }
    let seed = body.seed.unwrap_or(0);
    let (kind, design, items, name) = match body.kind {
        Kind::Leak => design_of(&state, QueueKind::Leak, body.design).await?,
        Kind::Compare => design_of(&state, QueueKind::Compare, body.design).await?,
        Kind::Quality => design_of(&state, QueueKind::Quality, body.design).await?,
        Kind::Threshold => {
            let items = queues::near_threshold(&state, n).await?;
            (
                QueueKind::Threshold,
                None,
                alone(items),
                "Near the threshold".to_owned(),
            )
        }
        Kind::Random => {
            let items = queues::random(&state, n, seed).await?;
            (QueueKind::Random, None, alone(items), "Random".to_owned())
        }
        Kind::Search => {
            let items = found(&state, body.search.clone(), n, body.seed).await?;
            (QueueKind::Search, None, alone(items), "Search".to_owned())
        }
        Kind::Sent => (
            QueueKind::Sent,
            None,
            Vec::new(),
            "Sent to labelling".to_owned(),
        ),
        Kind::Attack => {
            return Err(Problem::invalid(
                "queues of the kind attack are made by attacks, not by hand",
            ));
        }
        Kind::Select => {
            return Err(Problem::invalid(
                "queues of the kind select are made by `nines select`, which keeps how likely each item was",
            ));
        }
    };
    let is_filled_later = kind.is_design() || kind == QueueKind::Sent;
    if items.is_empty() && !is_filled_later {
        return Err(Problem::invalid(
            "no snippet fits, so that the queue would be empty; generate or score some, or search for others",
        ));
    }
    let new = NewQueue {
        kind,
        name: body.name.clone().unwrap_or(name),
        design,
        record: json!({ "n": n, "seed": seed, "search": body.search.map(SearchWords::without_ids) }),
        overlap: body.overlap.unwrap_or(1),
        created_by: Some(account.id),
    };
    let made = state.store.ensure_queue(&new).await?;
    state.store.fill_queue(made.id, &items).await?;
    let detail = json!({ "kind": body.kind, "items": items.len(), "overlap": new.overlap });
    audit(
        &state,
        account.id,
        "queue.made",
        format!("queue {}", made.id),
        detail,
    )
    .await?;
    state.events.tell(Event::Queues);
    let seen = queues::seen_by(&state, made.id, account.id).await?;
    Ok((StatusCode::CREATED, Json(seen.into())))
}

type Filling = (
    QueueKind,
    Option<DesignId>,
    Vec<(SnippetId, Option<SnippetId>)>,
    String,
);

fn alone(ids: Vec<SnippetId>) -> Vec<(SnippetId, Option<SnippetId>)> {
    ids.into_iter().map(|id| (id, None)).collect()
}

/// Finds a design and what it wants labelled.
async fn design_of(
    state: &AppState,
    kind: QueueKind,
    asked: Option<i64>,
) -> Result<Filling, Problem> {
    let of_kind = queues::design_kind(kind);
    let designs = state.store.designs(of_kind).await?;
    let design = match asked {
        Some(id) => designs.into_iter().find(|design| design.id.0 == id),
        None => designs.into_iter().next_back(),
    };
    let word = kind.as_str();
    let design = design.ok_or_else(|| match asked {
        Some(id) => Problem::not_found(format!("there is no design {id} of the kind {word}")),
        None => Problem::invalid(format!(
            "there is no design of the kind {word} yet; plan a measurement first"
        )),
    })?;
    let items = queues::drawn(state, kind, design.id).await?;
    let name = match kind {
        QueueKind::Quality => format!("Quality, design {}", design.id),
        QueueKind::Compare => format!("Leak of two filters, design {}", design.id),
        _ => format!("Leak, design {}", design.id),
    };
    Ok((kind, Some(design.id), items, name))
}

/// Finds the snippets of a search: as listed by key; or else the newest that it finds, or some in the
/// order of a seed.
async fn found(
    state: &AppState,
    search: Option<SearchWords>,
    n: usize,
    seed: Option<u64>,
) -> Result<Vec<SnippetId>, Problem> {
    let search =
        search.ok_or_else(|| Problem::invalid("say in search what to put into the queue"))?;
    let Some(ids) = &search.ids else {
        let (search, _) = search.into_search(state).await?;
        let looked_at = if seed.is_some() { MOST } else { n };
        let mut ids = state.store.search_snippet_ids(&search, looked_at).await?;
        if let Some(seed) = seed {
            let seed = seed.to_string();
            ids.sort_by_cached_key(|id| {
                ContentHash::of_fields("search order", &[&seed, &id.to_string()])
            });
        }
        ids.truncate(n);
        return Ok(ids);
    };
    if ids.len() > MOST {
        return Err(Problem::invalid(format!(
            "a queue takes at most {MOST} snippets at once"
        )));
    }
    let ids: Vec<SnippetId> = ids.iter().take(n).copied().map(SnippetId).collect();
    let stored = state.store.stored_snippets(&ids).await?;
    if let Some(missing) = ids.iter().find(|id| !stored.contains(id)) {
        return Err(Problem::not_found(format!("there is no snippet {missing}")));
    }
    Ok(ids)
}
