//! OAuth 2.0: this server is its own small authorization server.
//!
//! A program registers itself ([`register`]), sends its user to the server's own pages, where they sign in
//! ([`page`]) and consent ([`authorize`]), and exchanges the code it gets for tokens ([`exchange`]). A device without
//! a browser shows a code instead, which its user types elsewhere ([`device`]). The tokens are those of every other
//! sign-in; a grant says to which client they belong.
//!
//! Nothing here knows the consent of a page from a cookie: each request of a page shows what the page was given for
//! the password, so a foreign page can't make a browser consent.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#oauth-20-api>

pub mod authorize;
pub mod client;
pub mod device;
pub mod exchange;
pub mod manage;
pub mod metadata;
pub mod page;
mod parameters;
mod redirect;
pub mod refused;
pub mod register;
pub mod revoke;
mod scope;
pub mod sso;

pub use self::{client::Client, parameters::Parameters, refused::OAuthRefusal};

use std::{net::IpAddr, sync::Arc};

use crate::{Refusal, Result, Server, accounts::address_key, limits::Kind};

/// Looks whether OAuth 2.0 is switched on, and counts a request that nobody is signed in for against the limit of its
/// address.
fn admit(server: &Arc<Server>, address: IpAddr) -> Result<()> {
    if !server.settings.oauth {
        return Err(Refusal::Unrecognized);
    }
    server.limit(Kind::General, &address_key(address))
}
