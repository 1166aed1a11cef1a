//! Use cases about rooms. Everything that changes a room goes through [`append`]; everything that reads one asks
//! [`access`] first what the caller may see.

pub(crate) mod access;
pub(crate) mod append;
pub(crate) mod bundle;
pub(crate) mod carry_over;
pub mod context;
pub mod create;
pub mod event;
pub mod forget;
pub(crate) mod guest_access;
pub mod head;
pub mod hierarchy;
pub mod initial_sync;
pub mod joined;
pub mod members;
pub mod membership;
pub mod messages;
pub mod moment;
pub mod mutual;
pub(crate) mod outside_state;
pub(crate) mod present;
pub mod profile;
pub mod redact;
pub(crate) mod relation;
pub mod relations;
pub(crate) mod restricted;
pub mod send;
pub mod set_state;
pub mod state;
pub mod summary;
pub mod thread_subscription;
pub mod threads;
pub mod upgrade;

/// Longest transaction id, in bytes: they are parts of a key in the database.
const MAX_TXN_ID_BYTES: usize = 255;

/// Refuses transaction ids that can't be kept.
pub(crate) fn check_txn_id(txn_id: &ruma::TransactionId) -> crate::Result<()> {
    if txn_id.as_str().len() > MAX_TXN_ID_BYTES {
        return Err(crate::Refusal::InvalidParam(format!(
            "a transaction id has at most {MAX_TXN_ID_BYTES} bytes"
        )));
    }
    Ok(())
}
