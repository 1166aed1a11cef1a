//! The roster of a federation: which servers belong to it, with which keys, and who may say so.
//!
//! A roster is a JSON document in canonical form with detached Ed25519 signatures. `k` of `n` signers, who should sit in
//! different authorities, have to sign each document; each has a number and the hash of the one before. It names its own
//! end: whoever gets no new one in time stops talking to other servers, so nobody can keep a removed member alive by
//! holding documents back.
//!
//! - [`Roster`]: the content, and in `server.rs` and `signers.rs` its parts; `check.rs` holds the bounds.
//! - [`Document`]: a file with signatures, not verified.
//! - [`Trusted`]: what is trusted already, and the decision over a document.
//! - [`Members`]: a verified roster that answers questions.

mod check;
mod document;
mod members;
mod server;
mod signers;
mod verify;

#[cfg(test)]
mod tests;

use js_int::UInt;
use ruma_common::{CanonicalJsonObject, MilliSecondsSinceUnixEpoch, RoomVersionId};
use serde::{Deserialize, Serialize};

pub use self::{
    check::{
        MAX_DOMAINS, MAX_KEYS, MAX_LIFETIME_MS, MAX_SERVERS, MAX_SIGNERS, MAX_TEXT_BYTES, Problem, is_domain,
    },
    document::{Document, MAX_BYTES, Malformed},
    members::{DEFAULT_GRACE_MS, Members, Validity},
    server::{Classification, Server, SigningKey, Status},
    signers::{Signer, Signers},
    verify::{Last, Refusal, Trusted, Verified},
};

use crate::key::Hash;

/// The form of the document that this version reads and writes. It is signed with everything else, so a signature for a
/// roster is never one for something else.
pub const FORMAT: &str = "rohrpost-roster-1";

/// The content of a roster. Times are milliseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// Always [`FORMAT`].
    pub format: String,
    /// Names of fields that nobody may pass over who doesn't know them. This version knows none that could stand here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub critical: Vec<String>,
    /// The name of the federation, for good: small letters, digits, `.` and `-`.
    pub roster_id: String,
    /// The number of the document, from 1.
    pub seq: UInt,
    /// The hash of the document before; none for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_hash: Option<Hash>,
    /// From when on it counts.
    pub not_before: MilliSecondsSinceUnixEpoch,
    /// When it ends; at most [`MAX_LIFETIME_MS`] after it begins.
    pub not_after: MilliSecondsSinceUnixEpoch,
    /// Who signs the next document.
    pub signers: Signers,
    /// What all members hold to.
    pub policy: Policy,
    /// The members, in the order of their names, at most [`MAX_SERVERS`].
    pub servers: Vec<Server>,
    /// Fields of later versions: signed and kept, not understood.
    #[serde(flatten)]
    pub other: CanonicalJsonObject,
}

/// What all members of the federation hold to in rooms that they share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The oldest version of rooms that members share, 12 for `"12"`.
    pub min_room_version: UInt,
    /// Whether rooms that members share have to be encrypted.
    pub encryption_required: bool,
    /// Fields of later versions.
    #[serde(flatten)]
    pub other: CanonicalJsonObject,
}

impl Policy {
    /// Whether rooms of this version may be shared. A version that isn't a plain number never may.
    #[must_use]
    pub fn admits(&self, version: &RoomVersionId) -> bool {
        let number = version.as_str().parse::<u64>();
        number.is_ok_and(|number| number >= u64::from(self.min_room_version))
    }
}

impl Roster {
    /// The member of this name, whatever its state.
    #[must_use]
    pub fn server(&self, name: &ruma_common::ServerName) -> Option<&Server> {
        let at = self
            .servers
            .binary_search_by(|server| server.name.as_str().cmp(name.as_str()));
        at.ok().map(|at| &self.servers[at])
    }
}
