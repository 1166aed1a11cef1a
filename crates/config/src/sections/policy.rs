//! `[policy]`: what the authority asks of every room.

use crate::section::{Check, choice, section};
use crate::source::Source;

section! {
    /// What the authority asks of every room.
    pub struct Policy in "policy" {
        /// Whether rooms are end-to-end encrypted.
        pub encryption: EncryptionPolicy = EncryptionPolicy::Required;
    }
}

choice! {
    /// How strictly rooms are end-to-end encrypted.
    pub enum EncryptionPolicy {
        /// From their first moment; unencrypted messages from people of this server are refused.
        Required = "required",
        /// Unless somebody decides otherwise when making the room.
        Default = "default",
        /// Only where the client asks for it.
        Optional = "optional",
    }
}

impl Check for Policy {
    fn check(&self, _source: &mut Source) {}
}
