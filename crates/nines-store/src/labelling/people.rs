//! What each person has done, and how well they agree.

use crate::entity::{assignment, check_answer, comparison, label, qualification, session};
use crate::error::StoreError;
use crate::store::Store;
use crate::time::moment;
use crate::values::{Place, from_word};
use crate::withdrawals::{standing_comparison, standing_label};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::label::{LabellerKind, Severity, Verdict};
use nines_domain::snippet::SnippetId;
use sea_orm::prelude::TimeDateTimeWithTimeZone;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use std::collections::{BTreeMap, HashMap};

/// What one account has done.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct PersonRecord {
    /// Labels that stand, by this name, wherever they come from.
    pub labels: u64,
    /// Comparisons that stand.
    pub comparisons: u64,
    /// Items answered in the browser, checks included.
    pub answered: u64,
    /// Seconds at work in the browser, what was skipped or undone included.
    pub seconds: f64,
    /// Hidden checks of known label: right, of how many.
    pub gold: (u64, u64),
    /// Items repeated: answered alike, of how many.
    pub repeats: (u64, u64),
    /// When the account was signed in last.
    pub last_seen: Option<Timestamp>,
    /// How the last qualification test ended, if there was one.
    pub passed: Option<bool>,
}

/// What one person says of one snippet, as agreement is computed from it.
#[derive(Debug, Clone, PartialEq)]
pub struct PeopleRatings {
    /// The snippet.
    pub snippet: SnippetId,
    /// Each person's latest label that stands, by name.
    pub by_name: BTreeMap<String, (Verdict, Option<Severity>)>,
}

