//! Labels going in, and the adjudications that follow from them in the same transaction.

use crate::batch::{self, Inserted, InsertedRow};
use crate::entity::label::{ActiveModel, Column, Entity, Model};
use crate::entity::{adjudication, snippet};
use crate::error::StoreError;
use crate::labelling;
use crate::snippets;
use crate::store::{Store, in_transaction};
use crate::time::{moment, now};
use crate::values::{Place, from_word, refuse_nul};
use crate::withdrawals::standing_label;
use jiff::Timestamp;
use nines_domain::label::{ADJUDICATION_METHOD, Adjudication, Label, Severity, Verdict};
use nines_domain::snippet::{ContentHash, LabelId, SnippetId};
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect, QueryTrait,
};
use std::collections::HashMap;

/// Names a snippet by its key or by its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SnippetRef {
    /// By key.
    Id(SnippetId),
    /// By content hash; stored, or stored earlier in the same import.
    Hash(ContentHash),
}

impl From<SnippetId> for SnippetRef {
    fn from(id: SnippetId) -> Self {
        Self::Id(id)
    }
}

impl From<ContentHash> for SnippetRef {
    fn from(hash: ContentHash) -> Self {
        Self::Hash(hash)
    }
}

/// A stored label.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLabel {
    /// Its key.
    pub id: LabelId,
    /// Who says what.
    pub label: Label,
    /// The batch or the moment it was given in, where known.
    pub occasion: String,
    /// The predicate that it speaks of, by name and version, where known.
    pub predicate: Option<String>,
    /// Where it comes from.
    pub source: String,
    /// The import that brought it.
    pub import: Option<i64>,
    /// When it was stored.
    pub created: Timestamp,
}

/// A label to store. Labels are never updated or deleted: a changed mind is one more label.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLabel {
    /// What it speaks of.
    pub snippet: SnippetRef,
    /// Who says what.
    pub label: Label,
    /// Tells this label from another by the same labeller on the same snippet: the batch it was
    /// given in, or the moment. Empty where a file does not say.
    ///
    /// A label whose labeller, kind, verdict, severity, seconds and occasion are all stored for
    /// the snippet already is that label met again, and adds nothing. So importing a file twice
    /// changes nothing, while a second opinion that differs, or was given on another occasion, is
    /// kept.
    pub occasion: String,
    /// The predicate that it speaks of, by name and version, where known. It does not tell two
    /// labels apart: a file that is imported again under a new version adds nothing.
    pub predicate: Option<String>,
    /// Where it comes from, such as a file's name.
    pub source: String,
}

impl NewLabel {
    /// What makes two labels of one snippet the same.
    fn key(&self) -> ContentHash {
        let label = &self.label;
        let severity = label.severity.map_or(0, u8::from).to_string();
        let seconds = label
            .seconds
            .map_or(String::new(), |s| s.to_bits().to_string());
        ContentHash::of_fields(
            "label",
            &[
                &label.labeller,
                label.kind.as_str(),
                label.verdict.as_str(),
                &severity,
                &seconds,
                &self.occasion,
            ],
        )
    }

    fn check(&self, row: usize) -> Result<(), StoreError> {
        let wrong = |field, why: &str| StoreError::BadValue {
            row,
            field,
            why: why.to_owned(),
        };
        refuse_nul(row, "labeller", &self.label.labeller)?;
        refuse_nul(row, "occasion", &self.occasion)?;
        refuse_nul(
            row,
            "predicate",
            self.predicate.as_deref().unwrap_or_default(),
        )?;
        refuse_nul(row, "source", &self.source)?;
        if self.label.labeller.is_empty() {
            return Err(wrong("labeller", "is empty; every label has a labeller"));
        }
        if self.label.severity.is_some() && self.label.verdict != Verdict::Yes {
            return Err(wrong("severity", "is given without the verdict yes"));
        }
        if self
            .label
            .seconds
            .is_some_and(|s| !s.is_finite() || s < 0.0)
        {
            return Err(wrong("seconds", "is not a finite number from 0"));
        }
        Ok(())
    }
}

impl Store {
    /// Stores labels in one transaction and adjudicates the snippets they speak of. When it
    /// returns, the labels are on the disk.
    ///
    /// # Errors
    /// [`StoreError::UnknownSnippet`], [`StoreError::BadValue`], [`StoreError::Nul`], and those of
    /// writing; nothing is stored then.
    pub async fn insert_labels(
        &self,
        labels: &[NewLabel],
    ) -> Result<Inserted<LabelId>, StoreError> {
        in_transaction!(self.connection, |tx| put(tx, labels, None).await)
    }
}

