//! Submitting a find: it is stored, labelled by its author, and waits for somebody else's label.

use super::records::{self, RewritingSession, RewritingState, WorkTime};
use super::refused;
use crate::entity::attack_find;
use crate::entity::rewriting_session::{ActiveModel, Column, Entity, Model};
use crate::error::StoreError;
use crate::labelling::{Labeller, attacks, recount};
use crate::labels::{self, NewLabel};
use crate::scores;
use crate::snippets::{self, Bringer, NewSnippet, Origin};
use crate::store::{Store, in_transaction};
use crate::time::now;
use crate::values::refuse_nul;
use jiff::Timestamp;
use nines_domain::label::{Label, LabellerKind, Severity, Verdict};
use nines_domain::score::Score;
use nines_domain::snippet::{ModelId, SnippetId, SnippetText};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
};
use serde_json::json;

/// Characters of the longest description of a trick.
const LONGEST_TRICK: usize = 500;

/// Where finds of people come from.
const SOURCE: &str = "rewriting";

/// A find to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRewritingFind {
    /// The text.
    pub text: SnippetText,
    /// Its score, below the session's threshold.
    pub score: Score,
    /// The path by which that was computed: the session's.
    pub path: String,
    /// How grave its author says it is.
    pub severity: Severity,
    /// What trick it uses, in its author's words; may be empty.
    pub trick: String,
    /// The predicate that the author's label speaks of, by name and version.
    pub predicate: String,
    /// The time so far.
    pub time: WorkTime,
}

/// What a submitted find came to.
#[derive(Debug, Clone, PartialEq)]
pub struct SubmittedFind {
    /// The session, which has ended.
    pub session: RewritingSession,
    /// The stored snippet.
    pub snippet: SnippetId,
    /// The queue in which it waits.
    pub queue: i64,
}

impl Store {
    /// Ends a session with a find, in one transaction: the snippet as a child of the start, its score,
    /// its author's label, and a place in the queue of finds to verify. Submitting the same text again
    /// changes nothing.
    ///
    /// A find is new: a text that somebody or some attack has found before, or that a person has labelled,
    /// would be verified by what is known of it already, and its time would be the time to copy it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a session of another account too; [`StoreError::Refused`] for one
    /// that ended otherwise, or whose scores are computed on another path, and, as the `snippet` that it
    /// is, for a text that is known; [`StoreError::BadValue`] for a score that is not below the threshold,
    /// and for a trick that is too long; [`StoreError::Nul`], and those of writing.
    pub async fn submit_rewriting(
        &self,
        id: i64,
        labeller: &Labeller,
        find: &NewRewritingFind,
    ) -> Result<SubmittedFind, StoreError> {
        let time = find.time.check()?;
        check(find)?;
        let _turn = self.turn.lock().await;
        in_transaction!(self.connection, |tx| {
            let row = records::own(tx, id, labeller.account).await?;
            if records::state_of(&row)? == RewritingState::Submitted
                && (&row.prompt, &row.completion) == (&find.text.prompt, &find.text.completion)
            {
                return submitted(row);
            }
            let row = records::still_open(row)?;
            if find.path != row.path {
                return Err(refused(
                    id,
                    format!(
                        "was begun with scores of {}, and this one is of {}: no score stands against a threshold of \
                         another path; give it up and begin again",
                        row.path, find.path
                    ),
                ));
            }
            if find.score.logit() >= row.threshold {
                return Err(StoreError::BadValue {
                    row: 0,
                    field: "score",
                    why: "is not below the threshold".to_owned(),
                });
            }
            let snippet = store_text(tx, &row, &find.text).await?;
            // Of two who submit one text at once the second waits here, and then sees the first.
            labels::lock(tx, &[snippet.0]).await?;
            refuse_known(tx, snippet).await?;
            let score = [(snippet, find.score)];
            scores::put(tx, ModelId(row.model_id), &row.path, &score).await?;
            let label = NewLabel {
                snippet: snippet.into(),
                label: Label {
                    labeller: labeller.name.clone(),
                    kind: LabellerKind::Person,
                    verdict: Verdict::Yes,
                    severity: Some(find.severity),
                    seconds: None,
                },
                occasion: format!("rewriting/session-{id}"),
                predicate: Some(find.predicate.clone()),
                source: SOURCE.to_owned(),
            };
            let label = labels::put(tx, &[label], None).await?;
            let queue = attacks::queue_finds(tx, &[snippet]).await?;
            let joined = time.joined(&row, Timestamp::now());
            let change = ActiveModel {
                id: Set(id),
                state: Set(RewritingState::Submitted.as_str().to_owned()),
                prompt: Set(find.text.prompt.clone()),
                completion: Set(find.text.completion.clone()),
                score: Set(Some(find.score.logit())),
                paused: Set(false),
                seconds: Set(joined.seconds),
                away_seconds: Set(joined.away_seconds),
                snippet_id: Set(Some(snippet.0)),
                severity: Set(Some(u8::from(find.severity).into())),
                trick: Set(Some(find.trick.trim().to_owned())),
                label_id: Set(label.ids().next().map(|label| label.0)),
                queue_id: Set(Some(queue)),
                ended: Set(Some(now())),
                ..Default::default()
            };
            let row = change.update(tx).await?;
            // Only now is it known who its author is.
            recount(tx, &[snippet.0]).await?;
            submitted(row)
        })
    }
}

