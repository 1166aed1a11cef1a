//! Where pushes may go: what the operator allows, and nothing else.

use url::Url;

/// What the operator decided about pushes.
#[derive(Clone, Debug)]
pub struct PushSettings {
    /// Gateways learn the ids of events and rooms only, whatever a client asks for.
    pub event_id_only: bool,
    /// Push gateways and push services that may be told something.
    pub gateways: Vec<Gateway>,
    /// Whom push services may write to, a `mailto:` or `https:` address.
    pub contact: String,
}

/// A push gateway or push service that is allowed: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    is_https: bool,
    /// Without the star.
    host: String,
    with_subdomains: bool,
    port: u16,
}

impl Gateway {
    /// Reads `https://push.example`, `https://push.example:8443` or `https://*.push.example`. `None`: it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let with_subdomains = text.contains("://*.");
        let url = Url::parse(&text.replacen("://*.", "://", 1)).ok()?;
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        if !matches!(url.scheme(), "https" | "http") || !is_bare || !is_anonymous {
            return None;
        }
        Some(Self {
            is_https: url.scheme() == "https",
            host: url.host_str()?.to_owned(),
            with_subdomains,
            port: url.port_or_known_default()?,
        })
    }

    fn allows(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let is_host = match host.strip_suffix(&self.host) {
            Some("") => !self.with_subdomains,
            Some(before) => self.with_subdomains && before.ends_with('.'),
            None => false,
        };
        let scheme = if self.is_https { "https" } else { "http" };
        is_host && url.scheme() == scheme && url.port_or_known_default() == Some(self.port)
    }
}

impl PushSettings {
    /// The address, if it is one that may be told something.
    #[must_use]
    pub fn allowed(&self, url: &str) -> Option<Url> {
        let url = Url::parse(url).ok()?;
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        (is_anonymous && self.gateways.iter().any(|gateway| gateway.allows(&url))).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::{Gateway, PushSettings};

    fn allowed(gateways: &[&str], url: &str) -> bool {
        let settings = PushSettings {
            event_id_only: true,
            gateways: gateways.iter().filter_map(|text| Gateway::parse(text)).collect(),
            contact: String::new(),
        };
        settings.allowed(url).is_some()
    }

    #[test]
    fn only_what_is_named_is_allowed() {
        let one = &["https://push.example"][..];
        assert!(allowed(one, "https://push.example/_matrix/push/v1/notify"));
        for refused in [
            "http://push.example/",
            "https://push.example:8443/",
            "https://a.push.example/",
            "https://push.example.evil/",
            "https://evilpush.example/",
            "https://user@push.example/",
            "https://push.example@evil.example/",
            "https://evil.example/#push.example",
            "//push.example",
            "",
        ] {
            assert!(!allowed(one, refused), "{refused}");
        }
        assert!(!allowed(&[], "https://push.example/"));
    }

    #[test]
    fn a_star_stands_for_what_is_below() {
        let below = &["https://*.push.example"][..];
        assert!(allowed(below, "https://a.push.example/x"));
        assert!(allowed(below, "https://a.b.push.example/x"));
        assert!(!allowed(below, "https://push.example/x"));
        assert!(!allowed(below, "https://evilpush.example/x"));
    }

    #[test]
    fn a_gateway_is_named_by_scheme_and_host() {
        for wrong in [
            "push.example",
            "ftp://push.example",
            "https://a:b@push.example",
            "https://push.example/path",
            "",
        ] {
            assert_eq!(Gateway::parse(wrong), None, "{wrong}");
        }
    }
}
