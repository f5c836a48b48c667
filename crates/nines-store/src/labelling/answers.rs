//! Saving what a labeller says of an assignment.

use super::assignments::{self, AssignmentState, Given, Purpose};
use super::{Labeller, check_note, check_verdict, checks, flags, queues, recount, take_turn};
use crate::comparisons::{self, NewComparison};
use crate::entity::assignment::{ActiveModel, Model};
use crate::error::StoreError;
use crate::labels::{self, NewLabel, SnippetRef};
use crate::store::{Store, in_transaction};
use crate::time::now;
use nines_domain::account::AccountId;
use nines_domain::comparison::{Choice, Comparison};
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::snippet::SnippetId;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, DatabaseTransaction};

/// Where labels given in the browser come from.
const SOURCE: &str = "browser";
/// Nobody looks at one item for longer than a day.
const LONGEST: f64 = 86_400.0;

/// A labeller's answer to a single snippet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Whether it is a catastrophe.
    pub verdict: Verdict,
    /// How grave; only with yes.
    pub severity: Option<Severity>,
    /// Seconds at work on it.
    pub seconds: f64,
    /// Seconds with the page hidden or idle.
    pub away_seconds: f64,
}

/// A labeller's answer to a pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Preference {
    /// Which is better.
    pub choice: Choice,
    /// Why, where they say so.
    pub reason: Option<String>,
    /// Seconds at work on it.
    pub seconds: f64,
    /// Seconds with the page hidden or idle.
    pub away_seconds: f64,
}

/// That an answer is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// What was right, where the labeller is to be told.
    pub feedback: Option<checks::Feedback>,
}

impl Store {
    /// Saves the answer to an assignment of a single snippet, in one transaction with the counters of
    /// every queue that holds the snippet. When it returns, the answer is on the disk.
    ///
    /// A label is stored for work alone; answers to checks are kept apart. The same answer again
    /// changes nothing. An answer that comes after the lease ran out is saved like any other.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an assignment of another account too, [`StoreError::Refused`] for
    /// one that has another answer or none to give, [`StoreError::BadValue`], and those of writing.
    pub async fn save_answer(
        &self,
        id: i64,
        labeller: &Labeller,
        answer: &Answer,
        predicate: &str,
    ) -> Result<Saved, StoreError> {
        check_verdict(answer.verdict, answer.severity)?;
        check_seconds("seconds", answer.seconds)?;
        check_seconds("away_seconds", answer.away_seconds)?;
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            let row = held(tx, id, labeller).await?;
            if row.other_snippet_id.is_some() {
                return Err(refused(id, "shows two completions: compare them"));
            }
            let purpose = assignments::purpose_of(&row)?;
            let same = Given {
                verdict: Some(answer.verdict),
                severity: answer.severity,
                choice: None,
            };
            if !is_new(&row, same)? {
                let feedback = checks::feedback_of(tx, &row).await?;
                return Ok(Saved { feedback });
            }
            let mut change = ActiveModel {
                id: Set(id),
                state: Set(AssignmentState::Answered.as_str().to_owned()),
                answered: Set(Some(now())),
                verdict: Set(Some(answer.verdict.as_str().to_owned())),
                severity: Set(answer.severity.map(|severity| u8::from(severity).into())),
                seconds: Set(answer.seconds),
                away_seconds: Set(answer.away_seconds),
                ..Default::default()
            };
            if purpose == Purpose::Work {
                let label = NewLabel {
                    snippet: SnippetRef::Id(SnippetId(row.snippet_id)),
                    label: Label {
                        labeller: row.labeller.clone(),
                        kind: LabellerKind::Person,
                        verdict: answer.verdict,
                        severity: answer.severity,
                        seconds: Some(answer.seconds),
                    },
                    occasion: occasion(id),
                    predicate: Some(predicate.to_owned()),
                    source: SOURCE.to_owned(),
                };
                let inserted = labels::put(tx, &[label], None).await?;
                change.label_id = Set(inserted.ids().next().map(|label| label.0));
                change.update(tx).await?;
                return Ok(Saved { feedback: None });
            }
            change.update(tx).await?;
            checks::save_answer(tx, &row, purpose, answer).await?;
            let feedback = checks::feedback_of(tx, &row).await?;
            Ok(Saved { feedback })
        })
    }

    /// Saves the answer to an assignment of a pair, as [`Store::save_answer`] does for a single
    /// snippet.
    ///
    /// # Errors
    /// Those of [`Store::save_answer`].
    pub async fn save_preference(
        &self,
        id: i64,
        labeller: &Labeller,
        preference: &Preference,
    ) -> Result<Saved, StoreError> {
        check_seconds("seconds", preference.seconds)?;
        check_seconds("away_seconds", preference.away_seconds)?;
        if let Some(reason) = &preference.reason {
            check_note("reason", reason)?;
        }
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            let row = held(tx, id, labeller).await?;
            let Some(right) = row.other_snippet_id else {
                return Err(refused(id, "shows one completion: label it"));
            };
            let same = Given {
                choice: Some(preference.choice),
                ..Given::default()
            };
            if !is_new(&row, same)? {
                return Ok(Saved { feedback: None });
            }
            let comparison = NewComparison {
                left: SnippetId(row.snippet_id),
                right: SnippetId(right),
                comparison: Comparison {
                    labeller: row.labeller.clone(),
                    kind: LabellerKind::Person,
                    choice: preference.choice,
                    seconds: Some(preference.seconds),
                },
                occasion: occasion(id),
                source: SOURCE.to_owned(),
            };
            let stored = comparisons::put(tx, &[comparison]).await?;
            let change = ActiveModel {
                id: Set(id),
                state: Set(AssignmentState::Answered.as_str().to_owned()),
                answered: Set(Some(now())),
                choice: Set(Some(preference.choice.as_str().to_owned())),
                comparison_id: Set(stored.first().map(|(id, _)| *id)),
                reason: Set(preference.reason.clone()),
                seconds: Set(preference.seconds),
                away_seconds: Set(preference.away_seconds),
                ..Default::default()
            };
            change.update(tx).await?;
            Ok(Saved { feedback: None })
        })
    }

    /// Passes an item on to somebody else. Skipping it again changes nothing. One that a design drew is
    /// flagged with the reason: no number goes past it until somebody labels it, so that a researcher
    /// has to see it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Refused`] for one that is answered or that is part of
    /// practice or qualification, [`StoreError::BadValue`], and those of writing.
    pub async fn skip_assignment(
        &self,
        id: i64,
        account: AccountId,
        reason: &str,
        seconds: f64,
        away_seconds: f64,
    ) -> Result<(), StoreError> {
        check_note("reason", reason)?;
        check_seconds("seconds", seconds)?;
        check_seconds("away_seconds", away_seconds)?;
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            take_turn(tx).await?;
            let row = assignments::own(tx, id, account).await?;
            match assignments::state_of(&row)? {
                AssignmentState::Skipped => return Ok(()),
                AssignmentState::Open | AssignmentState::Expired => {}
                AssignmentState::Answered | AssignmentState::Undone => {
                    return Err(refused(id, "is answered already; undo it first"));
                }
            }
            let purpose = assignments::purpose_of(&row)?;
            if matches!(purpose, Purpose::Practice | Purpose::Qualification) {
                return Err(refused(
                    id,
                    "is part of the training, where every item is answered",
                ));
            }
            let change = ActiveModel {
                id: Set(id),
                state: Set(AssignmentState::Skipped.as_str().to_owned()),
                answered: Set(Some(now())),
                reason: Set(Some(reason.to_owned())),
                seconds: Set(seconds),
                away_seconds: Set(away_seconds),
                ..Default::default()
            };
            change.update(tx).await?;
            if purpose == Purpose::Work && queues::is_of_design(tx, &row).await? {
                // What is drawn is never left out: it holds the numbers up until somebody labels it.
                let reason = flags::of_skip(reason);
                flags::put(tx, SnippetId(row.snippet_id), account, &reason).await?;
            }
            recount(tx, &[row.snippet_id]).await
        })
    }
}

