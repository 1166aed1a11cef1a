//! Shows the roster to this server's own people, whose programs verify it themselves and show with it who belongs to which
//! authority.

use std::sync::Arc;

use rohrpost_trust::roster::Validity;
use ruma::MilliSecondsSinceUnixEpoch;
use serde_json::value::RawValue;

use crate::{Refusal, Result, Server};

/// The roster, and whether it counts.
pub struct Shown {
    /// The document with its signatures, as it was signed.
    pub document: Box<RawValue>,
    /// Whether this server goes by it now.
    pub validity: Validity,
    /// When this server stops to do so unless there is a new one.
    pub closes_at: MilliSecondsSinceUnixEpoch,
}

/// The roster by which this server goes.
///
/// # Errors
/// `NotFound` where it goes by none, or none was accepted yet.
pub fn show(server: &Arc<Server>) -> Result<Shown> {
    let held = server.roster.held().ok_or_else(|| Refusal::not_found("roster"))?;
    Ok(Shown {
        document: held.document.clone(),
        validity: held.members.status_at(server.now()),
        closes_at: held.members.closes_at(),
    })
}
