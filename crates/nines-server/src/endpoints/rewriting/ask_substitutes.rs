//! `POST /api/rewriting/sessions/{id}/substitutes`.

use super::shapes::{own, text_of, told_place};
use crate::auth::Labeller;
use crate::error::Problem;
use crate::json::{Json, Path};
use crate::rewriting::{self, Half, Place, ServedScorer, Stop, Turn};
use crate::state::AppState;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Sse};
use futures_util::StreamExt;
use nines_attack::edit::Site;
use nines_attack::menu::{self, MenuModels, MenuRequest, Ranked};
use nines_attack::thesaurus::Thesaurus;
use nines_domain::snippet::SnippetText;
use nines_infer::cancel::CancelFlag;
use nines_infer::language_model::LanguageModel;
use nines_infer::masked_language_model::MaskedLanguageModel;
use nines_infer::scorer::Scorer;
use nines_store::ToolCall;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::ToSchema;

/// Rows of one menu.
const MOST: usize = 48;

/// A menu takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(15);

/// Answers that may wait for a slow reader.
const WAITING: usize = 8;

/// What was clicked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubstitutesBody {
    /// The given text.
    #[schema(max_length = 32768)]
    pub prompt: String,
    /// Its continuation.
    #[schema(max_length = 32768)]
    pub completion: String,
    /// The half that the place is in.
    pub part: Half,
    /// Where the place begins, in UTF-16 code units.
    pub start: usize,
    /// Where it ends; the same as `start` for a gap, where something is to be inserted.
    pub end: usize,
    /// So many rows: 48 unless said otherwise.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 48)]
    pub limit: Option<usize>,
}

/// One row of the menu: `text` in the place of `start` to `end` gives the text that was scored. The place
/// may be wider than what was clicked: a whole word, and the white space that goes with a deletion.
#[derive(Debug, Serialize, ToSchema)]
pub struct Substitute {
    /// The half that the place is in.
    pub part: Half,
    /// Where it begins, in UTF-16 code units.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// What comes there, white space included.
    pub text: String,
    /// The true score of the whole edited text, in log odds.
    pub score: f64,
    /// The score less that of the text before.
    pub delta: f64,
    /// How probable the language model holds it there, as a natural logarithm; null until it was asked.
    pub log_probability: Option<f64>,
    /// Where it comes from, such as `language_model`, `synonym`, `gradient`, `delete`.
    pub kind: String,
}

/// What the stream tells.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum SubstitutesEvent {
    /// All rows so far, the lowest score first, in place of those told before.
    Rows {
        /// The rows.
        rows: Vec<Substitute>,
        /// Whether nothing more comes.
        r#final: bool,
    },
    /// Nothing more comes, before all was told.
    Problem {
        /// Why.
        detail: String,
    },
}

