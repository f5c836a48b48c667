//! How much of everything there is, counted without reading a text.

use crate::entity::{
    adjudication, calibration, filter_answer, generation, import, label, model, prompt, run, score,
    snippet,
};
use crate::error::StoreError;
use crate::store::Store;
use crate::withdrawals::standing_label;
use nines_domain::label::LabellerKind;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait};
use serde::{Deserialize, Serialize};

/// How much of everything there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Prompts.
    pub prompts: u64,
    /// Prompt families.
    pub families: u64,
    /// Snippets.
    pub snippets: u64,
    /// Snippets with a label.
    pub labelled_snippets: u64,
    /// Snippets whose broad verdict is yes.
    pub broad_yes: u64,
    /// Snippets whose broad verdict is no.
    pub broad_no: u64,
    /// Labelled snippets that are excluded, since somebody was unsure and nobody said yes.
    pub excluded: u64,
    /// Snippets whose labellers disagree about strict.
    pub needs_another: u64,
    /// Labels by people.
    pub labels_by_people: u64,
    /// Labels by judges.
    pub labels_by_judges: u64,
    /// Model versions.
    pub models: u64,
    /// Runs.
    pub runs: u64,
    /// Draws.
    pub generations: u64,
    /// Scores.
    pub scores: u64,
    /// Calibrations.
    pub calibrations: u64,
    /// Answers of filters.
    pub filter_answers: u64,
    /// Imports.
    pub imports: u64,
}

impl Store {
    /// Counts everything.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let db = &self.connection;
        let judges = label::Column::LabellerKind.eq(LabellerKind::Judge.as_str());
        let people = label::Column::LabellerKind.eq(LabellerKind::Person.as_str());
        let broad = |wanted: bool| adjudication::Column::Broad.eq(wanted);
        Ok(Counts {
            prompts: number(db, rows(prompt::Entity)).await?,
            families: number(db, different(prompt::Entity, prompt::Column::Family)).await?,
            snippets: number(db, rows(snippet::Entity)).await?,
            labelled_snippets: number(
                db,
                only(
                    different(label::Entity, label::Column::SnippetId),
                    standing_label(),
                ),
            )
            .await?,
            broad_yes: number(db, verdicts(broad(true))).await?,
            broad_no: number(db, verdicts(broad(false))).await?,
            excluded: number(db, verdicts(adjudication::Column::Broad.is_null())).await?,
            needs_another: number(db, verdicts(adjudication::Column::NeedsAnother.eq(true)))
                .await?,
            labels_by_people: number(db, only(rows(label::Entity), people.and(standing_label())))
                .await?,
            labels_by_judges: number(db, only(rows(label::Entity), judges.and(standing_label())))
                .await?,
            models: number(db, rows(model::Entity)).await?,
            runs: number(db, rows(run::Entity)).await?,
            generations: number(db, rows(generation::Entity)).await?,
            scores: number(db, rows(score::Entity)).await?,
            calibrations: number(db, rows(calibration::Entity)).await?,
            filter_answers: number(db, rows(filter_answer::Entity)).await?,
            imports: number(db, rows(import::Entity)).await?,
        })
    }
}

fn rows<E: EntityTrait>(table: E) -> SelectStatement {
    Query::select()
        .expr_as(Func::count(Expr::col(Asterisk)), "number")
        .from(table)
        .take()
}

fn different<E: EntityTrait>(table: E, column: E::Column) -> SelectStatement {
    Query::select()
        .expr_as(Func::count_distinct(Expr::col(column)), "number")
        .from(table)
        .take()
}

fn only(mut select: SelectStatement, condition: Expr) -> SelectStatement {
    select.and_where(condition).take()
}

/// Counts the adjudications that count and meet a condition; one of no label counts for nothing.
fn verdicts(condition: Expr) -> SelectStatement {
    let newest = Query::select()
        .expr(Expr::col(adjudication::Column::Id).max())
        .from(adjudication::Entity)
        .group_by_col(adjudication::Column::SnippetId)
        .take();
    let counting = adjudication::Column::Id.in_subquery(newest);
    let of_labels = adjudication::Column::Labels.gt(0);
    only(
        only(rows(adjudication::Entity), counting.and(of_labels)),
        condition,
    )
}

async fn number(db: &DatabaseConnection, select: SelectStatement) -> Result<u64, StoreError> {
    let row = db.query_one(&select).await?;
    let number: i64 = row.map_or(Ok(0), |row| row.try_get("", "number"))?;
    Ok(u64::try_from(number).unwrap_or(0))
}
