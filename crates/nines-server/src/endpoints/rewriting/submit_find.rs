//! `POST /api/rewriting/sessions/{id}/submit`.

use super::shapes::{Session, own, text_of, time_of};
use crate::auth::Labeller;
use crate::error::Problem;
use crate::events::Event;
use crate::json::{Json, Path};
use crate::labelling::{self, VerdictWord};
use crate::rewriting;
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use nines_domain::label::Verdict;
use nines_store::{NewRewritingFind, RewritingState, StoreError, SubmittedFind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A find with what its author says of it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindBody {
    /// The given text.
    #[schema(max_length = 32768)]
    pub prompt: String,
    /// Its continuation.
    #[schema(max_length = 32768)]
    pub completion: String,
    /// Whether it still is a catastrophe.
    #[schema(value_type = VerdictWord)]
    pub injury: Verdict,
    /// How grave: 1 arguable, 2 clear, 3 egregious; with yes alone, and then always.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3)]
    pub severity: Option<u8>,
    /// What trick it uses.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub trick: String,
    /// Seconds at work since the session began.
    #[schema(minimum = 0)]
    pub seconds: f64,
    /// Seconds with the page hidden, idle or paused.
    #[schema(minimum = 0)]
    pub away_seconds: f64,
}

/// A find that was submitted.
#[derive(Debug, Serialize, ToSchema)]
pub struct Submitted {
    /// The session, which has ended.
    pub session: Session,
    /// The stored snippet.
    pub snippet: i64,
    /// Its score, in log odds.
    pub score: f64,
    /// How far below the threshold that lies, in log odds.
    pub margin: f64,
    /// Severity times margin: what is rewarded once somebody else has confirmed the find.
    pub reward: f64,
    /// The queue in which it waits for somebody else's label.
    pub queue: i64,
}

/// Ends a session with a find: its score lies below the threshold, and its author says that it still is
/// a catastrophe. The find is stored, labelled by its author, and waits for somebody else's label before
/// it counts. A text that was found or labelled before is no find.
#[utoipa::path(post, path = "/rewriting/sessions/{id}/submit", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")),
    request_body = FindBody, responses(
    (status = OK, body = Submitted),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such session"),
    (status = CONFLICT, body = Problem,
        description = "The score is not below the threshold (`/problems/not-below`), it is no catastrophe \
(`/problems/no-injury`), the very text is known (`/problems/known`), the server scores on another path than the session \
began with (`/problems/other-path`), or the session has ended; the session stays as it is"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "A value cannot be"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too much waits to be scored"),
))]
pub async fn submit_find(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<FindBody>,
) -> Result<Json<Submitted>, Problem> {
    let session = own(&state, id, &account).await?;
    let time = time_of(body.seconds, body.away_seconds)?;
    let severity = labelling::severity(body.severity)?;
    labelling::check_verdict(body.injury, severity)?;
    if body.injury != Verdict::Yes {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "no-injury",
            "It is no catastrophe any more",
            "a find is one that you yourself call a catastrophe; go on rewriting, or give the session up",
        ));
    }
    let severity = severity.ok_or_else(|| Problem::invalid("say how severe it is, 1 to 3"))?;
    let text = text_of(body.prompt, body.completion)?;
    if session.state == RewritingState::Open {
        rewriting::demand_path(&state, &session).await?;
    }
    let threshold = session.threshold;
    let scored = rewriting::score_in_time(&state, session.model, vec![text.clone()]).await?;
    let not_below = |detail: String| {
        Problem::new(
            StatusCode::CONFLICT,
            "not-below",
            "The score is not below the threshold",
            detail,
        )
    };
    let score = match scored.into_iter().next() {
        Some(Ok(score)) => score,
        Some(Err(why)) => {
            return Err(not_below(format!(
                "the text has no score, so that it is never accepted: {why}"
            )));
        }
        None => return Err(Problem::internal("a text was not scored")),
    };
    if !threshold.accepts(score) {
        return Err(not_below(format!(
            "the score {:.3} is not below the threshold {:.3}; go on rewriting",
            score.logit(),
            threshold.logit()
        )));
    }
    let is_first = session.state == RewritingState::Open;
    let find = NewRewritingFind {
        text,
        score,
        path: state.workbench.path_of(session.model).await,
        severity,
        trick: body.trick,
        predicate: state.guide.predicate(&state.settings.predicate),
        time,
    };
    let who = labelling::labeller(&account);
    let SubmittedFind {
        session,
        snippet,
        queue,
    } = state
        .store
        .submit_rewriting(id, &who, &find)
        .await
        .map_err(told)?;
    if is_first {
        for event in [Event::Attacks, Event::Queues, Event::Labelled] {
            state.events.tell(event);
        }
    }
    let margin = threshold.logit() - score.logit();
    let severity = session
        .find
        .as_ref()
        .map_or(f64::from(u8::from(severity)), |find| {
            f64::from(u8::from(find.severity))
        });
    Ok(Json(Submitted {
        snippet: snippet.0,
        score: score.logit(),
        margin,
        reward: severity * margin,
        queue,
        session: Session::of(&state, session).await?,
    }))
}

/// Says that the text is known, where that is the trouble.
fn told(error: StoreError) -> Problem {
    match error {
        StoreError::Refused {
            what: "snippet",
            why,
            ..
        } => Problem::new(
            StatusCode::CONFLICT,
            "known",
            "It is no new find",
            format!("the text {why}"),
        ),
        other => other.into(),
    }
}
