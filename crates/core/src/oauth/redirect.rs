//! Where the user is sent back to: only where the client said when it registered.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#redirect-uri-validation>

use url::{Host, Url, form_urlencoded::Serializer};

use super::OAuthRefusal;

/// Longest redirect URI, in bytes.
const MAX_BYTES: usize = 1024;
const LOOPBACK: [&str; 3] = ["http://localhost", "http://127.0.0.1", "http://[::1]"];

/// An `https` address with a name and without user or password.
pub(super) fn is_plain_https(url: &Url) -> bool {
    url.scheme() == "https"
        && matches!(url.host(), Some(Host::Domain(_)))
        && url.username().is_empty()
        && url.password().is_none()
}

/// Whether an address is on the host of the client or below it.
pub(super) fn is_below(client: &Url, url: &Url) -> bool {
    match (client.host_str(), url.host_str()) {
        (Some(base), Some(host)) => {
            host == base
                || host
                    .strip_suffix(base)
                    .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        _ => false,
    }
}

/// Checks a redirect URI that a client wants to register.
///
/// # Errors
/// `InvalidRedirectUri` with the rule that it breaks.
pub(super) fn check(uri: &str, client_uri: &Url, is_native: bool) -> Result<(), OAuthRefusal> {
    let refused = |text| Err(OAuthRefusal::InvalidRedirectUri(text));
    if uri.len() > MAX_BYTES
        || uri
            .chars()
            .any(|char| char.is_control() || char == ' ' || char == '\\')
    {
        return refused("a redirect URI is too long or has characters that are not allowed");
    }
    let Ok(url) = Url::parse(uri) else {
        return refused("a redirect URI is not an absolute URI");
    };
    if uri.contains('#') {
        return refused("a redirect URI must not have a fragment");
    }
    match url.scheme() {
        "https" if is_plain_https(&url) && is_below(client_uri, &url) => Ok(()),
        "https" => refused("an https redirect URI must be on the host of client_uri or below it"),
        "http" if is_native => {
            let is_loopback = LOOPBACK.iter().any(|base| {
                uri.strip_prefix(base)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            });
            if is_loopback {
                return Ok(());
            }
            refused("an http redirect URI must be on localhost, 127.0.0.1 or [::1], without a port")
        }
        "http" => refused("the redirect URI of a web client must use https"),
        scheme if is_native && is_private_scheme(scheme, client_uri) => {
            if uri[scheme.len() + 1..].starts_with("//") {
                return refused("a redirect URI with a scheme of its own must not name a host");
            }
            Ok(())
        }
        _ => refused("the scheme of a redirect URI must be the host of client_uri, read backwards"),
    }
}

/// Whether a scheme is the client's host read backwards, or below that.
fn is_private_scheme(scheme: &str, client_uri: &Url) -> bool {
    let Some(Host::Domain(host)) = client_uri.host() else {
        return false;
    };
    let backwards: Vec<&str> = host.rsplit('.').collect();
    let backwards = backwards.join(".");
    // Without a dot it could be any scheme that a system knows.
    backwards.contains('.')
        && scheme
            .strip_prefix(backwards.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Whether a redirect URI is one that was registered: letter by letter, except that a program on the user's own
/// computer may listen on any port.
pub(super) fn is_registered(registered: &[String], uri: &str) -> bool {
    registered
        .iter()
        .any(|known| known == uri || without_port(uri).is_some_and(|without| without == *known))
}

/// A loopback address without its port.
fn without_port(uri: &str) -> Option<String> {
    LOOPBACK.iter().find_map(|base| {
        let rest = uri.strip_prefix(base)?.strip_prefix(':')?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (port, rest) = rest.split_at(end);
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        let is_clean = !rest.contains(['#', '\\']) && !rest.chars().any(char::is_control);
        (is_port && is_clean).then(|| format!("{base}{rest}"))
    })
}

/// How the answer is attached to the redirect URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Query,
    Fragment,
}

/// The address that the user is sent to, with the answer.
pub(super) fn build(uri: &str, mode: Mode, answer: &[(&str, &str)]) -> String {
    let mut encoded = Serializer::new(String::new());
    encoded.extend_pairs(answer);
    let separator = match mode {
        Mode::Fragment => '#',
        Mode::Query if uri.contains('?') => '&',
        Mode::Query => '?',
    };
    format!("{uri}{separator}{}", encoded.finish())
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::{Mode, build, check, is_registered};

    fn web(uri: &str) -> bool {
        check(
            uri,
            &Url::parse("https://example.com/").expect("an address"),
            false,
        )
        .is_ok()
    }

    fn native(uri: &str) -> bool {
        check(
            uri,
            &Url::parse("https://example.com/").expect("an address"),
            true,
        )
        .is_ok()
    }

    #[test]
    fn web_clients_are_sent_to_their_own_host_only() {
        assert!(web("https://example.com/callback"));
        assert!(web("https://app.example.com/callback"));
        assert!(web("https://example.com:5173/?query=value"));
        for uri in [
            "https://example.com/callback#fragment",
            "https://example.com/callback#",
            "http://example.com/callback",
            "http://localhost/",
            "https://evil.example/callback",
            "https://notexample.com/",
            "https://example.com.evil.example/",
            "https://user@example.com/",
            "https://user:pass@example.com/",
            "https://example.com\\@evil.example/",
            "com.example:/callback",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://example.com/\r\nX: y",
            "https://192.0.2.1/",
            "/callback",
            "",
        ] {
            assert!(!web(uri), "{uri}");
        }
    }

    #[test]
    fn native_clients_may_have_a_scheme_or_a_port_of_their_own() {
        for uri in [
            "com.example.app:/callback",
            "com.example:/",
            "com.example:callback",
            "http://localhost/callback",
            "http://127.0.0.1/callback",
            "http://[::1]/callback",
            "https://example.com/callback",
        ] {
            assert!(native(uri), "{uri}");
        }
        for uri in [
            "example:/callback",
            "com.example.app://callback",
            "com.examples:/callback",
            "https://localhost/callback",
            "http://localhost:1234/callback",
            "http://localhost.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://192.0.2.1/",
            "javascript:alert(1)",
            "file:///etc/passwd",
        ] {
            assert!(!native(uri), "{uri}");
        }
    }

    #[test]
    fn a_registered_uri_is_compared_letter_by_letter() {
        let registered = [
            "https://a.example/cb".to_owned(),
            "http://127.0.0.1/cb".to_owned(),
        ];
        let is = |uri| is_registered(&registered, uri);
        assert!(is("https://a.example/cb"));
        assert!(is("http://127.0.0.1/cb") && is("http://127.0.0.1:5050/cb"));
        for uri in [
            "https://a.example/cb/",
            "https://a.example/cb?x=1",
            "https://A.example/cb",
            "https://a.example/./cb",
            "https://a.example:443/cb",
            "http://127.0.0.1:5050/cb#x",
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:5050@evil.example/cb",
            "http://127.0.0.1:/cb2",
            "http://localhost:5050/cb",
        ] {
            assert!(!is(uri), "{uri}");
        }
    }

    #[test]
    fn answers_are_attached_as_asked() {
        let answer = [("code", "a b"), ("state", "&=")];
        let query = build("https://a.example/cb?x=1", Mode::Query, &answer);
        assert_eq!(query, "https://a.example/cb?x=1&code=a+b&state=%26%3D");
        assert_eq!(build("a.b:/", Mode::Query, &[("e", "1")]), "a.b:/?e=1");
        assert_eq!(build("a.b:/", Mode::Fragment, &[("e", "1")]), "a.b:/#e=1");
    }
}
