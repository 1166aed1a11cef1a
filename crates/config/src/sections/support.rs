//! `[support]`: whom to ask for help.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Whom to ask for help, told to everybody at `/.well-known/matrix/support`. Nothing set: that address does not
    /// exist.
    pub struct Support in "support" {
        /// A page that helps.
        pub page: Option<String> = None, like "\"https://behoerde.example/messenger\"";
        /// The mail address of the administrators.
        pub admin_email: Option<String> = None, like "\"messenger@behoerde.example\"";
        /// The account of an administrator.
        pub admin_user: Option<String> = None, like "\"@hilfe:behoerde.example\"";
        /// The mail address for reports of security problems.
        pub security_email: Option<String> = None, like "\"sicherheit@behoerde.example\"";
        /// The public key of a policy server that runs under this name, in Base64; told at
        /// `/.well-known/matrix/policy_server`.
        pub policy_server_key: Option<String> = None, like "\"6yhHGKhCiXTSEN2ksjV7kX/N6rBQZ3Xb+M7LlC6NS+s\"";
    }
}

impl Check for Support {
    fn check(&self, source: &mut Source) {
        let refuse = |source: &mut Source, key, message| source.refuse("support", key, message);
        if self
            .page
            .as_ref()
            .is_some_and(|page| !page.starts_with("https://"))
        {
            refuse(source, "page", "must begin with https://");
        }
        for (key, address) in [
            ("admin_email", &self.admin_email),
            ("security_email", &self.security_email),
        ] {
            if address.as_ref().is_some_and(|address| !address.contains('@')) {
                refuse(source, key, "must be a mail address, with @");
            }
        }
        let is_user = |user: &String| ruma_identifiers_validation::user_id::validate(user).is_ok();
        if self.admin_user.as_ref().is_some_and(|user| !is_user(user)) {
            refuse(
                source,
                "admin_user",
                "must be the full address of an account, such as @anna:behoerde.example",
            );
        }
        let is_key = |key: &String| {
            key.len() == 43
                && key
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
        };
        if self.policy_server_key.as_ref().is_some_and(|key| !is_key(key)) {
            refuse(
                source,
                "policy_server_key",
                "must be 43 letters of Base64, without = at the end",
            );
        }
    }
}
