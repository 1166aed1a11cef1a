//! Values that go into and come out of a statement, the same on both engines.
//!
//! Only three column types exist: 64-bit integers, text and bytes. Booleans are integers 0 and 1.

use std::error::Error as StdError;

use ruma::{OwnedDeviceId, OwnedEventId, OwnedRoomId, OwnedUserId};
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut};

use crate::{EventNid, Result, RoomNid, StoreError, StreamPos};

/// One parameter of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(&'a str),
    Blob(&'a [u8]),
}

macro_rules! from_value {
    ($($type:ty => |$v:ident| $value:expr),* $(,)?) => {$(
        impl<'a> From<$type> for Value<'a> {
            fn from($v: $type) -> Self {
                $value
            }
        }
    )*};
}

from_value! {
    i64 => |v| Value::Int(v),
    u32 => |v| Value::Int(i64::from(v)),
    bool => |v| Value::Int(i64::from(v)),
    &'a str => |v| Value::Text(v),
    &'a String => |v| Value::Text(v),
    &'a [u8] => |v| Value::Blob(v),
    &'a Vec<u8> => |v| Value::Blob(v),
    &'a [u8; 32] => |v| Value::Blob(v),
    StreamPos => |v| Value::Int(v.0),
    RoomNid => |v| Value::Int(v.0),
    EventNid => |v| Value::Int(v.0),
    &'a ruma::UserId => |v| Value::Text(v.as_str()),
    &'a ruma::DeviceId => |v| Value::Text(v.as_str()),
    &'a ruma::RoomId => |v| Value::Text(v.as_str()),
    &'a ruma::EventId => |v| Value::Text(v.as_str()),
    &'a OwnedUserId => |v| Value::Text(v.as_str()),
    &'a OwnedDeviceId => |v| Value::Text(v.as_str()),
    &'a OwnedRoomId => |v| Value::Text(v.as_str()),
    &'a OwnedEventId => |v| Value::Text(v.as_str()),
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Builds the parameter list of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &[$($crate::value::Value::from($value)),*] };
}
pub(crate) use params;

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::{ToSqlOutput, ValueRef};
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(v) => ValueRef::Integer(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(v) if *ty == Type::INT4 => i32::try_from(*v)?.to_sql(ty, out),
            Value::Int(v) => v.to_sql(ty, out),
            Value::Text(v) => v.to_sql(ty, out),
            Value::Blob(v) => v.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// A parameter that outlives its statement's caller.
#[derive(Clone, Debug)]
pub(crate) enum OwnedValue {
    Null,
    Int(i64),
    Text(Box<str>),
    Blob(Box<[u8]>),
}

impl From<&Value<'_>> for OwnedValue {
    fn from(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(v) => Self::Int(*v),
            Value::Text(v) => Self::Text((*v).into()),
            Value::Blob(v) => Self::Blob((*v).into()),
        }
    }
}

impl OwnedValue {
    /// The same, borrowed.
    pub(crate) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(v) => Value::Int(*v),
            Self::Text(v) => Value::Text(v),
            Self::Blob(v) => Value::Blob(v),
        }
    }
}

/// One row of an answer, owned.
#[derive(Debug)]
pub(crate) enum Row {
    Sqlite(Vec<rusqlite::types::Value>),
    Postgres(tokio_postgres::Row),
}

impl Row {
    /// The value of column `index` (counted from zero).
    pub(crate) fn get<T: FromRow>(&self, index: usize) -> Result<T> {
        match self {
            Row::Sqlite(values) => match values.get(index) {
                Some(value) => T::from_sqlite(value),
                None => Err(StoreError::inconsistent("?", "?", format!("no column {index}"))),
            },
            Row::Postgres(row) => T::from_postgres(row, index),
        }
    }
}

/// A type that a column can be read as.
pub(crate) trait FromRow: Sized {
    fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self>;
    fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self>;
}

macro_rules! from_row {
    ($($type:ty: $variant:ident),* $(,)?) => {$(
        impl FromRow for $type {
            fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self> {
                match value {
                    rusqlite::types::Value::$variant(value) => Ok(value.clone()),
                    other => Err(StoreError::inconsistent("?", "?", format!(
                        "expected {}, found {:?}", stringify!($type), other.data_type()
                    ))),
                }
            }

            fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self> {
                Ok(row.try_get(index)?)
            }
        }

        impl FromRow for Option<$type> {
            fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self> {
                match value {
                    rusqlite::types::Value::Null => Ok(None),
                    value => <$type>::from_sqlite(value).map(Some),
                }
            }

            fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self> {
                Ok(row.try_get(index)?)
            }
        }
    )*};
}

from_row! { i64: Integer, String: Text, Vec<u8>: Blob }

macro_rules! from_row_via {
    ($($type:ty: $inner:ty, |$v:ident| $convert:expr);* $(;)?) => {$(
        impl FromRow for $type {
            fn from_sqlite(value: &rusqlite::types::Value) -> Result<Self> {
                let $v = <$inner>::from_sqlite(value)?;
                $convert
            }

            fn from_postgres(row: &tokio_postgres::Row, index: usize) -> Result<Self> {
                let $v = <$inner>::from_postgres(row, index)?;
                $convert
            }
        }
    )*};
}

fn parse<T: TryFrom<String>>(what: &'static str, text: String) -> Result<T> {
    T::try_from(text).map_err(|_| StoreError::inconsistent("?", what, "not a valid identifier"))
}

from_row_via! {
    bool: i64, |v| Ok(v != 0);
    StreamPos: i64, |v| Ok(StreamPos(v));
    Option<StreamPos>: Option<i64>, |v| Ok(v.map(StreamPos));
    RoomNid: i64, |v| Ok(RoomNid(v));
    EventNid: i64, |v| Ok(EventNid(v));
    Option<EventNid>: Option<i64>, |v| Ok(v.map(EventNid));
    OwnedUserId: String, |v| parse("user_id", v);
    OwnedRoomId: String, |v| parse("room_id", v);
    OwnedEventId: String, |v| parse("event_id", v);
    OwnedDeviceId: String, |v| Ok(v.into());
    Option<OwnedDeviceId>: Option<String>, |v| Ok(v.map(Into::into));
    Option<OwnedUserId>: Option<String>, |v| v.map(|v| parse("user_id", v)).transpose();
    Option<OwnedEventId>: Option<String>, |v| v.map(|v| parse("event_id", v)).transpose();
}