/// Stores labels within a transaction.
pub(crate) async fn put(
    tx: &DatabaseTransaction,
    labels: &[NewLabel],
    import: Option<i64>,
) -> Result<Inserted<LabelId>, StoreError> {
    for (row, label) in labels.iter().enumerate() {
        label.check(row)?;
    }
    let snippets = resolve(tx, labels).await?;
    let keys: Vec<(i64, ContentHash)> = snippets
        .iter()
        .zip(labels)
        .map(|(&id, label)| (id, label.key()))
        .collect();
    let mut touched = snippets;
    touched.sort_unstable();
    touched.dedup();
    let stored = lock(tx, &touched).await?;
    if let Some((row, (id, _))) = keys
        .iter()
        .enumerate()
        .find(|(_, (id, _))| stored.binary_search(id).is_err())
    {
        return Err(StoreError::UnknownSnippet {
            row,
            snippet: id.to_string(),
        });
    }
    let mut ids = find(tx, &touched).await?;
    let mut is_new = vec![false; labels.len()];
    let mut first = HashMap::with_capacity(keys.len());
    let mut rows = Vec::new();
    let created = now();
    for (row, (label, key)) in labels.iter().zip(&keys).enumerate() {
        if ids.contains_key(key) || first.contains_key(key) {
            continue;
        }
        first.insert(*key, row);
        rows.push(ActiveModel {
            snippet_id: Set(key.0),
            key: Set(key.1.bytes().to_vec()),
            labeller: Set(label.label.labeller.clone()),
            labeller_kind: Set(label.label.kind.as_str().to_owned()),
            verdict: Set(label.label.verdict.as_str().to_owned()),
            severity: Set(label
                .label
                .severity
                .map(|severity| u8::from(severity).into())),
            seconds: Set(label.label.seconds),
            occasion: Set(label.occasion.clone()),
            predicate: Set(label.predicate.clone()),
            source: Set(label.source.clone()),
            import_id: Set(import),
            created: Set(created),
            ..Default::default()
        });
    }
    let unique = [Column::SnippetId, Column::Key];
    let returned = [Column::Id, Column::SnippetId, Column::Key];
    for row in batch::insert_unless_taken(tx, rows, unique, returned).await? {
        let key = (row.try_get("", "snippet_id")?, batch::hash_in(&row, "key")?);
        ids.insert(key, row.try_get("", "id")?);
        is_new[first[&key]] = true;
    }
    let mut changed: Vec<i64> = keys
        .iter()
        .zip(&is_new)
        .filter(|(_, is_new)| **is_new)
        .map(|((snippet, _), _)| *snippet)
        .collect();
    changed.sort_unstable();
    changed.dedup();
    adjudicate(tx, &changed).await?;
    labelling::recount(tx, &changed).await?;
    let rows = keys.iter().zip(is_new).map(|(key, is_new)| {
        let id = ids.get(key).ok_or_else(|| StoreError::NotFound {
            what: "label",
            id: key.1.to_string(),
        })?;
        Ok(InsertedRow {
            id: LabelId(*id),
            is_new,
        })
    });
    Ok(Inserted {
        rows: rows.collect::<Result<_, StoreError>>()?,
    })
}

/// Finds the keys of the snippets that labels name.
async fn resolve(tx: &DatabaseTransaction, labels: &[NewLabel]) -> Result<Vec<i64>, StoreError> {
    let mut hashes: Vec<ContentHash> = labels
        .iter()
        .filter_map(|label| match label.snippet {
            SnippetRef::Hash(hash) => Some(hash),
            SnippetRef::Id(_) => None,
        })
        .collect();
    hashes.sort_unstable();
    hashes.dedup();
    let ids = snippets::ids_by_hash(tx, &hashes).await?;
    labels
        .iter()
        .enumerate()
        .map(|(row, label)| match label.snippet {
            SnippetRef::Id(id) => Ok(id.0),
            SnippetRef::Hash(hash) => {
                ids.get(&hash)
                    .copied()
                    .ok_or_else(|| StoreError::UnknownSnippet {
                        row,
                        snippet: hash.to_string(),
                    })
            }
        })
        .collect()
}

