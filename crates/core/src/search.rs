//! Finding messages by their words, in rooms that were never encrypted.
//!
//! The words of an event are kept when it is sent and go when it is redacted. What is found is read again and shown
//! only if the words are still there and the caller may see it. Start with [`find`].

pub mod find;
mod present;
pub(crate) mod words;
