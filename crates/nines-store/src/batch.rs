//! Many rows in one transaction: how many fit in a statement, and insertion that leaves what is
//! already there as it is.

use crate::error::StoreError;
use nines_domain::snippet::ContentHash;
use sea_orm::sea_query::{IntoColumnRef, OnConflict, Query};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, InsertMany,
    IntoActiveModel, Iterable, QueryFilter, QueryResult, QuerySelect, QueryTrait, Value,
};
use std::collections::HashMap;

/// SQLite allows 32,766 values in a statement, PostgreSQL 65,535. Staying well below costs
/// nothing, and statements of one size are prepared once.
const VALUES_PER_STATEMENT: usize = 20_000;
const ROWS_PER_STATEMENT: usize = 1_000;
/// Keys looked up in one statement.
pub(crate) const KEYS_PER_STATEMENT: usize = 2_000;

/// Returns how many rows of a table are inserted by one statement.
pub(crate) fn rows_per_statement<E: EntityTrait>() -> usize {
    let columns = E::Column::iter().count();
    (VALUES_PER_STATEMENT / columns).clamp(1, ROWS_PER_STATEMENT)
}

/// Inserts rows; a row whose `unique` columns are taken is left out. Returns the `returned`
/// columns of the rows that went in.
pub(crate) async fn insert_unless_taken<E, A, const U: usize, const R: usize>(
    tx: &DatabaseTransaction,
    rows: Vec<A>,
    unique: [E::Column; U],
    returned: [E::Column; R],
) -> Result<Vec<QueryResult>, StoreError>
where
    E: EntityTrait,
    A: ActiveModelTrait<Entity = E> + IntoActiveModel<A>,
{
    let mut inserted = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk = rows.by_ref().take(rows_per_statement::<E>());
        let mut statement = InsertMany::<A>::many(chunk).into_query();
        statement
            .on_conflict(OnConflict::columns(unique).do_nothing().to_owned())
            .returning(Query::returning().columns(returned.map(|c| c.into_column_ref())));
        inserted.extend(tx.query_all(&statement).await?);
    }
    Ok(inserted)
}

/// Inserts rows of which none can be taken.
pub(crate) async fn insert_all<E, A>(
    tx: &DatabaseTransaction,
    rows: Vec<A>,
) -> Result<(), StoreError>
where
    E: EntityTrait,
    A: ActiveModelTrait<Entity = E> + IntoActiveModel<A>,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk = rows.by_ref().take(rows_per_statement::<E>());
        tx.execute(&InsertMany::<A>::many(chunk).into_query())
            .await?;
    }
    Ok(())
}

/// Inserts rows of which none can be taken. Returns their keys in the order of the rows.
pub(crate) async fn insert_for_keys<E, A>(
    tx: &DatabaseTransaction,
    rows: Vec<A>,
    key: E::Column,
) -> Result<Vec<i64>, StoreError>
where
    E: EntityTrait,
    A: ActiveModelTrait<Entity = E> + IntoActiveModel<A>,
{
    let mut keys = Vec::with_capacity(rows.len());
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk = rows.by_ref().take(rows_per_statement::<E>());
        let mut statement = InsertMany::<A>::many(chunk).into_query();
        statement.returning(Query::returning().column(key.into_column_ref()));
        for row in tx.query_all(&statement).await? {
            keys.push(row.try_get_by_index(0)?);
        }
    }
    // Rows are numbered in the order given; in which order they are returned, neither database
    // promises.
    keys.sort_unstable();
    Ok(keys)
}

/// Looks rows up by content hash. Returns the wanted columns of those that are there.
pub(crate) async fn find_by_hash<E, C, const N: usize>(
    connection: &C,
    column: E::Column,
    hashes: &[ContentHash],
    wanted: [E::Column; N],
) -> Result<Vec<QueryResult>, StoreError>
where
    E: EntityTrait,
    C: ConnectionTrait,
{
    let mut found = Vec::new();
    for chunk in hashes.chunks(KEYS_PER_STATEMENT) {
        let keys = chunk.iter().map(|hash| Value::from(hash.bytes().to_vec()));
        let select = E::find()
            .select_only()
            .columns(wanted)
            .filter(column.is_in(keys))
            .into_query();
        found.extend(connection.query_all(&select).await?);
    }
    Ok(found)
}

/// Reads a content hash column.
pub(crate) fn hash_in(row: &QueryResult, column: &str) -> Result<ContentHash, StoreError> {
    let bytes: Vec<u8> = row.try_get("", column)?;
    to_hash(&bytes)
}

/// Reads stored bytes as a content hash.
pub(crate) fn to_hash(bytes: &[u8]) -> Result<ContentHash, StoreError> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        hex.push(DIGITS[usize::from(byte >> 4)].into());
        hex.push(DIGITS[usize::from(byte & 15)].into());
    }
    hex.parse().map_err(|_| StoreError::BadHash {
        hex: hex.chars().take(80).collect(),
    })
}

/// Returns the positions of the first row of each hash, and where each hash was first.
pub(crate) fn first_of_each(hashes: &[ContentHash]) -> (Vec<usize>, HashMap<ContentHash, usize>) {
    let mut order = Vec::new();
    let mut first = HashMap::with_capacity(hashes.len());
    for (row, hash) in hashes.iter().enumerate() {
        first.entry(*hash).or_insert_with(|| {
            order.push(row);
            row
        });
    }
    (order, first)
}

/// What became of a batch: for each row given, in order, its key and whether it is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inserted<Id> {
    /// One entry for each row given.
    pub rows: Vec<InsertedRow<Id>>,
}

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InsertedRow<Id> {
    /// The row's key, whether it went in now or was there before.
    pub id: Id,
    /// It went in now. Of equal rows in one batch, the first alone is new.
    pub is_new: bool,
}

impl<Id: Copy> Inserted<Id> {
    /// Returns how many rows were stored.
    pub fn new_count(&self) -> usize {
        self.rows.iter().filter(|row| row.is_new).count()
    }

    /// Returns how many rows were there before, or earlier in the batch.
    pub fn duplicate_count(&self) -> usize {
        self.rows.len() - self.new_count()
    }

    /// Returns the keys in the order of the rows given.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = Id> + '_ {
        self.rows.iter().map(|row| row.id)
    }
}
