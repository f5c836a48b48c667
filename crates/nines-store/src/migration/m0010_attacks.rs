//! What automatic attacks keep: every attempt, those that found nothing included, and every find. Snippets
//! may come from an attack.

use super::layout::*;
use sea_orm::{ConnectionTrait, DbBackend};
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["snippets", "sightings"] {
            let check = "\"origin\" IN ('import', 'generate', 'edit'";
            widen(manager, table, "origin", check, ", 'attack'").await?;
        }
        create(manager, [attempt(), find()]).await
    }
}

/// Adds a word to those that a column of an existing table may hold.
///
/// SQLite cannot change a check, and a table that others refer to cannot be made anew while a
/// transaction keeps foreign keys. Its manual's way for a change that leaves the rows as they are is to
/// write the stored statement of the table, and to tell every connection that it has changed.
///
/// # Reference
/// <https://www.sqlite.org/lang_altertable.html#otheralter>, the second procedure.
async fn widen(
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

fn attempt() -> Layout {
    let mut table = table(
        "attack_attempts",
        [
            big_integer("run_id"),
            big_integer("position"),
            text("recipe"),
            big_integer("model_id"),
            big_integer_null("start_snippet_id"),
            word(
                "outcome",
                ["reached", "failed", "spent", "skipped", "broken"],
            ),
            text_null("why"),
            text_null("judge"),
            double_null("start_score"),
            double_null("score"),
            double("threshold"),
            big_integer("queries"),
            big_integer("scored"),
            double("seconds"),
            big_integer("words"),
            big_integer_null("words_changed"),
            big_integer("seed"),
            text("detail"),
            moment("created"),
        ],
    );
    refers(&mut table, "attack_attempts", "run_id", "runs");
    refers(&mut table, "attack_attempts", "model_id", "models");
    refers(
        &mut table,
        "attack_attempts",
        "start_snippet_id",
        "snippets",
    );
    Layout {
        table,
        indexes: vec![
            unique("attack_attempts", ["run_id", "position"]),
            index("attack_attempts", ["start_snippet_id"]),
        ],
    }
}

fn find() -> Layout {
    let mut table = table(
        "attack_finds",
        [
            big_integer("attempt_id"),
            big_integer("position"),
            big_integer("snippet_id"),
            double("score"),
            double_null("log_weight"),
        ],
    );
    refers(&mut table, "attack_finds", "attempt_id", "attack_attempts");
    refers(&mut table, "attack_finds", "snippet_id", "snippets");
    Layout {
        table,
        indexes: vec![
            unique("attack_finds", ["attempt_id", "position"]),
            index("attack_finds", ["snippet_id"]),
        ],
    }
}