/// Locks snippets against other labellers until the transaction ends, so that each adjudication
/// sees all labels before it. Keys are taken in order: two labellers never wait in a circle. Rows
/// that refer to a snippet may still be added. SQLite has one writer anyhow. Returns the keys that
/// are there, in order.
pub(crate) async fn lock(tx: &DatabaseTransaction, sorted: &[i64]) -> Result<Vec<i64>, StoreError> {
    let mut found = Vec::with_capacity(sorted.len());
    for chunk in sorted.chunks(batch::KEYS_PER_STATEMENT) {
        let select = snippet::Entity::find()
            .select_only()
            .column(snippet::Column::Id)
            .filter(snippet::Column::Id.is_in(chunk.iter().copied()))
            .order_by_asc(snippet::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .into_query();
        for row in tx.query_all(&select).await? {
            found.push(row.try_get("", "id")?);
        }
    }
    Ok(found)
}

/// Finds the labels of snippets by what makes them the same.
async fn find(
    tx: &DatabaseTransaction,
    snippets: &[i64],
) -> Result<HashMap<(i64, ContentHash), i64>, StoreError> {
    let mut ids = HashMap::new();
    for chunk in snippets.chunks(batch::KEYS_PER_STATEMENT) {
        let select = Entity::find()
            .select_only()
            .columns([Column::Id, Column::SnippetId, Column::Key])
            .filter(Column::SnippetId.is_in(chunk.iter().copied()))
            .into_query();
        for row in tx.query_all(&select).await? {
            let key = (row.try_get("", "snippet_id")?, batch::hash_in(&row, "key")?);
            ids.insert(key, row.try_get("", "id")?);
        }
    }
    Ok(ids)
}

/// Derives the verdicts that count for snippets again; one that changed is appended. A snippet whose
/// labels are all withdrawn gets one of no label, which reads as none.
pub(crate) async fn adjudicate(
    tx: &DatabaseTransaction,
    snippets: &[i64],
) -> Result<(), StoreError> {
    let created = now();
    for chunk in snippets.chunks(batch::KEYS_PER_STATEMENT) {
        let before = newest_adjudications(tx, chunk).await?;
        let labels = of_snippets(tx, chunk).await?;
        let mut rows = Vec::new();
        for &id in chunk {
            let labels = labels.get(&id).map_or(&[][..], Vec::as_slice);
            let labels: Vec<Label> = labels.iter().map(|stored| stored.label.clone()).collect();
            let verdict = Adjudication::of(&labels);
            if before.get(&id) == verdict.as_ref() {
                continue;
            }
            let verdict = verdict.unwrap_or_else(|| Adjudication {
                broad: None,
                strict: None,
                needs_another: false,
                labels: 0,
                people: 0,
                method: ADJUDICATION_METHOD.to_owned(),
            });
            rows.push(adjudication::ActiveModel {
                snippet_id: Set(id),
                broad: Set(verdict.broad),
                strict: Set(verdict.strict),
                needs_another: Set(verdict.needs_another),
                labels: Set(verdict.labels as i64),
                people: Set(verdict.people as i64),
                method: Set(verdict.method),
                created: Set(created),
                ..Default::default()
            });
        }
        batch::insert_all(tx, rows).await?;
    }
    Ok(())
}

/// Reads the adjudications that count for snippets.
pub(crate) async fn newest_adjudications<C: ConnectionTrait>(
    connection: &C,
    snippets: &[i64],
) -> Result<HashMap<i64, Adjudication>, StoreError> {
    use adjudication::Column;
    let mut newest = HashMap::with_capacity(snippets.len());
    for chunk in snippets.chunks(batch::KEYS_PER_STATEMENT) {
        let rows = adjudication::Entity::find()
            .filter(Column::SnippetId.is_in(chunk.iter().copied()))
            .order_by_asc(Column::Id)
            .all(connection)
            .await?;
        for row in rows {
            let place = |column| Place {
                table: "adjudications",
                id: row.id,
                column,
            };
            let verdict = Adjudication {
                broad: row.broad,
                strict: row.strict,
                needs_another: row.needs_another,
                labels: crate::values::unsigned(place("labels"), row.labels)?,
                people: crate::values::unsigned(place("people"), row.people)?,
                method: row.method,
            };
            // Oldest first: the last one stays.
            newest.insert(row.snippet_id, verdict);
        }
    }
    newest.retain(|_, verdict| verdict.labels > 0);
    Ok(newest)
}

/// Reads the labels of snippets that stand, oldest first: withdrawn ones are left out.
pub(crate) async fn of_snippets<C: ConnectionTrait>(
    connection: &C,
    snippets: &[i64],
) -> Result<HashMap<i64, Vec<StoredLabel>>, StoreError> {
    let mut found: HashMap<i64, Vec<StoredLabel>> = HashMap::with_capacity(snippets.len());
    for chunk in snippets.chunks(batch::KEYS_PER_STATEMENT) {
        let rows = Entity::find()
            .filter(Column::SnippetId.is_in(chunk.iter().copied()))
            .filter(standing_label())
            .order_by_asc(Column::Id)
            .all(connection)
            .await?;
        for row in rows {
            found.entry(row.snippet_id).or_default().push(stored(row)?);
        }
    }
    Ok(found)
}

pub(crate) fn stored(row: Model) -> Result<StoredLabel, StoreError> {
    Ok(StoredLabel {
        id: LabelId(row.id),
        label: read(&row)?,
        occasion: row.occasion,
        predicate: row.predicate,
        source: row.source,
        import: row.import_id,
        created: moment(row.created),
    })
}

/// Reads a stored label in the words of the domain.
fn read(row: &Model) -> Result<Label, StoreError> {
    let place = |column| Place {
        table: "labels",
        id: row.id,
        column,
    };
    let severity = row
        .severity
        .map(|number| {
            u8::try_from(number)
                .ok()
                .and_then(|number| Severity::try_from(number).ok())
                .ok_or_else(|| place("severity").unreadable(&number.to_string()))
        })
        .transpose()?;
    Ok(Label {
        labeller: row.labeller.clone(),
        kind: from_word(place("labeller_kind"), &row.labeller_kind)?,
        verdict: from_word(place("verdict"), &row.verdict)?,
        severity,
        seconds: row.seconds,
    })
}
