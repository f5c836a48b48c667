//! `POST /api/play/send`.

use super::text;
use crate::auth::{Researcher, audit};
use crate::error::Problem;
use crate::events::Event;
use crate::json::Json;
use crate::play::{Candidate, Origin};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::account::Account;
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::{SnippetId, SnippetText};
use nines_store::{
    NewGeneration, NewPrompt, NewQueue, NewSnippet, Origin as Brought, QueueKind, Sampler,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Where prompts and completions that come from here say they come from.
const SOURCE: &str = "play";

/// A candidate to have labelled.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendRequest {
    /// The given text.
    pub prompt: String,
    /// Its continuation.
    pub completion: String,
    /// The seed that it was drawn with. Without seed and draw it is stored as written by hand.
    pub seed: Option<u64>,
    /// Which draw it was.
    pub draw: Option<u32>,
    /// The temperature that it was drawn with; the project's unless given.
    pub temperature: Option<f64>,
    /// The share of probability that was kept; the project's unless given.
    pub top_p: Option<f64>,
    /// The queue; the newest open one of its kind unless given.
    pub queue: Option<i64>,
}

/// Where the candidate is now.
#[derive(Debug, Serialize, ToSchema)]
pub struct SentCandidate {
    /// The stored snippet.
    pub snippet: i64,
    /// The queue that it waits in.
    pub queue: i64,
}

