//! Taking back an answer or a skip.

use super::answers::refused;
use super::assignments::{self, Assignment, AssignmentState, Purpose};
use super::{Labeller, checks, flags, leasing, recount, take_turn};
use crate::entity::assignment::ActiveModel;
use crate::error::StoreError;
use crate::labels;
use crate::store::{Store, in_transaction};
use crate::withdrawals::{withdraw_comparison, withdraw_label};
use nines_domain::snippet::SnippetId;
use sea_orm::{ActiveModelTrait, ActiveValue::Set};

impl Store {
    /// Takes back what a labeller said of an assignment, and gives them the item again as a new
    /// assignment. The label or comparison is withdrawn: it stays stored, and no reading counts it.
    /// Undoing twice gives the same new assignment.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] where nothing is answered, where it is part
    /// of practice or qualification, or where a skipped item has gone to others; and those of writing.
    pub async fn undo_assignment(
        &self,
        id: i64,
        labeller: &Labeller,
    ) -> Result<Assignment, StoreError> {
        let account = labeller.account;
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            let row = assignments::own(tx, id, account).await?;
            labels::lock(tx, &[row.snippet_id]).await?;
            take_turn(tx).await?;
            let row = assignments::own(tx, id, account).await?;
            let purpose = assignments::purpose_of(&row)?;
            match assignments::state_of(&row)? {
                AssignmentState::Undone => {
                    let next = row.undone_into;
                    let next = next.ok_or_else(|| refused(id, "was taken back before"))?;
                    let next = assignments::own(tx, next, account).await?;
                    return match assignments::state_of(&next)? {
                        AssignmentState::Open => assignments::read(next),
                        AssignmentState::Expired => {
                            let next = leasing::renewed(tx, next.id).await?;
                            recount(tx, &[next.snippet_id]).await?;
                            assignments::read(next)
                        }
                        _ => Err(refused(
                            id,
                            "was taken back, and the item dealt with again since",
                        )),
                    };
                }
                AssignmentState::Answered => {}
                AssignmentState::Skipped => {
                    if purpose == Purpose::Work && !leasing::is_free(tx, &row).await? {
                        return Err(refused(id, "was skipped, and others have taken it since"));
                    }
                    if let Some(reason) = row.reason.as_deref() {
                        let snippet = SnippetId(row.snippet_id);
                        flags::take_back(tx, snippet, account, &flags::of_skip(reason)).await?;
                    }
                }
                AssignmentState::Open | AssignmentState::Expired => {
                    return Err(refused(id, "has no answer that could be undone"));
                }
            }
            if matches!(purpose, Purpose::Practice | Purpose::Qualification) {
                return Err(refused(
                    id,
                    "is part of the training, where answers are final",
                ));
            }
            let next = assignments::opened(&row).insert(tx).await?;
            let change = ActiveModel {
                id: Set(id),
                state: Set(AssignmentState::Undone.as_str().to_owned()),
                item_waiting: Set(false),
                undone_into: Set(Some(next.id)),
                ..Default::default()
            };
            change.update(tx).await?;
            if let Some(label) = row.label_id {
                withdraw_label(tx, label, row.snippet_id, account).await?;
            } else if let Some(comparison) = row.comparison_id {
                withdraw_comparison(tx, comparison, row.snippet_id, account).await?;
            } else {
                checks::withdraw_answer(tx, id).await?;
                recount(tx, &[row.snippet_id]).await?;
            }
            assignments::read(next)
        })
    }
}
