//! Imports: a file's rows go in together with the note of what was taken, or not at all.

use crate::entity::import::{self, ActiveModel, Column, Entity};
use crate::error::StoreError;
use crate::labels::{self, NewLabel};
use crate::prompts::{self, NewPrompt};
use crate::snippets::{self, Bringer, NewSnippet};
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_json, json, refuse_nul, to_json};
use jiff::Timestamp;
use nines_domain::snippet::RunId;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, QueryOrder};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a file holds for the project.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImport {
    /// What it was read as: `prompts`, `snippets`, `labels`, `book`.
    pub kind: String,
    /// The file's name.
    pub file: String,
    /// The SHA-256 of its content.
    pub digest: String,
    /// The run that imports it.
    pub run: Option<RunId>,
    /// How many rows the file has.
    pub rows: usize,
    /// The rows that were left out, and why; `null` for none.
    pub skipped: Value,
    /// How many those are.
    pub skipped_count: usize,
    /// Prompts without completions.
    pub prompts: Vec<NewPrompt>,
    /// Snippets.
    pub snippets: Vec<NewSnippet>,
    /// Labels, of snippets of this import or stored before.
    pub labels: Vec<NewLabel>,
    /// Where they stand in the file, for messages.
    pub lines: ImportLines,
}

/// The line of the file, from 1, of each prompt, snippet and label of an import. Where a list is
/// shorter than its rows, errors name the row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportLines {
    /// Of the prompts.
    pub prompts: Vec<u64>,
    /// Of the snippets.
    pub snippets: Vec<u64>,
    /// Of the labels.
    pub labels: Vec<u64>,
}

/// What became of the rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    /// Rows of the file.
    pub rows: usize,
    /// Rows left out.
    pub skipped: usize,
    /// Prompts stored, those of snippets not counted.
    pub prompts_new: usize,
    /// Prompts that were there.
    pub prompts_duplicate: usize,
    /// Snippets stored.
    pub snippets_new: usize,
    /// Snippets that were there.
    pub snippets_duplicate: usize,
    /// Labels stored.
    pub labels_new: usize,
    /// Labels that were there.
    pub labels_duplicate: usize,
}

/// A stored note of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Its key, which the rows it brought carry.
    pub id: i64,
    /// What the file was read as.
    pub kind: String,
    /// The file's name.
    pub file: String,
    /// The SHA-256 of its content.
    pub digest: String,
    /// The run that imported it.
    pub run: Option<RunId>,
    /// What became of its rows.
    pub counts: ImportCounts,
    /// The rows that were left out, and why.
    pub skipped: Value,
    /// When it was imported.
    pub created: Timestamp,
}

impl Store {
    /// Imports a file's rows in one transaction: prompts, then snippets, then labels. Importing it
    /// again adds nothing but one more note.
    ///
    /// # Errors
    /// Those of [`Store::insert_prompts`], [`Store::insert_snippets`] and
    /// [`Store::insert_labels`], as [`StoreError::AtLine`] where [`NewImport::lines`] tell the line;
    /// otherwise a row in them counts within its own list. Nothing is stored then.
    pub async fn import(&self, new: &NewImport) -> Result<Import, StoreError> {
        refuse_nul(0, "kind", &new.kind)?;
        refuse_nul(0, "file", &new.file)?;
        refuse_nul(0, "digest", &new.digest)?;
        let skipped = json(0, "skipped", &new.skipped)?;
        in_transaction!(self.connection, |tx| {
            let mut counts = ImportCounts {
                rows: new.rows,
                skipped: new.skipped_count,
                ..ImportCounts::default()
            };
            let note = ActiveModel {
                run_id: Set(new.run.map(|run| run.0)),
                kind: Set(new.kind.clone()),
                file: Set(new.file.clone()),
                digest: Set(new.digest.clone()),
                counts: Set(to_json("counts", &counts)?),
                skipped: Set(skipped.clone()),
                created: Set(now()),
                ..Default::default()
            };
            let note = note.insert(tx).await?;
            let import = Some(note.id);
            let lines = &new.lines;
            let prompts = prompts::put(tx, &new.prompts, import).await;
            let prompts = prompts.map_err(|error| error.at_line(&lines.prompts))?;
            let bringer = Bringer {
                import,
                run: new.run,
            };
            let snippets = snippets::put(tx, &new.snippets, bringer).await;
            let snippets = snippets.map_err(|error| error.at_line(&lines.snippets))?;
            let labels = labels::put(tx, &new.labels, import).await;
            let labels = labels.map_err(|error| error.at_line(&lines.labels))?;
            counts.prompts_new = prompts.new_count();
            counts.prompts_duplicate = prompts.duplicate_count();
            counts.snippets_new = snippets.new_count();
            counts.snippets_duplicate = snippets.duplicate_count();
            counts.labels_new = labels.new_count();
            counts.labels_duplicate = labels.duplicate_count();
            let mut note = ActiveModel::from(note);
            note.counts = Set(to_json("counts", &counts)?);
            read(note.update(tx).await?)
        })
    }

    /// Lists imports, oldest first.
    ///
    /// # Errors
    /// Those of reading.
    pub async fn imports(&self) -> Result<Vec<Import>, StoreError> {
        let rows = Entity::find()
            .order_by_asc(Column::Id)
            .all(&self.connection)
            .await?;
        rows.into_iter().map(read).collect()
    }
}

fn read(row: import::Model) -> Result<Import, StoreError> {
    let place = |column| Place {
        table: "imports",
        id: row.id,
        column,
    };
    Ok(Import {
        id: row.id,
        counts: from_json(place("counts"), &row.counts)?,
        skipped: from_json(place("skipped"), &row.skipped)?,
        kind: row.kind,
        file: row.file,
        digest: row.digest,
        run: row.run_id.map(RunId),
        created: moment(row.created),
    })
}
