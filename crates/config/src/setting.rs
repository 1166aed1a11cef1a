//! The types a value may have: how each is read, named and shown. A list may be written as an array or, as the
//! environment has to, as one text with commas; numbers and switches may stand in quotes for the same reason.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use figment::value::Value;
use ipnet::IpNet;

use crate::secret::Secret;

/// A type that a key can have.
pub(crate) trait Setting: Sized {
    /// What may stand there, in a word or two.
    fn kind() -> String;

    /// The value, or what it must be instead. The message never repeats a secret.
    fn read(value: &Value) -> Result<Self, String>;

    /// The value as TOML; `None` when nothing is set or nobody may see it.
    fn show(&self) -> Option<String>;

    /// The words it may have, each with its meaning; empty where it isn't a choice.
    fn choices() -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Whether this default stands for a value that the operator has to give.
    fn is_missing(&self) -> bool {
        false
    }
}

/// The text of a value that is one; numbers are taken as written.
pub(crate) fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.trim().to_owned()),
        Value::Num(..) => whole(value).map(|number| number.to_string()),
        _ => None,
    }
}

/// "`a`, `b` or `c`".
pub(crate) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// The text as a TOML string.
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn whole(value: &Value) -> Option<i128> {
    value
        .to_i128()
        .or_else(|| value.to_u128().and_then(|number| i128::try_from(number).ok()))
}

impl Setting for String {
    fn kind() -> String {
        "text".to_owned()
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::String(_, text) => Ok(text.trim().to_owned()),
            _ => Err("must be text in quotes".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        if self.is_empty() { None } else { Some(quote(self)) }
    }

    fn is_missing(&self) -> bool {
        self.is_empty()
    }
}

impl Setting for PathBuf {
    fn kind() -> String {
        "path".to_owned()
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some(text) if !text.trim().is_empty() => Ok(Self::from(text)),
            _ => Err("must be a path in quotes".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        Some(quote(&self.to_string_lossy()))
    }
}

impl Setting for Secret {
    fn kind() -> String {
        "secret text".to_owned()
    }

    fn read(value: &Value) -> Result<Self, String> {
        value
            .as_str()
            .map(|text| Self::new(text.to_owned()))
            .ok_or("must be text in quotes".to_owned())
    }

    fn show(&self) -> Option<String> {
        None
    }
}

impl Setting for bool {
    fn kind() -> String {
        "true or false".to_owned()
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Bool(_, switch) => Ok(*switch),
            Value::String(_, text) if text.trim() == "true" => Ok(true),
            Value::String(_, text) if text.trim() == "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        Some(self.to_string())
    }
}

macro_rules! whole_number {
    ($($number:ty),+) => { $(
        impl Setting for $number {
            fn kind() -> String {
                "whole number".to_owned()
            }

            fn read(value: &Value) -> Result<Self, String> {
                let number = match value {
                    Value::String(_, text) => text.trim().parse().ok(),
                    _ => whole(value).and_then(|number| Self::try_from(number).ok()),
                };
                number.ok_or_else(|| format!("must be a whole number between 0 and {}", Self::MAX))
            }

            fn show(&self) -> Option<String> {
                Some(self.to_string())
            }
        }
    )+ };
}

whole_number!(u32, u64);

impl Setting for SocketAddr {
    fn kind() -> String {
        "address:port".to_owned()
    }

    fn read(value: &Value) -> Result<Self, String> {
        let example = "must be an IP address with a port, for example \"127.0.0.1:8008\" or \"[::]:8008\"";
        let text = value.as_str().ok_or(example)?.trim();
        text.parse().map_err(|_| format!("{example}, and not \"{text}\""))
    }

    fn show(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }
}

impl Setting for IpNet {
    fn kind() -> String {
        "address or network".to_owned()
    }

    fn read(value: &Value) -> Result<Self, String> {
        let example = "must be an IP address or a network, for example \"10.0.0.5\" or \"10.0.0.0/24\"";
        let text = value.as_str().ok_or(example)?.trim();
        let net = text
            .parse()
            .or_else(|_| text.parse().map(|address: IpAddr| address.into()));
        net.map_err(|_| format!("{example}, and not \"{text}\""))
    }

    fn show(&self) -> Option<String> {
        Some(quote(&self.to_string()))
    }
}

/// Not set, or a value. Empty text counts as not set: that is how an environment variable is taken back.
impl<T: Setting> Setting for Option<T> {
    fn kind() -> String {
        T::kind()
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value.as_str() {
            Some(text) if text.trim().is_empty() => Ok(None),
            _ => T::read(value).map(Some),
        }
    }

    fn show(&self) -> Option<String> {
        self.as_ref().and_then(T::show)
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn kind() -> String {
        format!("list of {}", T::kind())
    }

    fn read(value: &Value) -> Result<Self, String> {
        match value {
            Value::Array(_, items) => items.iter().map(T::read).collect(),
            Value::String(_, text) => text
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| T::read(&Value::from(item)))
                .collect(),
            _ => Err("must be a list: [\"...\", \"...\"]".to_owned()),
        }
    }

    fn show(&self) -> Option<String> {
        let items: Vec<String> = self.iter().filter_map(T::show).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}
