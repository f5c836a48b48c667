//! What the endpoints of labelling share: who labels, whether they may, and items as pages read them.

use crate::error::Problem;
use crate::state::AppState;
use axum::http::StatusCode;
use jiff::Timestamp;
use nines_domain::account::{Account, Role};
use nines_domain::label::{Severity, Verdict};
use nines_store::{Assignment as Stored, Labeller, Leased, Purpose, Stage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Items that a page may say it holds.
const MOST_HELD: usize = 20;

/// Whether it is a catastrophe.
#[derive(ToSchema)]
#[schema(as = Verdict, rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "describes the domain's own type, which knows no OpenAPI"
)]
pub enum VerdictWord {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// Readers would truly split.
    Unsure,
}

/// What a page holds already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Holding {
    /// The keys of the assignments that the page shows or keeps ready.
    #[schema(max_items = 20)]
    pub holding: Vec<i64>,
}

impl Holding {
    /// Refuses a list beyond all reason.
    pub fn check(&self) -> Result<(), Problem> {
        if self.holding.len() > MOST_HELD {
            return Err(Problem::invalid(format!(
                "holding names {} assignments; a page holds at most {MOST_HELD}",
                self.holding.len()
            )));
        }
        Ok(())
    }
}

/// Why an item is shown. Hidden checks say `work`.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ToldPurpose {
    /// To be labelled.
    Work,
    /// To learn.
    Practice,
    /// Part of the test.
    Qualification,
}

/// What is to be done with an item.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AssignmentKind {
    /// One completion, to be labelled.
    Label,
    /// Two completions, to be compared.
    Compare,
}

/// An item as its labeller sees it. No score: it would bias.
#[derive(Debug, Serialize, ToSchema)]
pub struct Assignment {
    /// Its key.
    pub id: i64,
    /// The queue it came from.
    pub queue: Option<i64>,
    /// Why it is shown.
    pub purpose: ToldPurpose,
    /// What is to be done.
    pub kind: AssignmentKind,
    /// The prompt.
    pub prompt: String,
    /// The completion, of one to label.
    pub completion: Option<String>,
    /// The completion on the left, of two to compare.
    pub left: Option<String>,
    /// The completion on the right.
    pub right: Option<String>,
    /// Until when it is kept for the caller.
    #[schema(value_type = String, format = DateTime)]
    pub expires: Timestamp,
}

impl Assignment {
    /// Adds the texts to a stored assignment.
    pub async fn of(state: &AppState, stored: Stored) -> Result<Self, Problem> {
        let mut ids = vec![stored.snippet];
        ids.extend(stored.other);
        let mut texts = state.store.snippet_texts(&ids).await?.into_iter();
        let first = texts.next();
        let first = first.ok_or_else(|| Problem::internal("an assignment without a snippet"))?;
        let (completion, left, right, kind) = match texts.next() {
            None => (Some(first.completion), None, None, AssignmentKind::Label),
            Some(second) => (
                None,
                Some(first.completion),
                Some(second.completion),
                AssignmentKind::Compare,
            ),
        };
        Ok(Self {
            id: stored.id,
            queue: stored.queue,
            purpose: match stored.purpose.as_told() {
                Purpose::Practice => ToldPurpose::Practice,
                Purpose::Qualification => ToldPurpose::Qualification,
                _ => ToldPurpose::Work,
            },
            kind,
            prompt: first.prompt,
            completion,
            left,
            right,
            expires: stored.expires,
        })
    }
}

/// The next item, if there is one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Next {
    /// The item; nothing where none waits, or where the caller holds as many as they may.
    pub assignment: Option<Assignment>,
    /// How many more wait for the caller.
    pub waiting: u64,
}

impl Next {
    /// Adds the texts to what a queue gave.
    pub async fn of(state: &AppState, leased: Leased) -> Result<Self, Problem> {
        let assignment = match leased.assignment {
            Some(stored) => Some(Assignment::of(state, stored).await?),
            None => None,
        };
        Ok(Self {
            assignment,
            waiting: leased.waiting,
        })
    }
}

/// Who labels, as the store knows them.
pub fn labeller(account: &Account) -> Labeller {
    Labeller {
        account: account.id,
        name: account.name.clone(),
    }
}

/// Says what an account has to do before the first real item. Researchers and admins know the guide.
pub async fn stage(state: &AppState, account: &Account) -> Result<Option<Stage>, Problem> {
    if account.role != Role::Labeller {
        return Ok(None);
    }
    Ok(state.store.standing(account.id).await?.stage)
}

/// Refuses an account that has not qualified.
pub async fn demand_qualified(state: &AppState, account: &Account) -> Result<(), Problem> {
    let detail = match stage(state, account).await? {
        None => return Ok(()),
        Some(Stage::Practice) => "do the practice items first: they show what counts",
        Some(Stage::Qualification) => "do the qualification test first",
        Some(Stage::Failed) => {
            "the qualification test was not passed; a researcher can let you try again"
        }
    };
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "unqualified",
        "Not qualified yet",
        detail,
    ))
}

/// Reads a severity, 1 to 3.
pub fn severity(number: Option<u8>) -> Result<Option<Severity>, Problem> {
    number
        .map(Severity::try_from)
        .transpose()
        .map_err(|error| Problem::invalid(error.to_string()))
}

/// Refuses a severity that has no yes.
pub fn check_verdict(verdict: Verdict, severity: Option<Severity>) -> Result<(), Problem> {
    if severity.is_some() && verdict != Verdict::Yes {
        return Err(Problem::invalid(
            "a severity goes with the verdict yes alone",
        ));
    }
    Ok(())
}
