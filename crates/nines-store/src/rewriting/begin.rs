//! Beginning a session: which start a person gets, and whether with the tools.

use super::records::{self, RewritingSession};
use super::tasks::{self, Tools};
use super::{not_found, refused};
use crate::entity::rewriting_session::{ActiveModel, Column, Entity, Model};
use crate::entity::{rewriting_start, rewriting_task};
use crate::error::StoreError;
use crate::labelling::{Labeller, take_turn};
use crate::store::{Store, in_transaction};
use crate::time::now;
use crate::values::refuse_nul;
use nines_domain::score::{Score, Threshold};
use nines_domain::snippet::{ContentHash, ModelId, SnippetId, SnippetText};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder,
};

/// What a session starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct RewritingStart {
    /// The stored snippet, where it is one.
    pub snippet: Option<SnippetId>,
    /// The text.
    pub text: SnippetText,
    /// Its score.
    pub score: Score,
}

/// A session to begin.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRewritingSession {
    /// Whose it is.
    pub labeller: Labeller,
    /// The classifier under attack.
    pub model: ModelId,
    /// The path by which scores are computed.
    pub path: String,
    /// What a find's score must lie below.
    pub threshold: Threshold,
    /// Whether the tools are there.
    pub tools: bool,
    /// What it starts from.
    pub start: RewritingStart,
}

impl Store {
    /// Begins a session on a text of one's own choice.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the account has one open, or where the start passes already;
    /// [`StoreError::Dangling`], [`StoreError::Nul`], and those of writing.
    pub async fn begin_rewriting(
        &self,
        new: &NewRewritingSession,
    ) -> Result<RewritingSession, StoreError> {
        check(new)?;
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| begin(tx, new, None).await)
    }

    /// Begins a session on the next start of a task: one that this person has not had, of those that
    /// fewest have tried. Whether the tools are there is fixed now. None where no start is left.
    ///
    /// # Errors
    /// [`StoreError::NotFound`]; [`StoreError::Refused`] for a closed task, and where the account has a
    /// session open; and those of writing.
    pub async fn begin_rewriting_task(
        &self,
        task: i64,
        labeller: &Labeller,
    ) -> Result<Option<RewritingSession>, StoreError> {
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            // One at a time, so that two who begin at once get different starts.
            take_turn(tx).await?;
            let found = rewriting_task::Entity::find_by_id(task).one(tx).await?;
            let task = tasks::read(found.ok_or_else(|| not_found("rewriting task", task))?)?;
            if !task.open {
                return Err(StoreError::Refused {
                    what: "rewriting task",
                    id: task.id,
                    why: "is closed; choose another one".to_owned(),
                });
            }
            let sessions = Entity::find()
                .filter(Column::TaskId.eq(task.id))
                .order_by_asc(Column::Id)
                .all(tx)
                .await?;
            let mine: Vec<&Model> = sessions
                .iter()
                .filter(|row| row.account_id == labeller.account.0)
                .collect();
            let tools = match task.tools {
                Tools::On => true,
                Tools::Off => false,
                Tools::Random => coin(task.seed, task.id, labeller.account.0, mine.len()),
            };
            let starts = rewriting_start::Entity::find()
                .filter(rewriting_start::Column::TaskId.eq(task.id))
                .order_by_asc(rewriting_start::Column::Position)
                .all(tx)
                .await?;
            let tried = |start: &rewriting_start::Model| {
                let of_start = || sessions.iter().filter(|row| row.start_id == Some(start.id));
                let of_arm = of_start().filter(|row| row.tools == tools).count();
                let order = lot(task.seed, task.id, labeller.account.0, start.id);
                (of_start().count(), of_arm, order)
            };
            let left = starts
                .iter()
                .filter(|start| !mine.iter().any(|row| row.start_id == Some(start.id)));
            let Some(start) = left.min_by_key(|start| tried(start)) else {
                return Ok(None);
            };
            let text = text_of(tx, start.snippet_id).await?;
            let new = NewRewritingSession {
                labeller: labeller.clone(),
                model: task.model,
                path: task.path.clone(),
                threshold: task.threshold,
                tools,
                start: RewritingStart {
                    snippet: Some(SnippetId(start.snippet_id)),
                    text,
                    score: Score::new(start.score).map_err(|error| StoreError::BadValue {
                        row: 0,
                        field: "score",
                        why: error.to_string(),
                    })?,
                },
            };
            begin(tx, &new, Some((task.id, start.id))).await.map(Some)
        })
    }
}

