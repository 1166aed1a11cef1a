//! What a handler is given beside its request: the server, who calls, and how.

use std::{net::IpAddr, sync::Arc};

use bytes::Bytes;
use rohrpost_core::{Caller, Server};

/// How a request came in.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Where it came from. Taken from the socket, never from a header.
    pub(crate) address: IpAddr,
    /// Method and path template, such as `POST /_matrix/client/v3/account/password`: what user-interactive
    /// authentication is bound to.
    pub(crate) operation: &'static str,
    /// The body, as received.
    pub(crate) body: Bytes,
}

/// A request with a valid access token.
#[derive(Clone)]
pub(crate) struct Authed {
    pub(crate) server: Arc<Server>,
    pub(crate) caller: Caller,
    pub(crate) call: Call,
}

/// A request that needs no access token. When a valid one came along, `caller` says whose.
#[derive(Clone)]
pub(crate) struct Public {
    pub(crate) server: Arc<Server>,
    pub(crate) caller: Option<Caller>,
    pub(crate) call: Call,
}

/// A piece of JSON that `ruma` passed on unread.
///
/// # Errors
/// `BadJson` when it is nested too deep to be read.
pub(crate) fn value(raw: &serde_json::value::RawValue) -> rohrpost_core::Result<serde_json::Value> {
    serde_json::from_str(raw.get())
        .map_err(|error| rohrpost_core::Refusal::BadJson(format!("the content can't be read: {error}")))
}
