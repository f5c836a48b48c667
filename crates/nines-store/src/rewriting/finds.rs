//! What came of sessions: whether finds were verified, results for the measurement, where one stands,
//! and finds that inspire others.

use super::records::RewritingState;
use super::tasks::{self, Tools};
use crate::entity::rewriting_session::{Column, Entity};
use crate::entity::{assignment, attack_attempt, attack_find, label, queue, rewriting_task};
use crate::error::StoreError;
use crate::labelling::attacks;
use crate::labels;
use crate::store::Store;
use crate::time::moment;
use crate::values::{Place, from_word};
use crate::withdrawals::standing_label;
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::label::{Label, LabellerKind};
use nines_domain::snippet::{ModelId, SnippetId, SnippetText};
use nines_domain::verification::{Claim, Verification};
use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef, IntoCondition, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, JoinType, QueryFilter, QueryOrder,
    QuerySelect, QueryTrait,
};
use std::collections::{HashMap, HashSet};

/// Finds that are looked at for inspiration, newest first.
const LOOKED_AT: u64 = 2_000;

/// The task of a session, as results name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultTask {
    /// Its key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What decided whether the session had the tools.
    pub tools: Tools,
}

/// A session, as the measurement of attack times needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct RewritingResult {
    /// The session.
    pub session: i64,
    /// The task that it belongs to, if any.
    pub task: Option<ResultTask>,
    /// Who attacked.
    pub attacker: String,
    /// The classifier under attack.
    pub model: ModelId,
    /// What a find's score had to lie below.
    pub threshold: f64,
    /// Whether the tools were there.
    pub tools: bool,
    /// Seconds at work.
    pub seconds: f64,
    /// How it stands.
    pub state: RewritingState,
    /// What was found.
    pub snippet: Option<SnippetId>,
    /// Whether somebody else has confirmed the find; none while that is open, and without a find.
    pub verified: Option<bool>,
}

/// Where one account stands with its sessions.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RewritingStanding {
    /// Sessions that ended.
    pub sessions: u64,
    /// Finds submitted.
    pub finds: u64,
    /// Finds that somebody else confirmed.
    pub verified: u64,
    /// Finds that somebody else did not confirm.
    pub refuted: u64,
    /// Finds that wait for somebody else.
    pub waiting: u64,
    /// Seconds at work.
    pub seconds: f64,
    /// Severity times margin, summed over what was confirmed; the severity is the lower one of what
    /// the author said and what the others said.
    pub reward: f64,
}

/// Who or what found something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundBy {
    /// A person, on the Rewrite page.
    Person,
    /// A recipe of automatic attacks, by name.
    Recipe(String),
}

/// A find that somebody else confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedFind {
    /// The snippet.
    pub snippet: SnippetId,
    /// Its text.
    pub text: SnippetText,
    /// What it was made from.
    pub start: Option<SnippetText>,
    /// The score of that.
    pub start_score: Option<f64>,
    /// Its score.
    pub score: f64,
    /// The median severity that others give it.
    pub severity: f64,
    /// What trick it uses, where its author said so.
    pub trick: Option<String>,
    /// Who found it.
    pub by: FoundBy,
}

/// A session without its texts.
pub(super) struct Brief {
    pub id: i64,
    pub task: Option<i64>,
    pub start: Option<i64>,
    pub account: i64,
    labeller: String,
    model: i64,
    threshold: f64,
    tools: bool,
    state: RewritingState,
    seconds: f64,
    score: Option<f64>,
    severity: Option<i16>,
    pub snippet: Option<i64>,
    pub is_ended: bool,
}

