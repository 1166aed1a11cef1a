//! A roster as a file: the content in canonical JSON, and beside it the signatures of exactly these bytes.
//!
//! `{"roster":{...},"signatures":{"PUBLIC KEY":"SIGNATURE"}}`. A file has one form only: canonical JSON through and
//! through, nothing behind it. So each changed bit changes what was signed, or a signature.

use std::collections::BTreeMap;

use ruma_common::canonical_json::to_canonical_value;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Roster,
    check::{MAX_SIGNERS, Problem, check_format},
};
use crate::key::{Hash, PublicKey, SecretKey, Signature};

/// The largest file, in bytes: 10,000 members with a good 800 bytes each.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// The most signatures: those of all signers before a change and after it.
const MAX_SIGNATURES: usize = 2 * MAX_SIGNERS;

/// A file that is no roster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Larger than anything that is read.
    #[error("the file is larger than {} MiB, which no roster is", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// Not JSON, or without the fields of a roster.
    #[error("the file is no roster or was cut off: {0}")]
    Unreadable(String),
    /// Another form of the same JSON, such as with line breaks.
    #[error(
        "the file isn't in the one form that a roster has (canonical JSON): it was edited or formatted, fetch it again"
    )]
    NotCanonical,
    /// More signatures than there can be.
    #[error("there are more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// The content can't be.
    #[error("the roster's content is wrong: {0}")]
    Content(#[from] Problem),
}

/// A roster with signatures, of which nothing is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The content as it was signed.
    content: Box<str>,
    head: Head,
    signatures: BTreeMap<PublicKey, Signature>,
}

/// What is read before the signatures are verified.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Head {
    format: String,
    roster_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    #[serde(borrow)]
    roster: &'a RawValue,
    signatures: BTreeMap<PublicKey, Signature>,
}

#[derive(Deserialize)]
struct Critical {
    #[serde(default)]
    critical: Vec<String>,
}

impl Document {
    /// Takes a file apart. Reads no more of the content than which roster it is: that is for [`Self::roster`], once
    /// somebody who is trusted has signed it.
    ///
    /// # Errors
    /// When it is too large, no roster, of a form of another version, or not in canonical form around the content.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_BYTES {
            return Err(Malformed::TooLarge);
        }
        let file: File<'_> = serde_json::from_slice(bytes).map_err(unreadable)?;
        if file.signatures.len() > MAX_SIGNATURES {
            return Err(Malformed::TooManySignatures);
        }
        let content = file.roster.get();
        let head: Head = serde_json::from_str(content).map_err(unreadable)?;
        check_format(&head.format, &[])?;
        let document = Self {
            content: content.into(),
            head,
            signatures: file.signatures,
        };
        if document.to_bytes() != bytes {
            return Err(Malformed::NotCanonical);
        }
        Ok(document)
    }

    /// A document of this content that nobody has signed yet.
    ///
    /// # Errors
    /// When the content can't be: see [`Roster::check`].
    pub fn draft(roster: &Roster) -> Result<Self, Malformed> {
        roster.check()?;
        let document = Self {
            content: canonical(roster)?.into(),
            head: Head {
                format: roster.format.clone(),
                roster_id: roster.roster_id.clone(),
            },
            signatures: BTreeMap::new(),
        };
        if document.content.len() > MAX_BYTES - 64 * 1024 {
            return Err(Malformed::TooLarge);
        }
        Ok(document)
    }

    /// The file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut pairs: Vec<_> = self
            .signatures
            .iter()
            .map(|(key, signature)| format!("\"{key}\":\"{signature}\""))
            .collect();
        // Canonical JSON orders by the letters of a key, which isn't the order of its bytes.
        pairs.sort();
        format!(
            "{{\"roster\":{},\"signatures\":{{{}}}}}",
            self.content,
            pairs.join(",")
        )
        .into_bytes()
    }

    /// The content: read, held against its bounds, and in the one form that it has.
    ///
    /// # Errors
    /// When it isn't that.
    pub fn roster(&self) -> Result<Roster, Malformed> {
        let Critical { critical } = serde_json::from_str(&self.content).map_err(unreadable)?;
        check_format(&self.head.format, &critical)?;
        let roster: Roster = serde_json::from_str(&self.content).map_err(unreadable)?;
        if canonical(&roster)? != *self.content {
            return Err(Malformed::NotCanonical);
        }
        roster.check()?;
        Ok(roster)
    }

    /// The federation that it says it is for.
    #[must_use]
    pub fn roster_id(&self) -> &str {
        &self.head.roster_id
    }

    /// The hash of the content: the next document names it.
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(self.signed_bytes())
    }

    /// What signers sign: the content in canonical JSON.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        self.content.as_bytes()
    }

    /// The signatures and whose they say they are; not verified.
    #[must_use]
    pub fn signatures(&self) -> &BTreeMap<PublicKey, Signature> {
        &self.signatures
    }

    /// Adds a signature. One with the same key is replaced.
    pub fn sign(&mut self, key: &SecretKey) {
        let signature = key.sign(self.signed_bytes());
        self.signatures.insert(key.public(), signature);
    }
}

fn canonical(roster: &Roster) -> Result<String, Malformed> {
    let value = to_canonical_value(roster).map_err(|error| Malformed::Unreadable(error.to_string()))?;
    Ok(value.to_string())
}

fn unreadable(error: serde_json::Error) -> Malformed {
    Malformed::Unreadable(error.to_string())
}
