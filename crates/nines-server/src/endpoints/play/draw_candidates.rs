//! `POST /api/play/draw`.

use super::text::{self, ScoreOrReason};
use crate::auth::Researcher;
use crate::endpoints::classifiers;
use crate::error::Problem;
use crate::json::Json;
use crate::play::{Drawing, Drawn};
use crate::scoring::ScoringError;
use crate::state::AppState;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use nines_domain::draw::{Draw, Sampling};
use nines_domain::snippet::{ModelId, SnippetText};
use nines_infer::generator::GenerateStats;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

/// Candidates of one request.
const MOST: u32 = 50;

/// Classifiers side by side.
const SIDE_BY_SIDE: usize = 2;

/// A candidate waits this long for room in a full scoring queue.
const PATIENCE: Duration = Duration::from_secs(60);

/// Events that may wait for a slow reader.
const WAITING: usize = 16;

/// What to draw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DrawRequest {
    /// The text to continue.
    pub prompt: String,
    /// How many candidates.
    #[schema(minimum = 1, maximum = 50)]
    pub n: u32,
    /// The number of the first: seed, prompt and number decide a candidate.
    #[serde(default)]
    pub first_draw: u32,
    /// Keys the random stream.
    pub seed: u64,
    /// One or two classifiers that score each candidate.
    #[schema(min_items = 1, max_items = 2)]
    pub classifiers: Vec<i64>,
    /// Divides the logits; the project's unless given.
    pub temperature: Option<f64>,
    /// The share of probability that is kept; the project's unless given.
    pub top_p: Option<f64>,
}

/// What the stream tells.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DrawEvent {
    /// A candidate, as soon as it is drawn and scored; in no particular order.
    Candidate {
        /// Its number.
        draw: u32,
        /// Its text; empty where the draw failed.
        completion: String,
        /// Whether it is whole. One that is not is never accepted, and has no score.
        finished: bool,
        /// Why the draw failed, where it did.
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// By classifier: the score, or why there is none. Without a score it is never accepted.
        scores: BTreeMap<i64, ScoreOrReason>,
    },
    /// All was told.
    Done {
        /// The generator that drew.
        generator: String,
        /// Seconds from the first to the last.
        seconds: f64,
        /// Tokens drawn.
        tokens: u64,
    },
    /// Nothing more comes, before all was told.
    Problem {
        /// Why.
        detail: String,
    },
}

