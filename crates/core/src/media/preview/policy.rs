//! Where this server goes for a preview: what the operator allows, asked anew for each redirection.

use std::time::Duration;

use url::{Host, Url};

use crate::{Refusal, Result};

/// Longest address of a page, in bytes as it is sent.
const MAX_URL_BYTES: usize = 2048;

/// What the operator decided about previews. Which addresses may be connected to is decided by the port for pages.
#[derive(Clone, Debug)]
pub struct PreviewSettings {
    /// The only hosts whose pages are fetched; empty: all.
    pub allowed_hosts: Vec<HostPattern>,
    /// Hosts whose pages are not fetched.
    pub denied_hosts: Vec<HostPattern>,
    /// The ports that are connected to.
    pub allowed_ports: Vec<u32>,
    /// How much of a page is read, in bytes.
    pub max_page_bytes: usize,
    /// The largest picture, in bytes; 0: none.
    pub max_picture_bytes: usize,
    /// How long a page and its picture may take together.
    pub timeout: Duration,
}

/// A host, or all hosts below a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern {
    host: String,
    is_below: bool,
}

impl HostPattern {
    /// Reads `HOST` or `*.DOMAIN`. Names are compared as browsers write them, so `Bücher.example` may be written as it is.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let (name, is_below) = match text.strip_prefix("*.") {
            Some(domain) => (domain, true),
            None => (text, false),
        };
        let host = Host::parse(name).map_or_else(|_| name.to_ascii_lowercase(), |host| host.to_string());
        let host = host.trim_end_matches('.').to_owned();
        Self { host, is_below }
    }

    fn fits(&self, host: &str) -> bool {
        match host.strip_suffix(&self.host) {
            Some("") => !self.is_below,
            Some(before) => self.is_below && before.ends_with('.'),
            None => false,
        }
    }
}

impl PreviewSettings {
    /// Whether a page may be fetched, as far as its address tells.
    pub(super) fn allows(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return false;
        };
        // "example.org." is the same host as "example.org".
        let host = host.trim_end_matches('.');
        let fits = |hosts: &[HostPattern]| hosts.iter().any(|pattern| pattern.fits(host));
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.as_str().len() <= MAX_URL_BYTES
            && self.allowed_ports.contains(&u32::from(port))
            && !fits(&self.denied_hosts)
            && (self.allowed_hosts.is_empty() || fits(&self.allowed_hosts))
    }
}

/// The address of a page, as it is asked for and kept.
///
/// # Errors
/// `InvalidParam` when it is none.
pub(super) fn address(text: &str) -> Result<Url> {
    let wrong = |what: &str| Refusal::InvalidParam(format!("url {what}"));
    let mut url = Url::parse(text.trim()).map_err(|_| wrong("is not the address of a page"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("must not hold a name or a password"));
    }
    // What stands behind it is for browsers alone.
    url.set_fragment(None);
    if url.as_str().len() > MAX_URL_BYTES {
        return Err(wrong(&format!("must not be longer than {MAX_URL_BYTES} bytes")));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{HostPattern, PreviewSettings, address};

    fn allows(allowed: &[&str], denied: &[&str], url: &str) -> bool {
        let hosts = |hosts: &[&str]| hosts.iter().map(|host| HostPattern::new(host)).collect();
        let settings = PreviewSettings {
            allowed_hosts: hosts(allowed),
            denied_hosts: hosts(denied),
            allowed_ports: vec![80, 443],
            max_page_bytes: 1,
            max_picture_bytes: 1,
            timeout: Duration::ZERO,
        };
        url.parse().is_ok_and(|url| settings.allows(&url))
    }

    #[test]
    fn hosts_are_allowed_and_denied_by_name() {
        for url in [
            "https://a.example/",
            "https://b.a.example/x",
            "http://A.EXAMPLE./",
            "https://a.example:443/",
        ] {
            assert!(allows(&[], &[], url), "{url}");
            assert!(allows(&["a.example", "*.a.example"], &[], url), "{url}");
            assert!(!allows(&[], &["a.example", "*.a.example"], url), "{url}");
            assert!(
                !allows(&["a.example"], &["*.A.example", "a.example"], url),
                "{url}"
            );
            assert!(!allows(&["b.example"], &[], url), "{url}");
        }
        assert!(!allows(&["*.a.example"], &[], "https://a.example/"));
        assert!(!allows(&["*.a.example"], &[], "https://evila.example/"));
        assert!(!allows(&["a.example"], &[], "https://a.example.evil/"));
        assert!(allows(&["Bücher.example"], &[], "https://bücher.example/"));
    }

    #[test]
    fn other_ports_schemes_and_names_in_addresses_are_refused() {
        for url in [
            "http://a.example:22/",
            "https://a.example:8443/",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://user@a.example/",
            "https://:secret@a.example/",
            "gopher://a.example/",
            "data:text/html,x",
            "javascript:alert(1)",
        ] {
            assert!(!allows(&[], &[], url), "{url}");
        }
    }

    #[test]
    fn an_address_is_kept_without_what_is_for_browsers() {
        let read = |text: &str| address(text).map(|url| url.to_string()).ok();
        assert_eq!(
            read(" https://A.example/x#y ").as_deref(),
            Some("https://a.example/x")
        );
        for wrong in [
            "",
            "a.example",
            "//a.example",
            "https://",
            "ftp://a.example",
            "https://u:p@a.example/",
            &format!("https://a.example/{}", "ä".repeat(500)),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
