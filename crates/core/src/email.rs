//! E-mail addresses: showing that one can read mail there, adding them to an account, and the mail that is sent.
//!
//! Use cases only write mail down; [`outbox`] hands it to the mail server afterwards. So a request takes as long for
//! an address that somebody has as for one that nobody has.

pub mod addresses;
pub mod outbox;
pub mod request;
pub mod texts;
pub mod validate;
