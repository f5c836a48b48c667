//! What the endpoints of rewriting take and answer.

use crate::auth::Account;
use crate::endpoints::play;
use crate::error::Problem;
use crate::rewriting::{Half, Place, place_of};
use crate::state::AppState;
use jiff::Timestamp;
use nines_domain::account::Role;
use nines_domain::snippet::{ModelId, SnippetText};
use nines_store::{RewritingSession, RewritingState, RewritingTaskRow, StepKind, Tools, WorkTime};
use nines_text::SnippetPart;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use utoipa::ToSchema;

/// Seconds of the longest session that is believed.
const LONGEST: f64 = 30.0 * 86_400.0;

/// A classifier by key and name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NamedClassifier {
    /// Its key.
    pub id: i64,
    /// Its name with its version.
    pub label: String,
}

impl NamedClassifier {
    /// Finds a classifier's name.
    pub async fn of(state: &AppState, model: ModelId) -> Result<Self, Problem> {
        let found = state.store.model(model).await?;
        Ok(Self {
            id: model.0,
            label: found.label(),
        })
    }
}

/// Whether the sessions of a task have the tools.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ToolsWord {
    /// All have.
    On,
    /// None has.
    Off,
    /// A coin says so for each session, for each person about half of the time.
    Random,
}

impl From<ToolsWord> for Tools {
    fn from(word: ToolsWord) -> Self {
        match word {
            ToolsWord::On => Self::On,
            ToolsWord::Off => Self::Off,
            ToolsWord::Random => Self::Random,
        }
    }
}

impl From<Tools> for ToolsWord {
    fn from(tools: Tools) -> Self {
        match tools {
            Tools::On => Self::On,
            Tools::Off => Self::Off,
            Tools::Random => Self::Random,
        }
    }
}

/// A task as its reader sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RewritingTask {
    /// Its key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whether sessions may begin.
    pub open: bool,
    /// What is attacked.
    pub classifier: NamedClassifier,
    /// What a find's score must lie below, in log odds.
    pub threshold: f64,
    /// Whether the tools are there; told to researchers alone.
    pub tools: Option<ToolsWord>,
    /// How many starts it has.
    pub starts: u64,
    /// How many sessions of it the caller has ended.
    pub done_by_me: u64,
    /// How many of its starts wait for the caller.
    pub waiting: u64,
    /// How many sessions all have begun.
    pub sessions: u64,
    /// How many finds were submitted.
    pub finds: u64,
    /// How many finds somebody other than their author has verified.
    pub verified: u64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

impl RewritingTask {
    /// Describes a task to somebody.
    pub async fn of(
        state: &AppState,
        row: RewritingTaskRow,
        reader: &Account,
    ) -> Result<Self, Problem> {
        let may_know = reader.role >= Role::Researcher;
        Ok(Self {
            id: row.task.id,
            open: row.task.open,
            classifier: NamedClassifier::of(state, row.task.model).await?,
            threshold: row.task.threshold.logit(),
            tools: may_know.then(|| row.task.tools.into()),
            starts: row.starts,
            done_by_me: row.done_by_me,
            waiting: row.waiting_for_me,
            sessions: row.sessions,
            finds: row.finds,
            verified: row.verified,
            created: row.task.created,
            name: row.task.name,
        })
    }

    /// Finds one task as somebody sees it.
    pub async fn seen_by(state: &AppState, id: i64, reader: &Account) -> Result<Self, Problem> {
        let rows = state.store.rewriting_tasks_of(reader.id, false).await?;
        let row = rows.into_iter().find(|row| row.task.id == id);
        let row = row.ok_or_else(|| Problem::not_found(format!("there is no task {id}")))?;
        Self::of(state, row, reader).await
    }
}

/// How a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Somebody is at it.
    Open,
    /// It ended with a find.
    Submitted,
    /// It ended without one.
    GaveUp,
}

impl From<RewritingState> for SessionState {
    fn from(state: RewritingState) -> Self {
        match state {
            RewritingState::Open => Self::Open,
            RewritingState::Submitted => Self::Submitted,
            RewritingState::GaveUp => Self::GaveUp,
        }
    }
}

impl From<SessionState> for RewritingState {
    fn from(state: SessionState) -> Self {
        match state {
            SessionState::Open => Self::Open,
            SessionState::Submitted => Self::Submitted,
            SessionState::GaveUp => Self::GaveUp,
        }
    }
}

/// What made a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StepWord {
    /// Typing.
    Typed,
    /// A substitute that the tools offered.
    Substitute,
    /// An insertion that the tools offered.
    Insert,
    /// A deletion that the tools offered.
    Delete,
    /// Back to the step before.
    Undo,
    /// Forward again.
    Redo,
    /// Back to the start.
    Reset,
}

impl From<StepWord> for StepKind {
    fn from(word: StepWord) -> Self {
        match word {
            StepWord::Typed => Self::Typed,
            StepWord::Substitute => Self::Substitute,
            StepWord::Insert => Self::Insert,
            StepWord::Delete => Self::Delete,
            StepWord::Undo => Self::Undo,
            StepWord::Redo => Self::Redo,
            StepWord::Reset => Self::Reset,
        }
    }
}

impl From<StepKind> for StepWord {
    fn from(kind: StepKind) -> Self {
        match kind {
            StepKind::Typed => Self::Typed,
            StepKind::Substitute => Self::Substitute,
            StepKind::Insert => Self::Insert,
            StepKind::Delete => Self::Delete,
            StepKind::Undo => Self::Undo,
            StepKind::Redo => Self::Redo,
            StepKind::Reset => Self::Reset,
        }
    }
}