/// Refuses a text that was found before, or that people have labelled.
async fn refuse_known(tx: &DatabaseTransaction, snippet: SnippetId) -> Result<(), StoreError> {
    let known = |why: &str| StoreError::Refused {
        what: "snippet",
        id: snippet.0,
        why: format!("is known: {why}; change it further"),
    };
    let submitted = Entity::find()
        .filter(Column::SnippetId.eq(snippet.0))
        .one(tx)
        .await?;
    if submitted.is_some() {
        return Err(known("this very text was submitted before"));
    }
    let found = attack_find::Entity::find()
        .filter(attack_find::Column::SnippetId.eq(snippet.0))
        .one(tx)
        .await?;
    if found.is_some() {
        return Err(known("an automatic attack has found this very text"));
    }
    let said = labels::of_snippets(tx, &[snippet.0]).await?;
    let mut said = said.values().flatten();
    if said.any(|stored| stored.label.kind == LabellerKind::Person) {
        return Err(known("somebody has labelled this very text"));
    }
    Ok(())
}

fn check(find: &NewRewritingFind) -> Result<(), StoreError> {
    refuse_nul(0, "prompt", &find.text.prompt)?;
    refuse_nul(0, "completion", &find.text.completion)?;
    refuse_nul(0, "trick", &find.trick)?;
    if find.trick.chars().count() > LONGEST_TRICK {
        return Err(StoreError::BadValue {
            row: 0,
            field: "trick",
            why: format!("is longer than {LONGEST_TRICK} characters; shorten it"),
        });
    }
    Ok(())
}

fn submitted(row: Model) -> Result<SubmittedFind, StoreError> {
    let session = records::read(row)?;
    let find = session.find.as_ref();
    let find = find.ok_or_else(|| refused(session.id, "was submitted without a find"))?;
    Ok(SubmittedFind {
        snippet: find.snippet,
        queue: find.queue,
        session,
    })
}

/// Stores the text of a find as a child of its start, which is stored too where it was somebody's own. The
/// find was chosen by its score, as an attack's is; the start was not.
async fn store_text(
    tx: &DatabaseTransaction,
    row: &Model,
    text: &SnippetText,
) -> Result<SnippetId, StoreError> {
    let start = SnippetText::new(row.start_prompt.clone(), row.start_completion.clone());
    let new = |text: &SnippetText, origin: Origin, part: &str| NewSnippet {
        origin,
        meta: json!({ "rewriting": row.id, "is": part }),
        ..NewSnippet::imported(text.clone(), SOURCE)
    };
    if row.start_snippet_id.is_none() && start != *text {
        let start = [new(&start, Origin::Edit, "start")];
        snippets::put(tx, &start, Bringer::default()).await?;
    }
    let found = new(text, Origin::Attack, "find");
    let child = NewSnippet {
        parent: (start != *text).then(|| start.hash()),
        ..found.clone()
    };
    let stored = match snippets::put(tx, &[child], Bringer::default()).await {
        // Its prompt is in another family already, where it stays: what was found must not be lost
        // for that.
        Err(StoreError::BadValue {
            field: "parent", ..
        }) => snippets::put(tx, &[found], Bringer::default()).await?,
        other => other?,
    };
    stored
        .ids()
        .next()
        .ok_or_else(|| refused(row.id, "found a text that was not stored"))
}
