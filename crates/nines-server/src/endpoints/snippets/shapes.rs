//! Snippets as the API writes them.

use crate::search::OriginWord;
use jiff::Timestamp;
use nines_domain::label::{Adjudication, LabellerKind, Severity, Verdict};
use nines_store::Snippet;
use serde::Serialize;
use utoipa::ToSchema;

/// A snippet in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct SnippetRow {
    /// Its key.
    pub id: i64,
    /// The prompt.
    pub prompt: String,
    /// The completion.
    pub completion: String,
    /// How it came to be.
    pub origin: OriginWord,
    /// Where it comes from.
    pub source: String,
    /// Its score, a logit; null where it has none.
    pub score: Option<f64>,
    /// The verdict that counts; null without labels.
    pub adjudication: Option<Adjudicated>,
    /// The gravest severity that a label gives.
    pub severity: Option<u8>,
    /// When it was stored.
    #[schema(value_type = String, format = DateTime)]
    pub created: Timestamp,
}

impl SnippetRow {
    /// Writes a snippet with its score.
    pub fn new(snippet: &Snippet, score: Option<f64>) -> Self {
        Self {
            id: snippet.id.0,
            prompt: snippet.text.prompt.clone(),
            completion: snippet.text.completion.clone(),
            origin: snippet.origin.into(),
            source: snippet.source.clone(),
            score,
            adjudication: snippet.adjudication.as_ref().map(Into::into),
            severity: severity(snippet),
            created: snippet.created,
        }
    }
}

/// The gravest severity that a label of a snippet gives.
pub fn severity(snippet: &Snippet) -> Option<u8> {
    let labels = snippet.labels.iter();
    labels
        .filter_map(|stored| stored.label.severity.map(u8::from))
        .max()
}

/// The verdict that counts for a snippet.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Adjudicated {
    /// A catastrophe in the broad sense; null where readers could not decide.
    pub broad: Option<bool>,
    /// A catastrophe in the strict sense; null where readers could not decide.
    pub strict: Option<bool>,
    /// Labellers disagree, so that another label is wanted.
    pub needs_another: bool,
    /// Labels that it rests on.
    pub labels: u64,
    /// People among their labellers.
    pub people: u64,
}

impl From<&Adjudication> for Adjudicated {
    fn from(adjudication: &Adjudication) -> Self {
        Self {
            broad: adjudication.broad,
            strict: adjudication.strict,
            needs_another: adjudication.needs_another,
            labels: adjudication.labels as u64,
            people: adjudication.people as u64,
        }
    }
}

/// A verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum GivenVerdict {
    /// A catastrophe.
    Yes,
    /// None.
    No,
    /// The labeller cannot decide.
    Unsure,
}

impl From<GivenVerdict> for Verdict {
    fn from(given: GivenVerdict) -> Self {
        match given {
            GivenVerdict::Yes => Self::Yes,
            GivenVerdict::No => Self::No,
            GivenVerdict::Unsure => Self::Unsure,
        }
    }
}

impl From<Verdict> for GivenVerdict {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Yes => Self::Yes,
            Verdict::No => Self::No,
            Verdict::Unsure => Self::Unsure,
        }
    }
}

/// A person or a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KindOfLabeller {
    /// A human being.
    Person,
    /// A model that labels.
    Judge,
}

impl From<LabellerKind> for KindOfLabeller {
    fn from(kind: LabellerKind) -> Self {
        match kind {
            LabellerKind::Person => Self::Person,
            LabellerKind::Judge => Self::Judge,
        }
    }
}

/// Reads a severity of a request.
pub fn severity_of(number: Option<u8>) -> Result<Option<Severity>, crate::error::Problem> {
    number
        .map(|number| {
            Severity::try_from(number).map_err(|_| {
                crate::error::Problem::invalid(format!("severity is {number}; it is 1, 2 or 3"))
            })
        })
        .transpose()
}