/// Reads sessions without their texts, oldest first.
pub(super) async fn standings_of<C: ConnectionTrait>(
    connection: &C,
    which: impl IntoCondition,
) -> Result<Vec<Brief>, StoreError> {
    let select = Entity::find()
        .select_only()
        .columns([
            Column::Id,
            Column::TaskId,
            Column::StartId,
            Column::AccountId,
            Column::Labeller,
            Column::ModelId,
            Column::Threshold,
            Column::Tools,
            Column::State,
            Column::Seconds,
            Column::Score,
            Column::Severity,
            Column::SnippetId,
        ])
        .filter(which)
        .order_by_asc(Column::Id)
        .into_query();
    let mut rows = Vec::new();
    for row in connection.query_all(&select).await? {
        let id: i64 = row.try_get("", "id")?;
        let word: String = row.try_get("", "state")?;
        let place = Place {
            table: "rewriting_sessions",
            id,
            column: "state",
        };
        let state: RewritingState = from_word(place, &word)?;
        rows.push(Brief {
            id,
            task: row.try_get("", "task_id")?,
            start: row.try_get("", "start_id")?,
            account: row.try_get("", "account_id")?,
            labeller: row.try_get("", "labeller")?,
            model: row.try_get("", "model_id")?,
            threshold: row.try_get("", "threshold")?,
            tools: row.try_get("", "tools")?,
            seconds: row.try_get("", "seconds")?,
            score: row.try_get("", "score")?,
            severity: row.try_get("", "severity")?,
            snippet: row.try_get("", "snippet_id")?,
            is_ended: state != RewritingState::Open,
            state,
        });
    }
    Ok(rows)
}

/// Derives how far finds are verified: by labels of people none of whom has submitted that text.
pub(super) async fn verifications<C: ConnectionTrait>(
    connection: &C,
    finds: impl IntoIterator<Item = i64>,
) -> Result<HashMap<i64, Verification>, StoreError> {
    let mut keys: Vec<i64> = finds.into_iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let stored = labels::of_snippets(connection, &keys).await?;
    let authors = attacks::authors_of(connection, &keys).await?;
    let said = keys.into_iter().map(|key| {
        let labels = stored.get(&key).map_or(&[][..], Vec::as_slice);
        let labels: Vec<Label> = labels.iter().map(|stored| stored.label.clone()).collect();
        let authors = authors.get(&key).into_iter().flatten();
        let authors: Vec<&str> = authors.map(String::as_str).collect();
        (key, Verification::of(&labels, &authors))
    });
    Ok(said.collect())
}

/// The standing labels of people on the snippet of the find at hand.
fn labelled<T: IntoColumnRef>(snippet: T) -> SelectStatement {
    use label::Column;
    Query::select()
        .expr(Expr::value(1))
        .from(label::Entity)
        .and_where(Expr::col((label::Entity, Column::SnippetId)).eq(Expr::col(snippet)))
        .and_where(Column::LabellerKind.eq("person"))
        .and_where(standing_label())
        .take()
}