/// Stores a candidate with where it comes from, and puts it into the queue of sent candidates. What
/// is said to be a draw is drawn again: nothing is stored as a generator's that is not.
#[utoipa::path(
    post,
    path = "/play/send",
    tag = "play",
    request_body = SendRequest,
    responses(
        (status = CREATED, body = SentCandidate),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn send_candidate(
    caller: Researcher,
    State(state): State<AppState>,
    Json(asked): Json<SendRequest>,
) -> Result<(StatusCode, Json<SentCandidate>), Problem> {
    for (what, given) in [("prompt", &asked.prompt), ("completion", &asked.completion)] {
        text::check(what, given)?;
        if given.trim().is_empty() {
            return Err(Problem::invalid(format!("the {what} is empty")));
        }
    }
    if let Some(queue) = asked.queue {
        check_queue(&state, queue).await?;
    }
    let by = &caller.account;
    let snippet = match (asked.seed, asked.draw) {
        (Some(seed), Some(draw)) => {
            let base = state.workbench.sampling();
            let sampling = text::sampled(base, seed, asked.temperature, asked.top_p)?;
            drawn(&state, by, &asked, draw, sampling).await?
        }
        (None, None) => written(&state, by, &asked).await?,
        _ => {
            return Err(Problem::invalid(
                "send both seed and draw, or neither for a text written by hand",
            ));
        }
    };
    let queue = into_queue(&state, by, asked.queue, snippet).await?;
    let detail = json!({ "queue": queue, "seed": asked.seed, "draw": asked.draw });
    audit(
        &state,
        by.id,
        "candidate.sent",
        format!("snippet {snippet}"),
        detail,
    )
    .await?;
    state.events.tell(Event::Queues);
    let sent = SentCandidate {
        snippet: snippet.0,
        queue,
    };
    Ok((StatusCode::CREATED, Json(sent)))
}

/// Stores a draw.
async fn drawn(
    state: &AppState,
    by: &Account,
    asked: &SendRequest,
    draw: u32,
    sampling: Sampling,
) -> Result<SnippetId, Problem> {
    let candidate = Candidate {
        prompt: &asked.prompt,
        sampling: &sampling,
        draw,
        completion: &asked.completion,
    };
    let (generator, origin) = state.play.origin(&candidate).await?;
    let sampler = Sampler {
        generator,
        sampling,
    };
    match origin {
        Origin::Repeatable(draw) => generated(state, &asked.prompt, &sampler, draw).await,
        // It can never be told again from a text that somebody made up, so it is no draw among draws.
        Origin::Once(draw) => {
            let meta = json!({
                "generator": sampler.generator, "sampling": sampler.sampling, "draw": draw.draw,
                "finish": draw.finish, "tokens": draw.tokens, "sent_by": by.name,
            });
            let new = NewSnippet {
                origin: Brought::Generate,
                meta,
                ..NewSnippet::imported(text_of(asked), sampler.generator)
            };
            insert(state, new).await
        }
        Origin::Unknown => Err(Problem::conflict(format!(
            "the generator {} does not draw this text at seed {} and draw {draw}; draw it again, or send it \
             without seed and draw as a text written by hand",
            sampler.generator, sampler.sampling.seed
        ))),
    }
}

/// Stores a draw as `nines generate` would have.
async fn generated(
    state: &AppState,
    prompt: &str,
    sampler: &Sampler,
    draw: Draw,
) -> Result<SnippetId, Problem> {
    let number = draw.draw;
    let prompts = state
        .store
        .insert_prompts(&[NewPrompt::new(prompt, SOURCE)])
        .await?;
    let prompt = prompts.ids().next();
    let prompt = prompt.ok_or_else(|| Problem::internal("a stored prompt has no key"))?;
    let new = NewGeneration { prompt, draw };
    let stored = state
        .store
        .insert_generations(None, sampler, &[new])
        .await?;
    if !stored.differing.is_empty() {
        return Err(Problem::conflict(format!(
            "draw {number} of this prompt is stored with another text, which stays"
        )));
    }
    let generations = state.store.generations(sampler, Some(&[prompt])).await?;
    let found = generations.iter().find(|stored| stored.draw.draw == number);
    let found = found.ok_or_else(|| Problem::internal("a stored draw is gone"))?;
    Ok(found.snippet)
}

/// Stores a text that somebody wrote or changed by hand.
async fn written(
    state: &AppState,
    by: &Account,
    asked: &SendRequest,
) -> Result<SnippetId, Problem> {
    let new = NewSnippet {
        origin: Brought::Edit,
        meta: json!({ "sent_by": by.name }),
        ..NewSnippet::imported(text_of(asked), SOURCE)
    };
    insert(state, new).await
}

/// Checks that a queue takes candidates.
async fn check_queue(state: &AppState, queue: i64) -> Result<(), Problem> {
    let queue = state.store.queue(queue).await?;
    let id = queue.id;
    if queue.kind != QueueKind::Sent {
        return Err(Problem::invalid(format!(
            "queue {id} is filled in another way; candidates go into one of the kind sent"
        )));
    }
    if !queue.open {
        return Err(Problem::conflict(format!(
            "queue {id} is closed; open it, or name no queue"
        )));
    }
    Ok(())
}

/// Puts a snippet into the queue asked for, or into the newest open one, which is made where there is
/// none.
async fn into_queue(
    state: &AppState,
    by: &Account,
    asked: Option<i64>,
    snippet: SnippetId,
) -> Result<i64, Problem> {
    let _alone = state.play.queueing.lock().await;
    let queue = match asked {
        Some(asked) => asked,
        None => {
            let queues = state.store.queues().await?;
            let mut newest_first = queues.into_iter().rev();
            let open = newest_first.find(|queue| queue.kind == QueueKind::Sent && queue.open);
            match open {
                Some(open) => open.id,
                None => state.store.ensure_queue(&sent_by(by)).await?.id,
            }
        }
    };
    state.store.fill_queue(queue, &[(snippet, None)]).await?;
    Ok(queue)
}

fn sent_by(by: &Account) -> NewQueue {
    NewQueue {
        kind: QueueKind::Sent,
        name: "Sent candidates".to_owned(),
        design: None,
        record: json!({ "how": "sent one by one" }),
        overlap: 1,
        created_by: Some(by.id),
    }
}

fn text_of(asked: &SendRequest) -> SnippetText {
    SnippetText::new(asked.prompt.clone(), asked.completion.clone())
}

async fn insert(state: &AppState, new: NewSnippet) -> Result<SnippetId, Problem> {
    let stored = state.store.insert_snippets(&[new]).await?;
    let id = stored.ids().next();
    id.ok_or_else(|| Problem::internal("a stored snippet has no key"))
}
