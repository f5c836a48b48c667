//! Labels and comparisons that their givers took back. The row itself stays as it is; from then on no
//! reading counts it.

use crate::entity::{
    comparison, comparison_withdrawal, label, label_withdrawal, label_withdrawal::Column,
};
use crate::error::StoreError;
use crate::labels::{self, StoredLabel};
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::{batch, labelling};
use jiff::Timestamp;
use nines_domain::account::AccountId;
use nines_domain::snippet::{LabelId, SnippetId};
use sea_orm::sea_query::{Expr, ExprTrait, IntoColumnRef, Query};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
};
use std::collections::HashMap;

/// That the label at hand is not withdrawn: the one condition by which every reading leaves those
/// out.
pub(crate) fn standing_label() -> Expr {
    let withdrawn = Query::select()
        .expr(Expr::value(1))
        .from(label_withdrawal::Entity)
        .and_where(
            Expr::col((label_withdrawal::Entity, Column::LabelId))
                .equals((label::Entity, label::Column::Id)),
        )
        .take();
    Expr::exists(withdrawn).not()
}

/// That the snippet of the row at hand has no label that stands.
pub(crate) fn unlabelled<T: IntoColumnRef>(snippet: T) -> Expr {
    let any = Query::select()
        .expr(Expr::value(1))
        .from(label::Entity)
        .and_where(Expr::col((label::Entity, label::Column::SnippetId)).eq(Expr::col(snippet)))
        .and_where(standing_label())
        .take();
    Expr::exists(any).not()
}

/// That the comparison at hand is not withdrawn.
pub(crate) fn standing_comparison() -> Expr {
    let withdrawn = Query::select()
        .expr(Expr::value(1))
        .from(comparison_withdrawal::Entity)
        .and_where(
            Expr::col((
                comparison_withdrawal::Entity,
                comparison_withdrawal::Column::ComparisonId,
            ))
            .equals((comparison::Entity, comparison::Column::Id)),
        )
        .take();
    Expr::exists(withdrawn).not()
}

impl Store {
    /// Withdraws a label in one transaction: no reading counts it any more, and its snippet is
    /// adjudicated again without it. One that is withdrawn already stays so.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Dangling`] for an account that is not there, and those
    /// of writing.
    pub async fn withdraw_label(
        &self,
        label: LabelId,
        account: AccountId,
    ) -> Result<(), StoreError> {
        in_transaction!(self.connection, |tx| {
            let row = label::Entity::find_by_id(label.0).one(tx).await?;
            let row = row.ok_or_else(|| StoreError::NotFound {
                what: "label",
                id: label.to_string(),
            })?;
            withdraw_label(tx, row.id, row.snippet_id, account).await
        })
    }

    /// Lists all labels of a snippet, oldest first, each with the moment of its withdrawal: for
    /// showing what happened, never for counting.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn labels_with_withdrawn(
        &self,
        snippet: SnippetId,
    ) -> Result<Vec<(StoredLabel, Option<Timestamp>)>, StoreError> {
        let rows = label::Entity::find()
            .filter(label::Column::SnippetId.eq(snippet.0))
            .order_by_asc(label::Column::Id)
            .all(&self.connection)
            .await?;
        let keys = rows.iter().map(|row| row.id);
        let withdrawn: HashMap<i64, Timestamp> = label_withdrawal::Entity::find()
            .filter(Column::LabelId.is_in(keys))
            .all(&self.connection)
            .await?
            .into_iter()
            .map(|row| (row.label_id, moment(row.created)))
            .collect();
        rows.into_iter()
            .map(|row| {
                let when = withdrawn.get(&row.id).copied();
                Ok((labels::stored(row)?, when))
            })
            .collect()
    }
}

/// Withdraws a label within a transaction.
pub(crate) async fn withdraw_label(
    tx: &DatabaseTransaction,
    label: i64,
    snippet: i64,
    account: AccountId,
) -> Result<(), StoreError> {
    labels::lock(tx, &[snippet]).await?;
    let row = label_withdrawal::ActiveModel {
        label_id: Set(label),
        account_id: Set(account.0),
        created: Set(now()),
        ..Default::default()
    };
    batch::insert_unless_taken(tx, vec![row], [Column::LabelId], [Column::Id]).await?;
    labels::adjudicate(tx, &[snippet]).await?;
    labelling::recount(tx, &[snippet]).await
}

/// Withdraws a comparison within a transaction.
pub(crate) async fn withdraw_comparison(
    tx: &DatabaseTransaction,
    comparison: i64,
    left: i64,
    account: AccountId,
) -> Result<(), StoreError> {
    use comparison_withdrawal::Column;
    labels::lock(tx, &[left]).await?;
    let row = comparison_withdrawal::ActiveModel {
        comparison_id: Set(comparison),
        account_id: Set(account.0),
        created: Set(now()),
        ..Default::default()
    };
    batch::insert_unless_taken(tx, vec![row], [Column::ComparisonId], [Column::Id]).await?;
    labelling::recount(tx, &[left]).await
}