fn check(new: &NewRewritingSession) -> Result<(), StoreError> {
    refuse_nul(0, "prompt", &new.start.text.prompt)?;
    refuse_nul(0, "completion", &new.start.text.completion)?;
    refuse_nul(0, "path", &new.path)?;
    if new.threshold.accepts(new.start.score) {
        return Err(StoreError::BadValue {
            row: 0,
            field: "start",
            why: "passes already: there is nothing to rewrite".to_owned(),
        });
    }
    Ok(())
}

/// Stores a session, unless its owner has one open.
async fn begin(
    tx: &DatabaseTransaction,
    new: &NewRewritingSession,
    of_task: Option<(i64, i64)>,
) -> Result<RewritingSession, StoreError> {
    take_turn(tx).await?;
    let open = Entity::find()
        .filter(Column::AccountId.eq(new.labeller.account.0))
        .filter(Column::State.eq("open"))
        .one(tx)
        .await?;
    if let Some(open) = open {
        return Err(refused(
            open.id,
            "is still open; go on with it, submit it or give it up first",
        ));
    }
    let start = &new.start;
    let row = ActiveModel {
        task_id: Set(of_task.map(|(task, _)| task)),
        start_id: Set(of_task.map(|(_, start)| start)),
        account_id: Set(new.labeller.account.0),
        labeller: Set(new.labeller.name.clone()),
        model_id: Set(new.model.0),
        path: Set(new.path.clone()),
        threshold: Set(new.threshold.logit()),
        tools: Set(new.tools),
        state: Set("open".to_owned()),
        start_snippet_id: Set(start.snippet.map(|snippet| snippet.0)),
        start_prompt: Set(start.text.prompt.clone()),
        start_completion: Set(start.text.completion.clone()),
        start_score: Set(start.score.logit()),
        prompt: Set(start.text.prompt.clone()),
        completion: Set(start.text.completion.clone()),
        score: Set(Some(start.score.logit())),
        seconds: Set(0.0),
        away_seconds: Set(0.0),
        paused: Set(false),
        saliency_calls: Set(0),
        menu_calls: Set(0),
        created: Set(now()),
        ..Default::default()
    };
    records::read(row.insert(tx).await?)
}

async fn text_of(tx: &DatabaseTransaction, snippet: i64) -> Result<SnippetText, StoreError> {
    use crate::entity::{prompt, snippet as snippets};
    let row = snippets::Entity::find_by_id(snippet).one(tx).await?;
    let row = row.ok_or_else(|| not_found("snippet", snippet))?;
    let prompt = prompt::Entity::find_by_id(row.prompt_id).one(tx).await?;
    let prompt = prompt.ok_or_else(|| not_found("prompt", row.prompt_id))?;
    Ok(SnippetText::new(prompt.text, row.completion))
}

/// Tosses the coin of somebody's session: of each two in a row one has the tools, and the seed says
/// which.
fn coin(seed: u64, task: i64, account: i64, before: usize) -> bool {
    let pair = (before / 2) as i64;
    let first = lot(seed, task, account, -1 - pair) & 1 == 0;
    first == before.is_multiple_of(2)
}

/// A number that orders things at random, fixed by what it is asked for.
fn lot(seed: u64, task: i64, account: i64, of: i64) -> u64 {
    let fields = [
        seed.to_string(),
        task.to_string(),
        account.to_string(),
        of.to_string(),
    ];
    let hash = ContentHash::of_fields("rewriting", &fields.each_ref().map(String::as_str));
    hash.bytes()[..8]
        .iter()
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coins_are_balanced_for_each_person_and_differ_between_people() {
        let mut firsts = 0;
        for account in 0..400 {
            let tosses: Vec<bool> = (0..8).map(|n| coin(7, 1, account, n)).collect();
            for pair in tosses.chunks(2) {
                assert_ne!(pair[0], pair[1]);
            }
            firsts += usize::from(tosses[0]);
        }
        // 200 expected, with a standard deviation of 10.
        assert!((150..=250).contains(&firsts), "{firsts}");
    }
}