/// Proposes what could stand at a place, ranked by the true score of the whole edited text. The answer is a
/// stream of events, whose data are `SubstitutesEvent`s; when nobody reads it any more, the work stops.
/// Counted with the session.
#[utoipa::path(post, path = "/rewriting/sessions/{id}/substitutes", tag = "rewriting",
    params(("id" = i64, Path, description = "The session's key")),
    request_body = SubstitutesBody, responses(
    (status = OK, body = SubstitutesEvent, content_type = "text/event-stream"),
    (status = UNAUTHORIZED, body = Problem, description = "Nobody is signed in"),
    (status = FORBIDDEN, body = Problem, description = "The session is without tools"),
    (status = NOT_FOUND, body = Problem, description = "The caller has no such session"),
    (status = CONFLICT, body = Problem, description = "The session has ended"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, description = "There is no such place, or the text is too long"),
    (status = TOO_MANY_REQUESTS, body = Problem, description = "Too many ask at once"),
))]
pub async fn ask_substitutes(
    State(state): State<AppState>,
    Labeller { account }: Labeller,
    Path(id): Path<i64>,
    Json(body): Json<SubstitutesBody>,
) -> Result<impl IntoResponse, Problem> {
    let session = own(&state, id, &account).await?;
    rewriting::demand_open(&session)?;
    rewriting::demand_path(&state, &session).await?;
    rewriting::demand_tools(&session)?;
    let limit = body.limit.unwrap_or(MOST);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::invalid(format!(
            "limit is 1 to {MOST}, not {limit}"
        )));
    }
    let text = text_of(body.prompt, body.completion)?;
    let half = match body.part {
        Half::Prompt => &text.prompt,
        Half::Completion => &text.completion,
    };
    let place = Place {
        start: body.start,
        end: body.end,
    };
    let site = Site {
        part: body.part.into(),
        range: rewriting::bytes_of(half, place)?,
    };
    let turn = state.desk.turn(account.id).await?;
    let cancel = CancelFlag::default();
    let service = state.scoring.clone();
    let scorer = ServedScorer::new(service, session.model, cancel.clone(), PATIENCE);
    // Whoever clicked waits for all of this.
    let (counted, scorer, language_model, thesaurus) = tokio::join!(
        state.store.count_tool_call(id, ToolCall::Menu),
        scorer,
        state.workbench.language_model(),
        state.workbench.thesaurus(),
    );
    counted?;
    let (events, stream) = mpsc::channel(WAITING);
    let making = Making {
        request: MenuRequest {
            snippet: text,
            site,
            limit,
        },
        scorer: scorer?,
        language_model: language_model?,
        masked: state.workbench.masked(),
        thesaurus,
        events,
        turn,
    };
    tokio::task::spawn_blocking(move || making.run());
    let closing = state.closing.clone();
    let closing = Box::pin(async move { closing.begun().await });
    // Whoever has gone drops the stream, and the guard with it.
    let stop = Stop::on_drop(cancel);
    let stream = ReceiverStream::new(stream)
        .map(move |event| {
            let _ = &stop;
            Event::default().json_data(event)
        })
        .take_until(closing);
    // Proxies that collect an answer before they pass it on would hold rows back.
    let unbuffered = [("x-accel-buffering", "no")];
    let stream = Sse::new(stream).keep_alive(KeepAlive::default());
    Ok((unbuffered, stream))
}

/// A menu on its way to whoever clicked.
struct Making {
    request: MenuRequest,
    scorer: ServedScorer,
    language_model: Option<Arc<dyn LanguageModel>>,
    masked: Option<Arc<MaskedLanguageModel>>,
    thesaurus: Option<Arc<Thesaurus>>,
    events: mpsc::Sender<SubstitutesEvent>,
    turn: Turn,
}

impl Making {
    /// Makes the menu, until all is told or nobody listens.
    fn run(self) {
        let score = |texts: &[SnippetText]| self.scorer.score(texts, &mut |_| ());
        let models = MenuModels {
            score: &score,
            scorer: &self.scorer,
            language_model: self.language_model.as_deref(),
            masked: self.masked.as_deref(),
            thesaurus: self.thesaurus.as_deref(),
        };
        let mut has_ended = false;
        let mut tell = |rows: &[Ranked], is_final: bool| {
            has_ended = is_final;
            let shown = rows.iter().take(self.request.limit);
            let event = SubstitutesEvent::Rows {
                rows: shown
                    .map(|row| substitute(&self.request.snippet, row))
                    .collect(),
                r#final: is_final,
            };
            self.events.blocking_send(event).is_ok() && (is_final || !self.scorer.is_over())
        };
        let failure = match menu::rank(&self.request, &models, &mut tell) {
            Err(error) => Some(error.to_string()),
            Ok(()) if !has_ended => {
                Some("not every row came in time; click again for the rest".to_owned())
            }
            Ok(()) => None,
        };
        if let Some(detail) = failure {
            // Whoever has gone misses nothing.
            drop(
                self.events
                    .blocking_send(SubstitutesEvent::Problem { detail }),
            );
        }
        drop(self.turn);
    }
}

fn substitute(text: &SnippetText, row: &Ranked) -> Substitute {
    let (part, place) = told_place(text, row.site.part, &row.site.range);
    Substitute {
        part,
        start: place.start,
        end: place.end,
        text: row.text.clone(),
        score: row.score,
        delta: row.delta,
        log_probability: row.log_probability,
        kind: row.kind.to_owned(),
    }
}
