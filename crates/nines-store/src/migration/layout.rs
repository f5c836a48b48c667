//! How tables are written down.

use sea_orm::{ConnectionTrait, DbBackend};
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

/// Adds a word to those that a column of an existing table may hold.
///
/// SQLite cannot change a check, and a table that others refer to cannot be made anew while a
/// transaction keeps foreign keys. Its manual's way for a change that leaves the rows as they are is to
/// write the stored statement of the table, and to tell every connection that it has changed.
///
/// # Reference
/// <https://www.sqlite.org/lang_altertable.html#otheralter>, the second procedure.
pub async fn widen(
    manager: &SchemaManager<'_>,
    table: &str,
    column: &str,
    check: &str,
    more: &str,
) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    if connection.get_database_backend() == DbBackend::Postgres {
        let name = format!("{table}_{column}_check");
        let sql = format!(
            "ALTER TABLE \"{table}\" DROP CONSTRAINT \"{name}\", ADD CONSTRAINT \"{name}\" CHECK ({check}{more}))"
        );
        connection.execute_unprepared(&sql).await?;
        return Ok(());
    }
    let version = "SELECT schema_version AS version FROM pragma_schema_version";
    let statement = sea_orm::Statement::from_string(DbBackend::Sqlite, version);
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| DbErr::Custom("SQLite tells no schema version".to_owned()))?;
    let version: i64 = row.try_get("", "version")?;
    let (find, put) = (check.replace('\'', "''"), format!("{check}{more}"));
    let put = put.replace('\'', "''");
    let write = format!(
        "UPDATE sqlite_schema SET sql = replace(sql, '{find}', '{put}') \
         WHERE type = 'table' AND name = '{table}' AND instr(sql, '{find}') > 0"
    );
    connection
        .execute_unprepared("PRAGMA writable_schema = ON")
        .await?;
    let written = connection.execute_unprepared(&write).await;
    let told = connection
        .execute_unprepared(&format!("PRAGMA schema_version = {}", version + 1))
        .await;
    connection
        .execute_unprepared("PRAGMA writable_schema = OFF")
        .await?;
    told?;
    if written?.rows_affected() != 1 {
        let what = format!("the check of {table}.{column} is not as an earlier layout made it");
        return Err(DbErr::Custom(what));
    }
    Ok(())
}
