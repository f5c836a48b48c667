//! Checks on what goes in and readings of what comes out, the same for both databases.

use crate::error::StoreError;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Refuses the one character that PostgreSQL's text cannot hold.
pub(crate) fn refuse_nul(row: usize, field: &'static str, text: &str) -> Result<(), StoreError> {
    if text.contains('\0') {
        return Err(StoreError::Nul { row, field });
    }
    Ok(())
}

/// Refuses NUL anywhere in a JSON value.
fn refuse_nul_in(row: usize, field: &'static str, value: &Value) -> Result<(), StoreError> {
    match value {
        Value::String(text) => refuse_nul(row, field, text),
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| refuse_nul_in(row, field, item)),
        Value::Object(members) => members.iter().try_for_each(|(name, item)| {
            refuse_nul(row, field, name)?;
            refuse_nul_in(row, field, item)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Turns a JSON value into its stored text.
pub(crate) fn json(row: usize, field: &'static str, value: &Value) -> Result<String, StoreError> {
    refuse_nul_in(row, field, value)?;
    Ok(value.to_string())
}

/// Turns a JSON value into its stored text, `null` into nothing.
pub(crate) fn optional_json(
    row: usize,
    field: &'static str,
    value: &Value,
) -> Result<Option<String>, StoreError> {
    if value.is_null() {
        return Ok(None);
    }
    json(row, field, value).map(Some)
}

/// Turns any serialisable value into its stored text.
pub(crate) fn to_json<T: Serialize>(field: &'static str, value: &T) -> Result<String, StoreError> {
    let value = serde_json::to_value(value).map_err(|e| StoreError::BadValue {
        row: 0,
        field,
        why: format!("cannot be written as JSON: {e}"),
    })?;
    json(0, field, &value)
}

/// Where a stored value is, for messages.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub table: &'static str,
    pub id: i64,
    pub column: &'static str,
}

impl Place {
    pub(crate) fn unreadable(self, value: &str) -> StoreError {
        StoreError::Unreadable {
            table: self.table,
            id: self.id,
            column: self.column,
            value: value.chars().take(80).collect(),
        }
    }
}

/// Reads stored JSON.
pub(crate) fn from_json<T: DeserializeOwned>(place: Place, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| place.unreadable(text))
}

/// Reads stored JSON, nothing as `null`.
pub(crate) fn from_optional_json(place: Place, text: Option<&str>) -> Result<Value, StoreError> {
    text.map_or(Ok(Value::Null), |text| from_json(place, text))
}

/// Reads a stored word by its serde name, so that files and database use the same words.
pub(crate) fn from_word<T: DeserializeOwned>(place: Place, word: &str) -> Result<T, StoreError> {
    serde_json::from_value(Value::from(word)).map_err(|_| place.unreadable(word))
}

/// Reads a stored number as an unsigned one.
pub(crate) fn unsigned<T: TryFrom<i64>>(place: Place, number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| place.unreadable(&number.to_string()))
}

/// Turns an unsigned number into a column value.
pub(crate) fn signed<T: TryInto<i64> + Copy + ToString>(
    row: usize,
    field: &'static str,
    number: T,
) -> Result<i64, StoreError> {
    number.try_into().map_err(|_| StoreError::BadValue {
        row,
        field,
        why: format!("is {}, which is too large to store", number.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_found_wherever_it_hides() {
        let hidden = serde_json::json!({"a": [1, {"b": "c\0d"}]});
        assert!(matches!(
            json(3, "meta", &hidden),
            Err(StoreError::Nul {
                row: 3,
                field: "meta"
            })
        ));
        let named = serde_json::json!({"a\0": 1});
        assert!(json(0, "meta", &named).is_err());
        assert!(json(0, "meta", &serde_json::json!({"a": "\\u0000"})).is_ok());
    }
}
