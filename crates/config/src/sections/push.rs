//! `[push]`: telling devices that are asleep.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// Telling devices that are asleep that there is something new. Nothing is told to anybody who is not named here.
    pub struct Push in "push" {
        /// Push gateways and the push services of browsers that may be told that there is something new, each as
        /// `https://HOST`, or `https://*.DOMAIN` for all below a domain. Browsers use
        /// `https://fcm.googleapis.com`, `https://*.push.services.mozilla.com`, `https://*.push.apple.com` and
        /// `https://*.notify.windows.com`; what they are told is encrypted for the browser.
        pub allowed_gateways: Vec<String> = Vec::new(), like "[\"https://push.behoerde.example\"]";
        /// Gateways learn the ids of event and room and how much is unread, and nothing else, whatever a client asks for.
        pub event_id_only: bool = true;
        /// Whether gateways may be in a private network or on this computer.
        pub allow_private_addresses: bool = false;
        /// Whom push services may write to about this server's Web Push: `mailto:ADDRESS` or `https://...`. Without it:
        /// the server's own address.
        pub vapid: Option<String> = None, like "\"mailto:messenger@behoerde.example\"";
    }
}

impl Check for Push {
    fn check(&self, source: &mut Source) {
        for gateway in &self.allowed_gateways {
            let rest = gateway
                .strip_prefix("https://")
                .or_else(|| gateway.strip_prefix("http://"));
            let host = rest.map(|rest| rest.strip_prefix("*.").unwrap_or(rest));
            if host.is_none_or(|host| ruma_identifiers_validation::server_name::validate(host).is_err()) {
                let message =
                    format!("\"{gateway}\" must be https://HOST or https://*.DOMAIN and nothing behind it");
                source.refuse("push", "allowed_gateways", &message);
            }
        }
        let is_contact = |contact: &String| contact.starts_with("mailto:") || contact.starts_with("https://");
        if self.vapid.as_ref().is_some_and(|contact| !is_contact(contact)) {
            source.refuse("push", "vapid", "must begin with mailto: or https://");
        }
    }
}