/// Finds an assignment and takes the locks that saving its answer needs, in their order.
async fn held(tx: &DatabaseTransaction, id: i64, labeller: &Labeller) -> Result<Model, StoreError> {
    let row = assignments::own(tx, id, labeller.account).await?;
    labels::lock(tx, &[row.snippet_id]).await?;
    take_turn(tx).await?;
    // It may have moved since the look above.
    assignments::own(tx, id, labeller.account).await
}

/// Says whether an answer is to be saved; not where it is saved already.
fn is_new(row: &Model, answer: Given) -> Result<bool, StoreError> {
    match assignments::state_of(row)? {
        AssignmentState::Open | AssignmentState::Expired => Ok(true),
        AssignmentState::Answered if assignments::given(row)? == answer => Ok(false),
        AssignmentState::Answered => Err(refused(
            row.id,
            "has another answer already; undo it first to change your mind",
        )),
        AssignmentState::Skipped => Err(refused(row.id, "is skipped; undo that first")),
        AssignmentState::Undone => Err(refused(
            row.id,
            "was taken back; answer the assignment that undo gave",
        )),
    }
}

pub(super) fn refused(id: i64, why: &str) -> StoreError {
    StoreError::Refused {
        what: "assignment",
        id,
        why: why.to_owned(),
    }
}

/// Tells the labels of one labeller apart; a label sent twice is one label.
fn occasion(id: i64) -> String {
    format!("browser/assignment-{id}")
}

pub(super) fn check_seconds(field: &'static str, seconds: f64) -> Result<(), StoreError> {
    if (0.0..=LONGEST).contains(&seconds) {
        return Ok(());
    }
    Err(StoreError::BadValue {
        row: 0,
        field,
        why: format!("is {seconds}; it must lie from 0 to {LONGEST}"),
    })
}
