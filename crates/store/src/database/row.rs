//! The rows of a result. A value with an unexpected type is [`StoreError::Corrupt`].

use std::str::FromStr;
use std::sync::Arc;

use keyrack_key::Timestamp;
use rusqlite::Statement;
use rusqlite::types::{Value, ValueRef};

use crate::StoreError;

/// The column names of a query.
pub(super) struct Columns(Arc<[Box<str>]>);

impl Columns {
    pub(super) fn of(statement: &Statement<'_>) -> Self {
        Self(statement.column_names().map(Into::into).collect())
    }
}

/// A row that is independent of its statement.
pub(crate) struct Row {
    columns: Arc<[Box<str>]>,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn read(columns: &Columns, row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let values = (0..columns.0.len()).map(|at| row.get_ref(at).map(owned)).collect::<Result<_, _>>()?;
        Ok(Self { columns: Arc::clone(&columns.0), values })
    }

    /// Returns the value of a column.
    pub(crate) fn try_get<'r, T: Column<'r>>(&'r self, column: &'static str) -> Result<T, StoreError> {
        let at = self.columns.iter().position(|name| **name == *column);
        let value = at.and_then(|at| self.values.get(at));
        value.and_then(T::read).ok_or(StoreError::Corrupt { what: column })
    }
}

/// Text that isn't valid UTF-8 becomes bytes, which can't be read as text.
fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(text) => match str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(_) => Value::Blob(text.to_vec()),
        },
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    }
}

/// A type that a column can be read as.
pub(crate) trait Column<'r>: Sized {
    fn read(value: &'r Value) -> Option<Self>;
}

macro_rules! column {
    ($($type:ty, $kind:ident, |$value:ident| $as:expr;)*) => {
        $(impl<'r> Column<'r> for $type {
            fn read(value: &'r Value) -> Option<Self> {
                match value {
                    Value::$kind($value) => Some($as),
                    _ => None,
                }
            }
        })*
    };
}

column! {
    i64, Integer, |number| *number;
    f64, Real, |number| *number;
    String, Text, |text| text.clone();
    &'r str, Text, |text| text;
    &'r [u8], Blob, |bytes| bytes;
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn read(value: &'r Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::read(value).map(Some),
        }
    }
}

/// Parses a text column.
pub(crate) fn parsed<T: FromStr>(row: &Row, column: &'static str) -> Result<T, StoreError> {
    let text: &str = row.try_get(column)?;
    text.parse().map_err(|_| StoreError::Corrupt { what: column })
}

/// Parses a text column that may be null.
pub(crate) fn parsed_optional<T: FromStr>(row: &Row, column: &'static str) -> Result<Option<T>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| text.parse().map_err(|_| StoreError::Corrupt { what: column })).transpose()
}

pub(crate) fn time(row: &Row, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.try_get(column)?))
}

pub(crate) fn time_optional(row: &Row, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let micros: Option<i64> = row.try_get(column)?;
    Ok(micros.map(Timestamp::from_micros))
}

/// Reads a column of `N` bytes.
pub(crate) fn bytes<const N: usize>(row: &Row, column: &'static str) -> Result<[u8; N], StoreError> {
    let bytes: &[u8] = row.try_get(column)?;
    bytes.try_into().map_err(|_| StoreError::Corrupt { what: column })
}

/// Reads a column with a nonnegative number.
pub(crate) fn number(row: &Row, column: &'static str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Corrupt { what: column })
}

/// Reads a column with a nonnegative number that may be null.
pub(crate) fn number_optional(row: &Row, column: &'static str) -> Result<Option<u64>, StoreError> {
    let number: Option<i64> = row.try_get(column)?;
    number.map(|number| u64::try_from(number).map_err(|_| StoreError::Corrupt { what: column })).transpose()
}

/// Converts a number for a column. Numbers that don't fit become the largest one.
pub(crate) fn column(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
