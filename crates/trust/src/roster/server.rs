//! A member of the federation: a server, the organisation that runs it, and the keys by which it is known.

use std::fmt;

use ruma_common::{
    CanonicalJsonObject, MilliSecondsSinceUnixEpoch, OwnedServerName, OwnedServerSigningKeyId,
};
use serde::{Deserialize, Serialize};

use crate::key::PublicKey;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its server name, in small letters.
    pub name: OwnedServerName,
    /// Who runs it, as people are shown it.
    pub organisation: String,
    /// The domains of the organisation's mail addresses; each belongs to one server.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail_domains: Vec<String>,
    /// The keys with which it signs requests and events. Only these count.
    pub keys: Vec<SigningKey>,
    /// Up to which classification rooms may be shared with it.
    pub classification: Classification,
    /// Whether it takes part.
    pub status: Status,
    /// When its membership ends, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<MilliSecondsSinceUnixEpoch>,
    /// Whom to reach there.
    pub contact: String,
    /// Fields of later versions.
    #[serde(flatten)]
    pub other: CanonicalJsonObject,
}

/// A key with which a server signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningKey {
    /// Its id, such as `ed25519:a1`.
    pub id: OwnedServerSigningKeyId,
    /// The public key.
    pub key: PublicKey,
    /// From when on it may sign; always, where it isn't said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<MilliSecondsSinceUnixEpoch>,
    /// When it ceased or will cease to sign. What it signed before keeps counting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<MilliSecondsSinceUnixEpoch>,
}

impl SigningKey {
    /// Whether it may have signed something of this time.
    #[must_use]
    pub fn holds_at(&self, at: MilliSecondsSinceUnixEpoch) -> bool {
        self.not_before.is_none_or(|start| start <= at) && self.not_after.is_none_or(|end| at < end)
    }
}

/// Whether a member takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It does.
    Active,
    /// It doesn't for now; its keys stay known, for what it signed before.
    Suspended,
}

/// How far a room's content is protected by law, from the least to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Classification {
    /// Not classified.
    Unclassified,
    /// For official use only; in Germany VS-NfD.
    Restricted,
    /// In Germany VS-Vertraulich.
    Confidential,
    /// In Germany Geheim.
    Secret,
    /// In Germany Streng geheim.
    TopSecret,
}

impl Classification {
    /// All, from the least to the most.
    pub const ALL: [Self; 5] = [
        Self::Unclassified,
        Self::Restricted,
        Self::Confidential,
        Self::Secret,
        Self::TopSecret,
    ];

    /// The word for it in the document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unclassified => "unclassified",
            Self::Restricted => "restricted",
            Self::Confidential => "confidential",
            Self::Secret => "secret",
            Self::TopSecret => "top-secret",
        }
    }
}

impl fmt::Display for Classification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        })
    }
}