impl Store {
    /// Says how far a find of a session is verified.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rewriting_verification(
        &self,
        find: SnippetId,
    ) -> Result<Verification, StoreError> {
        let said = verifications(&self.connection, [find.0]).await?;
        Ok(said[&find.0])
    }

    /// Says the same of many finds, in few statements.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rewriting_verifications(
        &self,
        finds: &[SnippetId],
    ) -> Result<HashMap<SnippetId, Verification>, StoreError> {
        let said = verifications(&self.connection, finds.iter().map(|find| find.0)).await?;
        let said = said.into_iter().map(|(find, said)| (SnippetId(find), said));
        Ok(said.collect())
    }

    /// Lists all sessions, oldest first, those that found nothing included, and those that nobody has ended.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rewriting_results(&self) -> Result<Vec<RewritingResult>, StoreError> {
        let rows = standings_of(&self.connection, Condition::all()).await?;
        let finds = rows.iter().filter_map(|row| row.snippet);
        let verified = verifications(&self.connection, finds).await?;
        let tasks = rewriting_task::Entity::find().all(&self.connection).await?;
        let mut of_key = HashMap::new();
        for task in tasks {
            let task = tasks::read(task)?;
            let (id, name, tools) = (task.id, task.name, task.tools);
            of_key.insert(id, ResultTask { id, name, tools });
        }
        Ok(rows
            .into_iter()
            .map(|row| RewritingResult {
                verified: row.snippet.and_then(|find| verified[&find].is_verified()),
                session: row.id,
                task: row.task.and_then(|task| of_key.get(&task).cloned()),
                model: ModelId(row.model),
                threshold: row.threshold,
                tools: row.tools,
                seconds: row.seconds,
                state: row.state,
                snippet: row.snippet.map(SnippetId),
                attacker: row.labeller,
            })
            .collect())
    }

    /// Lists the finds of sessions that one kind of labeller has not decided, but for those that a labeller has found
    /// or spoken of: nobody confirms a find of their own, or is asked twice.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn open_rewritings(
        &self,
        kind: LabellerKind,
        labeller: Option<&str>,
    ) -> Result<Vec<SnippetId>, StoreError> {
        let rows = standings_of(&self.connection, Condition::all()).await?;
        let mut keys: Vec<i64> = rows.iter().filter_map(|row| row.snippet).collect();
        keys.sort_unstable();
        keys.dedup();
        let labels = labels::of_snippets(&self.connection, &keys).await?;
        let authors = attacks::authors_of(&self.connection, &keys).await?;
        let is_open = |key: &i64| {
            let said = labels.get(key).map_or(&[][..], Vec::as_slice);
            let said: Vec<Label> = said.iter().map(|stored| stored.label.clone()).collect();
            let authors = authors.get(key).into_iter().flatten();
            let authors: Vec<&str> = authors.map(String::as_str).collect();
            let spoke = said.iter().map(|label| label.labeller.as_str());
            let is_known = spoke
                .chain(authors.iter().copied())
                .any(|name| Some(name) == labeller);
            let claim = Verification::by(kind, Claim::Catastrophe, &said, &authors);
            !is_known && claim == Verification::Waiting
        };
        Ok(keys.into_iter().filter(is_open).map(SnippetId).collect())
    }

    /// Says where an account stands.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn rewriting_standing(
        &self,
        account: AccountId,
    ) -> Result<RewritingStanding, StoreError> {
        let rows = standings_of(&self.connection, Column::AccountId.eq(account.0)).await?;
        let finds = rows.iter().filter_map(|row| row.snippet);
        let verified = verifications(&self.connection, finds).await?;
        let mut standing = RewritingStanding::default();
        for row in &rows {
            standing.seconds += row.seconds;
            standing.sessions += u64::from(row.is_ended);
            let Some(find) = row.snippet else { continue };
            standing.finds += 1;
            match verified[&find] {
                Verification::Waiting => standing.waiting += 1,
                Verification::Refuted => standing.refuted += 1,
                Verification::Verified { severity } => {
                    standing.verified += 1;
                    let own = row.severity.map_or(severity, f64::from);
                    let margin = row.score.map_or(0.0, |score| row.threshold - score);
                    standing.reward += severity.min(own) * margin;
                }
            }
        }
        Ok(standing)
    }

    /// Lists up to `limit` finds that somebody else confirmed, newest first, of people and of recipes.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn verified_finds(
        &self,
        model: Option<ModelId>,
        limit: usize,
    ) -> Result<Vec<VerifiedFind>, StoreError> {
        let mut found = self.verified_rewritings(model).await?;
        found.extend(self.verified_attacks(model).await?);
        found.sort_by_key(|(when, _)| std::cmp::Reverse(*when));
        // One text may be found more than once.
        let mut met = HashSet::new();
        let newest = found.into_iter().map(|(_, find)| find);
        Ok(newest
            .filter(|find| met.insert(find.snippet))
            .take(limit)
            .collect())
    }

    /// Lists the confirmed finds of recipes, with when they were made: catastrophes that the classifier
    /// accepts, whatever the recipe looked for.
    async fn verified_attacks(
        &self,
        model: Option<ModelId>,
    ) -> Result<Vec<(Timestamp, VerifiedFind)>, StoreError> {
        use attack_attempt::Column as Attempt;
        let mut select = attack_find::Entity::find()
            .select_also(attack_attempt::Entity)
            .join(
                JoinType::InnerJoin,
                attack_find::Entity::belongs_to(attack_attempt::Entity)
                    .from(attack_find::Column::AttemptId)
                    .to(Attempt::Id)
                    .into(),
            )
            // What the classifier rejects has not got past it, whatever else its recipe was after.
            .filter(
                Expr::col((attack_find::Entity, attack_find::Column::Score))
                    .lt(Expr::col((attack_attempt::Entity, Attempt::Threshold))),
            )
            .filter(Expr::exists(labelled((
                attack_find::Entity,
                attack_find::Column::SnippetId,
            ))))
            .order_by_desc(attack_find::Column::Id)
            .limit(LOOKED_AT);
        if let Some(model) = model {
            select = select.filter(Attempt::ModelId.eq(model.0));
        }
        let rows = select.all(&self.connection).await?;
        let rows: Vec<(attack_find::Model, attack_attempt::Model)> = rows
            .into_iter()
            .filter_map(|(find, attempt)| Some((find, attempt?)))
            .collect();
        let finds = rows.iter().map(|(find, _)| find.snippet_id);
        let verified = verifications(&self.connection, finds).await?;
        let mut confirmed = Vec::new();
        let mut shown = HashSet::new();
        for (find, attempt) in rows {
            if let Verification::Verified { severity } = verified[&find.snippet_id] {
                shown.insert(SnippetId(find.snippet_id));
                shown.extend(attempt.start_snippet_id.map(SnippetId));
                confirmed.push((find, attempt, severity));
            }
        }
        let shown: Vec<SnippetId> = shown.into_iter().collect();
        let texts = self.snippet_texts(&shown).await?;
        let texts: HashMap<SnippetId, SnippetText> = shown.into_iter().zip(texts).collect();
        let told = confirmed
            .into_iter()
            .filter_map(|(find, attempt, severity)| {
                let snippet = SnippetId(find.snippet_id);
                let start = attempt.start_snippet_id.map(SnippetId);
                let told = VerifiedFind {
                    snippet,
                    text: texts.get(&snippet)?.clone(),
                    start: start.and_then(|start| texts.get(&start).cloned()),
                    start_score: attempt.start_score,
                    score: find.score,
                    severity,
                    trick: None,
                    by: FoundBy::Recipe(attempt.recipe),
                };
                Some((moment(attempt.created), told))
            });
        Ok(told.collect())
    }

    /// Lists the confirmed finds of people, with when they were submitted.
    async fn verified_rewritings(
        &self,
        model: Option<ModelId>,
    ) -> Result<Vec<(Timestamp, VerifiedFind)>, StoreError> {
        let mut select = Entity::find()
            .filter(Column::SnippetId.is_not_null())
            .order_by_desc(Column::Id)
            .limit(LOOKED_AT);
        if let Some(model) = model {
            select = select.filter(Column::ModelId.eq(model.0));
        }
        let rows = select.all(&self.connection).await?;
        let finds = rows.iter().filter_map(|row| row.snippet_id);
        let verified = verifications(&self.connection, finds).await?;
        let found = rows.into_iter().filter_map(|row| {
            let find = row.snippet_id?;
            let Verification::Verified { severity } = verified[&find] else {
                return None;
            };
            let when = moment(row.ended.unwrap_or(row.created));
            let told = VerifiedFind {
                snippet: SnippetId(find),
                text: SnippetText::new(row.prompt, row.completion),
                start: Some(SnippetText::new(row.start_prompt, row.start_completion)),
                start_score: Some(row.start_score),
                score: row.score?,
                severity,
                trick: row.trick.filter(|trick| !trick.is_empty()),
                by: FoundBy::Person,
            };
            Some((when, told))
        });
        Ok(found.collect())
    }

    /// Says whether an assignment came from a queue of finds to verify.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn is_of_finds(&self, assignment: i64) -> Result<bool, StoreError> {
        let of_kind = Query::select()
            .column(queue::Column::Id)
            .from(queue::Entity)
            .and_where(queue::Column::Kind.eq("attack"))
            .take();
        let found = assignment::Entity::find()
            .select_only()
            .expr_as(Expr::value(1), "found")
            .filter(assignment::Column::Id.eq(assignment))
            .filter(assignment::Column::QueueId.in_subquery(of_kind))
            .into_query();
        Ok(self.connection.query_one(&found).await?.is_some())
    }
}
