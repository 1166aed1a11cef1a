//! Checks on JSON that clients hand in, before any of it becomes an event.
//!
//! Bodies are parsed by `serde_json`, which already refuses lone surrogates, numbers that overflow and more than
//! 128 levels. What it lets pass and an event must not hold is refused here. This module doesn't know event
//! types and sizes; see [`mod@crate::build`]. Start with [`check_json`].

use ruma::canonical_json::{CanonicalJsonObject, CanonicalJsonValue};
use serde_json::Value;

/// How deep objects and arrays may be nested in JSON from a client.
pub const MAX_JSON_DEPTH: usize = 100;

/// The largest integer of canonical JSON; the smallest is its negative.
pub const MAX_INTEGER: i64 = (1 << 53) - 1;

/// Why JSON from a client can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// A number with a fraction or an exponent, or a negative zero.
    #[error("numbers in events must be integers")]
    NotAnInteger,
    /// An integer that not every server can represent.
    #[error("integers in events must be between -(2^53)+1 and (2^53)-1")]
    IntegerOutOfRange,
    /// A NUL character in a key or a string, which the database can't keep.
    #[error("strings must not contain the character U+0000")]
    NulCharacter,
    /// More than [`MAX_JSON_DEPTH`] levels.
    #[error("objects and arrays must not be nested more than {MAX_JSON_DEPTH} deep")]
    TooDeep,
    /// Something else where an object must stand.
    #[error("expected a JSON object")]
    NotAnObject,
}

/// Checks that the value can stand in an event: canonical JSON integers, no NUL, not too deep.
///
/// # Errors
///
/// The first thing found that an event can't hold.
///
/// # Spec
///
/// [Canonical JSON](https://spec.matrix.org/v1.19/appendices/#canonical-json)
pub fn check_json(value: &Value) -> Result<(), InputError> {
    check_value(value, 0)
}

/// Checks the value like [`check_json`] and turns it into the object that an event is built from.
///
/// # Errors
///
/// The value is no object, or holds what an event can't hold.
pub fn canonical_object(value: Value) -> Result<CanonicalJsonObject, InputError> {
    check_json(&value)?;
    match CanonicalJsonValue::try_from(value) {
        Ok(CanonicalJsonValue::Object(object)) => Ok(object),
        Ok(_) => Err(InputError::NotAnObject),
        Err(_) => Err(InputError::NotAnInteger),
    }
}

fn check_value(value: &Value, depth: usize) -> Result<(), InputError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) => check_number(number),
        Value::String(text) => check_text(text),
        Value::Array(items) => {
            let depth = deeper(depth)?;
            items.iter().try_for_each(|item| check_value(item, depth))
        }
        Value::Object(map) => {
            let depth = deeper(depth)?;
            map.iter()
                .try_for_each(|(key, item)| check_text(key).and_then(|()| check_value(item, depth)))
        }
    }
}

fn check_number(number: &serde_json::Number) -> Result<(), InputError> {
    match number.as_i64() {
        Some(integer) if (-MAX_INTEGER..=MAX_INTEGER).contains(&integer) => Ok(()),
        Some(_) => Err(InputError::IntegerOutOfRange),
        None if number.is_u64() => Err(InputError::IntegerOutOfRange),
        None => Err(InputError::NotAnInteger),
    }
}

/// Checks an object that is canonical JSON already, so its integers are in range.
pub(crate) fn check_canonical_object(object: &CanonicalJsonObject) -> Result<(), InputError> {
    check_canonical_map(object, deeper(0)?)
}

fn check_canonical_map(object: &CanonicalJsonObject, depth: usize) -> Result<(), InputError> {
    object
        .iter()
        .try_for_each(|(key, item)| check_text(key).and_then(|()| check_canonical(item, depth)))
}

