//! `[client_api]`: how programs of people speak to this server.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// How the programs of people speak to this server.
    pub struct ClientApi in "client_api" {
        /// Takes access tokens in the address of a request (`?access_token=`), too, for programs that are too old to send
        /// them in a header. Addresses end up in the logs of proxies and in the history of browsers, and with them the
        /// tokens: leave it off.
        pub query_tokens: bool = false;
    }
}

impl Check for ClientApi {
    fn check(&self, _source: &mut Source) {}
}