/// Draws candidates and scores each as it comes. The answer is a stream of events, whose data are
/// `DrawEvent`s; when nobody reads it any more, drawing stops.
#[utoipa::path(
    post,
    path = "/play/draw",
    tag = "play",
    request_body = DrawRequest,
    responses(
        (status = OK, body = DrawEvent, content_type = "text/event-stream"),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
        (status = TOO_MANY_REQUESTS, body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn draw_candidates(
    _: Researcher,
    State(state): State<AppState>,
    Json(asked): Json<DrawRequest>,
) -> Result<impl IntoResponse, Problem> {
    let draws = check(&asked)?;
    let base = state.workbench.sampling();
    let sampling = text::sampled(base, asked.seed, asked.temperature, asked.top_p)?;
    let mut models = BTreeSet::new();
    for id in asked.classifiers {
        models.insert(classifiers::find(&state, Some(id)).await?.id);
    }
    refuse(&state, &models, &asked.prompt).await?;
    shown(state, asked.prompt, sampling, draws, models).await
}

/// Starts to draw, and streams each candidate with its scores.
pub async fn shown(
    state: AppState,
    prompt: String,
    sampling: Sampling,
    draws: Range<u32>,
    models: BTreeSet<ModelId>,
) -> Result<impl IntoResponse + use<>, Problem> {
    let drawing = state.play.start(&prompt, draws.clone(), &sampling).await?;
    let (events, stream) = mpsc::channel(WAITING);
    let closing = state.closing.clone();
    let closing = Box::pin(async move { closing.begun().await });
    let show = Show {
        state,
        prompt,
        sampling,
        draws,
        models: models.into_iter().collect(),
        events,
    };
    tokio::spawn(show.run(drawing));
    let stream = ReceiverStream::new(stream)
        .map(|event| Event::default().json_data(event))
        .take_until(closing);
    // Proxies that collect an answer before they pass it on would hold candidates back.
    let unbuffered = [("x-accel-buffering", "no")];
    let stream = Sse::new(stream).keep_alive(KeepAlive::default());
    Ok((unbuffered, stream))
}

/// Checks a request, and says which draws it asks for.
fn check(asked: &DrawRequest) -> Result<Range<u32>, Problem> {
    text::check("prompt", &asked.prompt)?;
    if asked.prompt.trim().is_empty() {
        return Err(Problem::invalid(
            "the prompt is empty: write what is to be continued",
        ));
    }
    if !(1..=MOST).contains(&asked.n) {
        let n = asked.n;
        return Err(Problem::invalid(format!("n is 1 to {MOST}, not {n}")));
    }
    let count = asked.classifiers.len();
    if !(1..=SIDE_BY_SIDE).contains(&count) {
        return Err(Problem::invalid(format!(
            "one or {SIDE_BY_SIDE} classifiers stand side by side, not {count}"
        )));
    }
    let end = asked.first_draw.checked_add(asked.n);
    end.map(|end| asked.first_draw..end)
        .ok_or_else(|| Problem::invalid(format!("first_draw is at most {}", u32::MAX - asked.n)))
}

/// Refuses a prompt for which no classifier could score any completion: drawing would be in vain.
pub async fn refuse(
    state: &AppState,
    models: &BTreeSet<ModelId>,
    prompt: &str,
) -> Result<(), Problem> {
    let mut reasons = Vec::new();
    for model in models {
        let scorer = state.scoring.scorer(*model).await?;
        let prompt = prompt.to_owned();
        let refused = tokio::task::spawn_blocking(move || scorer.refuses(&prompt)).await;
        let refused = refused.map_err(Problem::internal)?;
        reasons.extend(refused.map(|reason| reason.to_string()));
    }
    match reasons.first() {
        Some(first) if reasons.len() == models.len() => Err(Problem::invalid(format!(
            "no completion of this prompt could be scored: {first}"
        ))),
        _ => Ok(()),
    }
}

/// One request's candidates on their way to whoever asked.
struct Show {
    state: AppState,
    prompt: String,
    sampling: Sampling,
    draws: Range<u32>,
    models: Vec<ModelId>,
    events: mpsc::Sender<DrawEvent>,
}

impl Show {
    /// Tells each candidate as it comes, until all are told or nobody listens. Returning drops the
    /// drawing and what waits to be scored.
    async fn run(self, mut drawing: Drawing) {
        let started = Instant::now();
        let generator = drawing.generator().to_owned();
        let (mut scoring, mut ended) = (FuturesUnordered::new(), None);
        let mut missing: BTreeSet<u32> = self.draws.clone().collect();
        let mut failure = None;
        while ended.is_none() || !scoring.is_empty() {
            tokio::select! {
                () = self.events.closed() => return,
                Some(event) = scoring.next(), if !scoring.is_empty() => {
                    if self.events.send(event).await.is_err() {
                        return;
                    }
                }
                drawn = drawing.next(), if ended.is_none() => match drawn {
                    Some(Drawn::Draw(draw)) => {
                        missing.remove(&draw.draw);
                        self.state.play.remember(&generator, &self.prompt, &self.sampling, &draw);
                        scoring.push(self.candidate(draw));
                    }
                    Some(Drawn::Failed(error)) => failure = failure.or(Some(error.to_string())),
                    Some(Drawn::Ended(result)) => {
                        ended = Some(result.map_err(|error| error.to_string()));
                    }
                    None => ended = Some(Err("the generator broke down".to_owned())),
                },
            }
        }
        self.end(generator, ended, missing, failure, started).await;
    }

    /// Tells which draws failed, and that the stream ends.
    async fn end(
        &self,
        generator: String,
        ended: Option<Result<GenerateStats, String>>,
        missing: BTreeSet<u32>,
        failure: Option<String>,
        started: Instant,
    ) {
        let last = match ended {
            Some(Err(detail)) => DrawEvent::Problem { detail },
            other => {
                let reason = failure.unwrap_or_else(|| "it was not delivered".to_owned());
                for draw in missing {
                    let failed = DrawEvent::Candidate {
                        draw,
                        completion: String::new(),
                        finished: false,
                        reason: Some(reason.clone()),
                        scores: BTreeMap::new(),
                    };
                    if self.events.send(failed).await.is_err() {
                        return;
                    }
                }
                DrawEvent::Done {
                    generator,
                    seconds: started.elapsed().as_secs_f64(),
                    tokens: other.and_then(Result::ok).map_or(0, |stats| stats.tokens),
                }
            }
        };
        // Whoever has gone misses nothing.
        drop(self.events.send(last).await);
    }

    /// Scores a candidate by each classifier.
    async fn candidate(&self, draw: Draw) -> DrawEvent {
        let scores = self.models.iter().map(|model| async {
            let score = match draw.finish.is_finished() {
                true => self.score(*model, &draw).await,
                false => ScoreOrReason::none("its sentence is unfinished"),
            };
            (model.0, score)
        });
        DrawEvent::Candidate {
            draw: draw.draw,
            scores: join_all(scores).await.into_iter().collect(),
            finished: draw.finish.is_finished(),
            completion: draw.completion.clone(),
            reason: None,
        }
    }

    async fn score(&self, model: ModelId, draw: &Draw) -> ScoreOrReason {
        let snippet = SnippetText::new(self.prompt.clone(), draw.completion.clone());
        let given_up = Instant::now() + PATIENCE;
        loop {
            match self.state.scoring.score(model, vec![snippet.clone()]).await {
                Ok(scored) => {
                    let first = scored.into_iter().next();
                    return first.map_or_else(|| ScoreOrReason::none("no answer"), Into::into);
                }
                Err(ScoringError::Full { retry_after, .. }) if Instant::now() < given_up => {
                    tokio::time::sleep(Duration::from_secs(retry_after)).await;
                }
                Err(error) => return ScoreOrReason::none(error.to_string()),
            }
        }
    }
}