impl Store {
    /// Sums up what accounts have done, given with their names.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn person_records(
        &self,
        accounts: &[(AccountId, &str)],
    ) -> Result<Vec<PersonRecord>, StoreError> {
        let person = LabellerKind::Person.as_str();
        let mut by_name = Query::select()
            .column(label::Column::Labeller)
            .expr_as(Expr::col(label::Column::Id).count(), "number")
            .from(label::Entity)
            .and_where(label::Column::LabellerKind.eq(person))
            .and_where(standing_label())
            .group_by_col(label::Column::Labeller)
            .take();
        let labels = self.counts_by_name(&by_name).await?;
        by_name = Query::select()
            .column(comparison::Column::Labeller)
            .expr_as(Expr::col(comparison::Column::Id).count(), "number")
            .from(comparison::Entity)
            .and_where(comparison::Column::LabellerKind.eq(person))
            .and_where(standing_comparison())
            .group_by_col(comparison::Column::Labeller)
            .take();
        let comparisons = self.counts_by_name(&by_name).await?;
        let mut records: HashMap<i64, PersonRecord> = HashMap::new();
        self.add_times(&mut records).await?;
        self.add_checks(&mut records).await?;
        self.add_last_seen(&mut records).await?;
        // Oldest first: the newest stays.
        for row in qualification::Entity::find()
            .order_by_asc(qualification::Column::Id)
            .all(&self.connection)
            .await?
        {
            records.entry(row.account_id).or_default().passed = match row.outcome.as_str() {
                "passed" => Some(true),
                "failed" => Some(false),
                _ => None,
            };
        }
        Ok(accounts
            .iter()
            .map(|(account, name)| PersonRecord {
                labels: labels.get(*name).copied().unwrap_or(0),
                comparisons: comparisons.get(*name).copied().unwrap_or(0),
                ..records.get(&account.0).copied().unwrap_or_default()
            })
            .collect())
    }

    async fn counts_by_name(
        &self,
        select: &SelectStatement,
    ) -> Result<HashMap<String, u64>, StoreError> {
        let mut counts = HashMap::new();
        for row in self.connection.query_all(select).await? {
            let number: i64 = row.try_get("", "number")?;
            counts.insert(row.try_get("", "labeller")?, number.unsigned_abs());
        }
        Ok(counts)
    }

    async fn add_last_seen(
        &self,
        records: &mut HashMap<i64, PersonRecord>,
    ) -> Result<(), StoreError> {
        use session::Column;
        let select = session::Entity::find()
            .select_only()
            .columns([Column::AccountId, Column::LastSeen])
            .order_by_asc(Column::LastSeen)
            .into_query();
        for row in self.connection.query_all(&select).await? {
            let record = records.entry(row.try_get("", "account_id")?).or_default();
            let seen: TimeDateTimeWithTimeZone = row.try_get("", "last_seen")?;
            record.last_seen = Ord::max(record.last_seen, Some(moment(seen)));
        }
        Ok(())
    }

    async fn add_times(&self, records: &mut HashMap<i64, PersonRecord>) -> Result<(), StoreError> {
        use assignment::Column;
        let select = Query::select()
            .columns([Column::AccountId, Column::State])
            .expr_as(Expr::col(Column::Id).count(), "number")
            .expr_as(Expr::col(Column::Seconds).sum(), "seconds")
            .from(assignment::Entity)
            .group_by_columns([Column::AccountId, Column::State])
            .order_by(Column::AccountId, sea_orm::Order::Asc)
            .order_by(Column::State, sea_orm::Order::Asc)
            .take();
        for row in self.connection.query_all(&select).await? {
            let record = records.entry(row.try_get("", "account_id")?).or_default();
            let state: String = row.try_get("", "state")?;
            let number: i64 = row.try_get("", "number")?;
            let seconds: Option<f64> = row.try_get("", "seconds")?;
            record.seconds += seconds.unwrap_or(0.0);
            if state == "answered" {
                record.answered = number.unsigned_abs();
            }
        }
        Ok(())
    }

    async fn add_checks(&self, records: &mut HashMap<i64, PersonRecord>) -> Result<(), StoreError> {
        use check_answer::Column;
        let select = Query::select()
            .columns([Column::AccountId, Column::Purpose, Column::IsRight])
            .expr_as(Expr::col(Column::Id).count(), "number")
            .from(check_answer::Entity)
            .and_where(Column::Withdrawn.eq(false))
            .and_where(Column::Purpose.is_in(["gold", "repeat"]))
            .group_by_columns([Column::AccountId, Column::Purpose, Column::IsRight])
            .take();
        for row in self.connection.query_all(&select).await? {
            let record = records.entry(row.try_get("", "account_id")?).or_default();
            let purpose: String = row.try_get("", "purpose")?;
            let is_right: bool = row.try_get("", "is_right")?;
            let number: i64 = row.try_get("", "number")?;
            let number = number.unsigned_abs();
            let kind = match purpose.as_str() {
                "gold" => &mut record.gold,
                _ => &mut record.repeats,
            };
            kind.1 += number;
            if is_right {
                kind.0 += number;
            }
        }
        Ok(())
    }

    /// Lists what people say of every snippet that at least two of them have labelled, by snippet;
    /// labels that do not stand are left out.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn people_ratings(&self) -> Result<Vec<PeopleRatings>, StoreError> {
        use label::Column;
        let person = LabellerKind::Person.as_str();
        let several = Query::select()
            .column(Column::SnippetId)
            .from(label::Entity)
            .and_where(Column::LabellerKind.eq(person))
            .and_where(standing_label())
            .group_by_col(Column::SnippetId)
            .and_having(Expr::col(Column::Labeller).count_distinct().gt(1))
            .take();
        let select = label::Entity::find()
            .select_only()
            .columns([
                Column::Id,
                Column::SnippetId,
                Column::Labeller,
                Column::Verdict,
                Column::Severity,
            ])
            .filter(Column::LabellerKind.eq(person))
            .filter(standing_label())
            .filter(Column::SnippetId.in_subquery(several))
            .order_by_asc(Column::SnippetId)
            .order_by_asc(Column::Id)
            .into_query();
        let mut found: Vec<PeopleRatings> = Vec::new();
        for row in self.connection.query_all(&select).await? {
            let place = |column| Place {
                table: "labels",
                id: row.try_get("", "id").unwrap_or_default(),
                column,
            };
            let snippet = SnippetId(row.try_get("", "snippet_id")?);
            let verdict: String = row.try_get("", "verdict")?;
            let verdict = from_word(place("verdict"), &verdict)?;
            let severity = super::severity(place("severity"), row.try_get("", "severity")?)?;
            let name: String = row.try_get("", "labeller")?;
            match found.last_mut().filter(|last| last.snippet == snippet) {
                // Oldest first: a person's latest label stays.
                Some(last) => drop(last.by_name.insert(name, (verdict, severity))),
                None => found.push(PeopleRatings {
                    snippet,
                    by_name: BTreeMap::from([(name, (verdict, severity))]),
                }),
            }
        }
        Ok(found)
    }
}
