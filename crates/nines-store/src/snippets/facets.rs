//! What there is to choose from when snippets are searched.

use super::Origin;
use crate::entity::{label, sighting, snippet};
use crate::error::StoreError;
use crate::store::Store;
use crate::values::{Place, from_word, unsigned};
use crate::withdrawals::standing_label;
use nines_domain::label::LabellerKind;
use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ConnectionTrait, EntityTrait, Order};
use std::collections::BTreeMap;

/// The most sources and labellers that are listed.
const MOST: u64 = 1_000;

/// What there is to choose from.
#[derive(Debug, Clone, PartialEq)]
pub struct Facets {
    /// Sources, in the order of their names, with the snippets first stored from or met again at each.
    pub sources: Vec<Facet<String>>,
    /// Origins with the snippets first stored with each.
    pub origins: Vec<Facet<Origin>>,
    /// Labellers in the order of their names.
    pub labellers: Vec<LabellerFacet>,
}

/// A choice, and how many snippets it finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Facet<T> {
    /// The choice.
    pub name: T,
    /// How many snippets it finds.
    pub count: u64,
}

/// A labeller.
#[derive(Debug, Clone, PartialEq)]
pub struct LabellerFacet {
    /// The name.
    pub name: String,
    /// A person or a model.
    pub kind: LabellerKind,
    /// Labels that count.
    pub labels: u64,
}

impl Store {
    /// Lists sources, origins and labellers. Only indexes and short columns are read.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn facets(&self) -> Result<Facets, StoreError> {
        let mut sources: BTreeMap<String, u64> = BTreeMap::new();
        for select in [first_sources(), further_sources()] {
            for (name, count) in self.counted(&select).await? {
                *sources.entry(name).or_default() += count;
            }
        }
        let origins = grouped(snippet::Entity, snippet::Column::Origin);
        let origins = self.counted(&origins).await?.into_iter();
        let place = |column| Place {
            table: "snippets",
            id: 0,
            column,
        };
        Ok(Facets {
            sources: sources
                .into_iter()
                .map(|(name, count)| Facet { name, count })
                .collect(),
            origins: origins
                .map(|(word, count)| {
                    let name = from_word(place("origin"), &word)?;
                    Ok(Facet { name, count })
                })
                .collect::<Result<_, StoreError>>()?,
            labellers: self.labellers().await?,
        })
    }

    async fn labellers(&self) -> Result<Vec<LabellerFacet>, StoreError> {
        use label::Column;
        let mut select = grouped(label::Entity, Column::Labeller);
        select
            .column((label::Entity, Column::LabellerKind))
            .and_where(standing_label())
            .add_group_by([Expr::col((label::Entity, Column::LabellerKind))])
            .order_by((label::Entity, Column::LabellerKind), Order::Asc);
        let place = |column| Place {
            table: "labels",
            id: 0,
            column,
        };
        let rows = self.connection.query_all(&select).await?;
        rows.iter()
            .map(|row| {
                let kind: String = row.try_get("", "labeller_kind")?;
                Ok(LabellerFacet {
                    name: row.try_get("", "name")?,
                    kind: from_word(place("labeller_kind"), &kind)?,
                    labels: unsigned(place("id"), row.try_get("", "number")?)?,
                })
            })
            .collect()
    }

    async fn counted(&self, select: &SelectStatement) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = self.connection.query_all(select).await?;
        let place = Place {
            table: "snippets",
            id: 0,
            column: "id",
        };
        rows.iter()
            .map(|row| {
                let count = unsigned(place, row.try_get("", "number")?)?;
                Ok((row.try_get("", "name")?, count))
            })
            .collect()
    }
}

/// How many rows of a table there are for each word of a column.
fn grouped<E: EntityTrait>(table: E, column: E::Column) -> SelectStatement {
    Query::select()
        .expr_as(Expr::col((table, column)), "name")
        .expr_as(Func::count(Expr::col(Asterisk)), "number")
        .from(table)
        .group_by_col((table, column))
        .order_by((table, column), Order::Asc)
        .limit(MOST)
        .take()
}

fn first_sources() -> SelectStatement {
    grouped(snippet::Entity, snippet::Column::Source)
}

/// How many snippets were met again at each source that they do not come from.
fn further_sources() -> SelectStatement {
    use sighting::Column;
    let met = (sighting::Entity, Column::SnippetId);
    Query::select()
        .expr_as(Expr::col((sighting::Entity, Column::Source)), "name")
        .expr_as(Func::count_distinct(Expr::col(met)), "number")
        .from(sighting::Entity)
        .inner_join(
            snippet::Entity,
            Expr::col((snippet::Entity, snippet::Column::Id)).equals(met),
        )
        .and_where(
            Expr::col((snippet::Entity, snippet::Column::Source))
                .ne(Expr::col((sighting::Entity, Column::Source))),
        )
        .group_by_col((sighting::Entity, Column::Source))
        .order_by((sighting::Entity, Column::Source), Order::Asc)
        .limit(MOST)
        .take()
}
