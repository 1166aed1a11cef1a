//! Reads JSON of another server into canonical JSON, and takes nothing that two servers could read differently.
//!
//! `serde_json` refuses lone surrogates and more than 127 levels. That is also where other servers stop, so rooms
//! don't come apart over it. NUL is not looked at here: see [`signatures`](super::signatures).

use std::fmt;

use ruma::Int;
use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::input::{InputError, MAX_INTEGER};

/// Reads an object.
///
/// # Errors
///
/// Not JSON, no object, numbers that are no integers or out of range, or a key twice in one object. The text never
/// shows what stood there.
pub(crate) fn read(json: &str) -> Result<CanonicalJsonObject, serde_json::Error> {
    match serde_json::from_str(json)? {
        Strict(CanonicalJsonValue::Object(object)) => Ok(object),
        Strict(_) => Err(Error::custom(InputError::NotAnObject)),
    }
}

struct Strict(CanonicalJsonValue);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = CanonicalJsonValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("canonical JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(CanonicalJsonValue::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(CanonicalJsonValue::Bool(value))
    }

    // "Numbers that are integers in the range [-(2**53)+1, (2**53)-1]".
    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        match (-MAX_INTEGER..=MAX_INTEGER).contains(&value) {
            true => Ok(CanonicalJsonValue::Integer(Int::new_saturating(value))),
            false => Err(E::custom(InputError::IntegerOutOfRange)),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(E::custom(InputError::IntegerOutOfRange)),
        }
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Err(E::custom(InputError::NotAnInteger))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        Ok(CanonicalJsonValue::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Self::Value, E> {
        Ok(CanonicalJsonValue::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        // No capacity from the other side.
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(CanonicalJsonValue::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut object = CanonicalJsonObject::new();
        while let Some(key) = entries.next_key::<String>()? {
            let Strict(value) = entries.next_value()?;
            if object.insert(key, value).is_some() {
                return Err(Error::custom("a key stands twice in one object"));
            }
        }
        Ok(CanonicalJsonValue::Object(object))
    }
}
