//! The first layout.
//!
//! - Text is `text`, JSON is text (the same bytes in both databases, every number exact), moments
//!   are UTC, content hashes are 32 bytes, truth values are the database's own.
//! - What is compared or looked up has an index; counting and paging never read bodies.
//! - Vocabularies are checked by the database too.

mod data;
mod models;
mod runs;

use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = runs::tables()
            .into_iter()
            .chain(data::tables())
            .chain(models::tables());
        for Layout { table, indexes } in tables {
            manager.create_table(table).await?;
            for index in indexes {
                manager.create_index(index).await?;
            }
        }
        Ok(())
    }
}

/// A table with its indexes.
struct Layout {
    table: TableCreateStatement,
    indexes: Vec<IndexCreateStatement>,
}

/// Starts a table: a key that is never used twice, then the columns.
fn table<const N: usize>(name: &'static str, columns: [ColumnDef; N]) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).col(big_pk_auto("id"));
    for column in columns {
        table.col(column);
    }
    table
}

/// A reference to another table's row, required.
fn refers(
    table: &mut TableCreateStatement,
    name: &'static str,
    column: &'static str,
    to: &'static str,
) {
    table.foreign_key(
        ForeignKey::create()
            .name(format!("fk_{name}_{column}"))
            .from(name, column)
            .to(to, "id"),
    );
}

fn index<const N: usize>(table: &'static str, columns: [&'static str; N]) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("ix_{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(column);
    }
    index
}

fn unique<const N: usize>(table: &'static str, columns: [&'static str; N]) -> IndexCreateStatement {
    let mut index = index(table, columns);
    index
        .name(format!("ux_{table}_{}", columns.join("_")))
        .unique();
    index
}

/// A required text column that holds one of these words.
fn word<const N: usize>(name: &'static str, words: [&'static str; N]) -> ColumnDef {
    let mut column = text(name);
    column.check(Expr::col(name).is_in(words));
    column
}

/// A SHA-256.
fn hash(name: &'static str) -> ColumnDef {
    blob(name)
}

/// A moment in UTC.
fn moment(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone(name)
}