/// A text that a session starts from.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionStart {
    /// The stored snippet, where it is one.
    pub snippet: Option<i64>,
    /// The given text.
    pub prompt: String,
    /// Its continuation.
    pub completion: String,
    /// Its score, in log odds.
    pub score: f64,
}

/// A text under rewriting.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionText {
    /// The given text.
    pub prompt: String,
    /// Its continuation.
    pub completion: String,
    /// Its score, in log odds; null where it has none.
    pub score: Option<f64>,
}

/// A step of a session.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionStep {
    /// Its number, from 1.
    pub n: u64,
    /// What made it.
    pub kind: StepWord,
    /// The given text that it led to.
    pub prompt: String,
    /// The continuation.
    pub completion: String,
    /// The score of the text, in log odds; null where it has none.
    pub score: Option<f64>,
    /// Why it has none.
    pub reason: Option<String>,
    /// Seconds at work up to then.
    pub seconds: f64,
}

/// What a session ended with.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionFind {
    /// The stored snippet.
    pub snippet: i64,
    /// Its score, in log odds.
    pub score: f64,
    /// How grave its author says it is, 1 to 3.
    pub severity: u8,
    /// What trick it uses.
    pub trick: String,
    /// Whether somebody else confirmed that it is a catastrophe; null while that is open.
    pub verified: Option<bool>,
}

/// A session with all its steps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RewritingSession)]
pub struct Session {
    /// Its key.
    pub id: i64,
    /// The task that it belongs to.
    pub task: Option<i64>,
    /// What is attacked.
    pub classifier: NamedClassifier,
    /// What a find's score must lie below, in log odds.
    pub threshold: f64,
    /// Whether saliency, substitutes and inspiration are there.
    pub tools: bool,
    /// How it stands.
    pub state: SessionState,
    /// What it starts from.
    pub start: SessionStart,
    /// The text as it is now.
    pub text: SessionText,
    /// Every step so far, in its order.
    pub steps: Vec<SessionStep>,
    /// Seconds at work.
    pub seconds: f64,
    /// Seconds away.
    pub away_seconds: f64,
    /// Whether the clock stands.
    pub paused: bool,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended: Option<Timestamp>,
    /// What it ended with.
    pub find: Option<SessionFind>,
}

impl Session {
    /// Adds to a stored session what other tables know of it.
    pub async fn of(state: &AppState, stored: RewritingSession) -> Result<Self, Problem> {
        let steps = state.store.rewriting_steps(stored.id).await?;
        let classifier = NamedClassifier::of(state, stored.model).await?;
        let find = match stored.find {
            None => None,
            Some(find) => Some(SessionFind {
                snippet: find.snippet.0,
                score: find.score,
                severity: find.severity.into(),
                verified: state
                    .store
                    .rewriting_verification(find.snippet)
                    .await?
                    .is_verified(),
                trick: find.trick,
            }),
        };
        Ok(Self {
            id: stored.id,
            task: stored.task,
            classifier,
            threshold: stored.threshold.logit(),
            tools: stored.tools,
            state: stored.state.into(),
            start: SessionStart {
                snippet: stored.start_snippet.map(|snippet| snippet.0),
                prompt: stored.start.prompt,
                completion: stored.start.completion,
                score: stored.start_score,
            },
            text: SessionText {
                prompt: stored.text.prompt,
                completion: stored.text.completion,
                score: stored.score,
            },
            steps: steps
                .into_iter()
                .map(|step| SessionStep {
                    n: step.n,
                    kind: step.kind.into(),
                    prompt: step.text.prompt,
                    completion: step.text.completion,
                    score: step.score,
                    reason: step.reason,
                    seconds: step.seconds,
                })
                .collect(),
            seconds: stored.seconds,
            away_seconds: stored.away_seconds,
            paused: stored.paused,
            created: stored.created,
            ended: stored.ended,
            find,
        })
    }
}

/// A text to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextBody {
    /// The given text.
    #[schema(max_length = 32768)]
    pub prompt: String,
    /// Its continuation.
    #[schema(max_length = 32768)]
    pub completion: String,
}

/// Checks a text, and puts its halves together.
pub fn text_of(prompt: String, completion: String) -> Result<SnippetText, Problem> {
    play::text::check("prompt", &prompt)?;
    play::text::check("completion", &completion)?;
    Ok(SnippetText::new(prompt, completion))
}

/// Checks what a page says of its clock.
pub fn time_of(seconds: f64, away_seconds: f64) -> Result<WorkTime, Problem> {
    for (name, told) in [("seconds", seconds), ("away_seconds", away_seconds)] {
        if !(0.0..=LONGEST).contains(&told) {
            return Err(Problem::invalid(format!(
                "{name} lie between 0 and {LONGEST}, and are not {told}"
            )));
        }
    }
    Ok(WorkTime {
        seconds,
        away_seconds,
    })
}

/// Finds a session of the caller. One of somebody else is as good as none.
pub async fn own(
    state: &AppState,
    id: i64,
    account: &Account,
) -> Result<RewritingSession, Problem> {
    let session = state.store.rewriting_session(id).await?;
    if session.account != account.id {
        return Err(Problem::not_found(format!(
            "the database has no rewriting session {id} of yours"
        )));
    }
    Ok(session)
}

/// A half of a snippet and a place in it, in UTF-16 code units.
pub fn told_place(text: &SnippetText, part: SnippetPart, bytes: &Range<usize>) -> (Half, Place) {
    let half = match part {
        SnippetPart::Prompt => &text.prompt,
        SnippetPart::Completion => &text.completion,
    };
    (part.into(), place_of(half, bytes))
}