fn check_canonical(value: &CanonicalJsonValue, depth: usize) -> Result<(), InputError> {
    match value {
        CanonicalJsonValue::Null | CanonicalJsonValue::Bool(_) | CanonicalJsonValue::Integer(_) => Ok(()),
        CanonicalJsonValue::String(text) => check_text(text),
        CanonicalJsonValue::Array(items) => {
            let depth = deeper(depth)?;
            items.iter().try_for_each(|item| check_canonical(item, depth))
        }
        CanonicalJsonValue::Object(object) => check_canonical_map(object, deeper(depth)?),
    }
}

/// Checks a single string that becomes part of an event, such as a state key.
///
/// # Errors
///
/// [`InputError::NulCharacter`].
pub fn check_text(text: &str) -> Result<(), InputError> {
    match text.as_bytes().contains(&0) {
        true => Err(InputError::NulCharacter),
        false => Ok(()),
    }
}

fn deeper(depth: usize) -> Result<usize, InputError> {
    match depth < MAX_JSON_DEPTH {
        true => Ok(depth + 1),
        false => Err(InputError::TooDeep),
    }
}

#[cfg(test)]
mod tests {
    use super::{InputError, MAX_JSON_DEPTH, canonical_object, check_canonical_object, check_json};
    use serde_json::{Value, from_str, json};

    fn check(text: &str) -> Result<(), InputError> {
        check_json(&from_str::<Value>(text).unwrap())
    }

    #[test]
    fn numbers_must_be_integers_that_every_server_can_represent() {
        let out_of_range = Err(InputError::IntegerOutOfRange);
        let not_an_integer = Err(InputError::NotAnInteger);
        let cases = [
            ("0", Ok(())),
            ("9007199254740991", Ok(())),
            ("-9007199254740991", Ok(())),
            ("9007199254740992", out_of_range.clone()),
            ("-9007199254740992", out_of_range.clone()),
            ("9223372036854775807", out_of_range.clone()),
            ("18446744073709551615", out_of_range),
            ("18446744073709551616", not_an_integer.clone()),
            ("1.0", not_an_integer.clone()),
            ("1e3", not_an_integer.clone()),
            ("-0", not_an_integer),
        ];
        for (number, expected) in cases {
            assert_eq!(check(&format!(r#"{{"a":[{number}]}}"#)), expected, "{number}");
        }
    }

    #[test]
    fn nul_is_refused_in_every_string_and_key() {
        for text in [
            r#"{"a":"x\u0000"}"#,
            r#"{"a\u0000":1}"#,
            r#"{"a":[["\u0000"]]}"#,
            r#""\u0000""#,
        ] {
            assert_eq!(check(text), Err(InputError::NulCharacter), "{text}");
        }
        assert_eq!(check(r#"{"a":"\\u0000"}"#), Ok(()));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |levels: usize| from_str::<Value>(&("[".repeat(levels) + &"]".repeat(levels))).unwrap();
        assert_eq!(check_json(&nested(MAX_JSON_DEPTH)), Ok(()));
        assert_eq!(check_json(&nested(MAX_JSON_DEPTH + 1)), Err(InputError::TooDeep));
    }

    #[test]
    fn the_check_on_canonical_objects_agrees() {
        let nested = |levels: usize| {
            let text = r#"{"a":"#.repeat(levels) + "1" + &"}".repeat(levels);
            from_str(&text).unwrap()
        };
        assert_eq!(check_canonical_object(&nested(MAX_JSON_DEPTH)), Ok(()));
        assert_eq!(
            check_canonical_object(&nested(MAX_JSON_DEPTH + 1)),
            Err(InputError::TooDeep)
        );
        let nul = from_str(r#"{"a":[{"b":"\u0000"}]}"#).unwrap();
        assert_eq!(check_canonical_object(&nul), Err(InputError::NulCharacter));
    }

    #[test]
    fn only_objects_become_content() {
        assert_eq!(canonical_object(json!([])), Err(InputError::NotAnObject));
        assert_eq!(
            canonical_object(json!({"a": {"b": [1, "x", null, true]}}))
                .unwrap()
                .len(),
            1
        );
    }
}
