//! How tables are written down.

use sea_orm_migration::{prelude::*, schema::*};

/// Makes tables with their indexes.
pub async fn create(
    manager: &SchemaManager<'_>,
    tables: impl IntoIterator<Item = Layout>,
) -> Result<(), DbErr> {
    for Layout { table, indexes } in tables {
        manager.create_table(table).await?;
        for index in indexes {
            manager.create_index(index).await?;
        }
    }
    Ok(())
}

/// A table with its indexes.
pub struct Layout {
    pub table: TableCreateStatement,
    pub indexes: Vec<IndexCreateStatement>,
}

/// Starts a table: a key that is never used twice, then the columns.
pub fn table<const N: usize>(name: &'static str, columns: [ColumnDef; N]) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).col(big_pk_auto("id"));
    for column in columns {
        table.col(column);
    }
    table
}

/// A reference to another table's row, required.
pub fn refers(
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

pub fn index<const N: usize>(
    table: &'static str,
    columns: [&'static str; N],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index
        .name(format!("ix_{table}_{}", columns.join("_")))
        .table(table);
    for column in columns {
        index.col(column);
    }
    index
}

pub fn unique<const N: usize>(
    table: &'static str,
    columns: [&'static str; N],
) -> IndexCreateStatement {
    let mut index = index(table, columns);
    index
        .name(format!("ux_{table}_{}", columns.join("_")))
        .unique();
    index
}

/// A required text column that holds one of these words.
pub fn word<const N: usize>(name: &'static str, words: [&'static str; N]) -> ColumnDef {
    let mut column = text(name);
    column.check(Expr::col(name).is_in(words));
    column
}

/// A SHA-256.
pub fn hash(name: &'static str) -> ColumnDef {
    blob(name)
}

/// A moment in UTC.
pub fn moment(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone(name)
}
