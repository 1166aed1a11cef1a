//! Takes the leave of a user of another server.

use std::sync::Arc;

use ruma::events::room::member::MembershipState;

pub use super::handed::Handover;
use super::{handed, take::take};
use crate::{Result, Server};

/// Somebody of another server leaves, refuses an invitation, or doesn't want to be let in any more.
///
/// # Errors
/// `NotFound`, `InvalidParam`, `BadJson`, `Forbidden`: nothing was kept.
///
/// # Spec
/// [`PUT /send_leave`](https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_leaveroomideventid)
pub async fn take_leave(server: &Arc<Server>, handover: Handover) -> Result<()> {
    let event = handed::check(server, &handover, MembershipState::Leave).await?;
    take(server, handover.origin, event).await
}
