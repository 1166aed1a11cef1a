//! `m.login.sso`: programs that don't know OAuth 2.0 send their user to the server's own pages, too, and get a token for
//! `m.login.token` back.
//!
//! Such a program doesn't register, so nobody knows whose the address is that its user is sent back to. The page names
//! it and asks, after the sign-in, each time.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#client-login-via-sso>

use std::{sync::Arc, time::Duration};

use url::{
    Host, Url,
    form_urlencoded::{self, Serializer},
};

use super::page::{self, PageSecret};
use crate::{Refusal, Result, Server, accounts::login_token};

/// The one provider that there is: the pages of this server.
pub const OWN_PAGES: &str = "rohrpost";
/// How long the token is good for. The specification has about five seconds in mind, in which a telephone that is asked
/// whether the program may be opened isn't done.
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_secs(30);
/// Longest address, in bytes.
const MAX_BYTES: usize = 2048;
/// The parameter that carries the token back.
const TOKEN: &str = "loginToken";
/// Schemes of programs in use that aren't a host read backwards, as those are that a system knows itself.
const KNOWN_SCHEMES: [&str; 1] = ["element"];

/// What somebody wants to do on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sign in.
    Login,
    /// Make an account first.
    Register,
}

/// Where somebody would be sent back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A web page: its host and port.
    Site(String),
    /// A program on their device: the scheme that opens it, or the address it listens on.
    Program(String),
}

/// An address that was checked.
#[derive(Debug)]
struct Checked {
    url: Url,
    target: Target,
}

/// Whether programs can send their users here. They can't where they are to know OAuth 2.0, or where there are no pages.
#[must_use]
pub fn is_offered(server: &Server) -> bool {
    server.settings.oauth && server.settings.legacy_login
}

/// The page that somebody is sent to.
///
/// # Errors
/// `Unrecognized` when it isn't offered; `NotFound` for another provider; `InvalidParam` for an address that nobody is
/// sent to.
///
/// # Spec
/// <https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirect>
pub fn page_url(
    server: &Server,
    provider: Option<&str>,
    redirect_url: &str,
    action: Action,
) -> Result<String> {
    if !is_offered(server) {
        return Err(Refusal::Unrecognized);
    }
    if provider.is_some_and(|provider| provider != OWN_PAGES) {
        return Err(Refusal::not_found("way to sign in"));
    }
    check(redirect_url)?;
    let mut query = Serializer::new(String::new());
    query.append_pair("redirectUrl", redirect_url);
    if action == Action::Register {
        query.append_pair("action", "register");
    }
    Ok(format!(
        "{}/oauth2/sso?{}",
        server.settings.public_url,
        query.finish()
    ))
}

/// Says where an address leads, for the page that asks for consent.
///
/// # Errors
/// As [`page_url`].
pub fn target(server: &Server, redirect_url: &str) -> Result<Target> {
    if !is_offered(server) {
        return Err(Refusal::Unrecognized);
    }
    Ok(check(redirect_url)?.target)
}

/// The user consents. Answers where they are to be sent: to the address, with a token.
///
/// # Errors
/// As [`page_url`]; `UnknownToken` when nobody is signed in to the page.
pub async fn allow(server: &Arc<Server>, redirect_url: &str, secret: &PageSecret) -> Result<String> {
    if !is_offered(server) {
        return Err(Refusal::Unrecognized);
    }
    let caller = page::caller(server, secret).await?;
    let checked = check(redirect_url)?;
    let token = login_token::make_on_page(server, &caller).await?;
    Ok(with_token(checked.url, &token))
}

/// Checks where somebody is to be sent back to: a web page over TLS, a program on this device that listens on the
/// loopback, or one that is opened by a scheme of its own.
fn check(uri: &str) -> Result<Checked> {
    let refused = |text: &str| Err(Refusal::InvalidParam(format!("redirectUrl {text}")));
    let is_bad = |char: char| char.is_control() || char.is_whitespace() || char == '\\';
    if uri.len() > MAX_BYTES || uri.chars().any(is_bad) {
        return refused("is too long or has characters that are not allowed");
    }
    let Ok(url) = Url::parse(uri) else {
        return refused("is not an absolute URI");
    };
    if !url.username().is_empty() || url.password().is_some() || authority(uri).contains('@') {
        return refused("must not have a user");
    }
    let host = || {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{}{port}", url.host_str().unwrap_or_default())
    };
    let target = match (url.scheme(), url.host()) {
        ("https", Some(_)) => Target::Site(host()),
        ("http", Some(to)) if is_loopback(&to) => Target::Program(host()),
        ("http", _) => return refused("must use https, except to a program on the same device"),
        (scheme, _) if scheme.contains('.') || KNOWN_SCHEMES.contains(&scheme) => {
            Target::Program(format!("{scheme}:"))
        }
        _ => return refused("must use https, or a scheme such as com.example.app"),
    };
    Ok(Checked { url, target })
}

/// What stands before the path of an address as it was given: of an empty user `url` says nothing.
fn authority(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or("", |(_, rest)| rest);
    rest.trim_start_matches('/')
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default()
}

fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// The address with the token in its query. "If it already includes one or more `loginToken` parameters, they should be
/// removed before adding the new one."
fn with_token(mut url: Url, token: &str) -> String {
    let is_token = |pair: &&str| form_urlencoded::parse(pair.as_bytes()).any(|(name, _)| name == TOKEN);
    let query = url.query().unwrap_or_default().split('&');
    let mut pairs: Vec<&str> = query.filter(|pair| !pair.is_empty() && !is_token(pair)).collect();
    let own = format!("{TOKEN}={token}");
    pairs.push(&own);
    let query = pairs.join("&");
    url.set_query(Some(&query));
    url.into()
}

#[cfg(test)]
mod tests {
    use super::{Target, check, with_token};

    fn target(uri: &str) -> Option<Target> {
        check(uri).ok().map(|checked| checked.target)
    }

    fn program(name: &str) -> Option<Target> {
        Some(Target::Program(name.to_owned()))
    }

    #[test]
    fn the_page_names_what_is_really_opened() {
        let site = |name: &str| Some(Target::Site(name.to_owned()));
        for (uri, expected) in [
            ("https://client.example/?x=1#/welcome", site("client.example")),
            ("https://client.example:8443/cb", site("client.example:8443")),
            ("HTTPS://Client.Example/", site("client.example")),
            ("https:client.example/", site("client.example")),
            ("https:///client.example/", site("client.example")),
            ("https://bücher.example/", site("xn--bcher-kva.example")),
            ("https://a.test%2eevil.example/", site("a.test.evil.example")),
            ("https://a.test/@evil.example", site("a.test")),
            ("http://localhost:3001//login", program("localhost:3001")),
            ("http://127.0.0.1:40000/", program("127.0.0.1:40000")),
            ("http://[::1]:40000/", program("[::1]:40000")),
            ("im.fluffychat://login", program("im.fluffychat:")),
            (
                "io.element.desktop:/vector/webapp/",
                program("io.element.desktop:"),
            ),
            ("element://connect?transaction_id=1", program("element:")),
        ] {
            assert_eq!(target(uri), expected, "{uri}");
        }
    }

    #[test]
    fn nobody_is_sent_to_what_pretends_to_be_something_else() {
        for uri in [
            "",
            "/",
            "//evil.example",
            "///evil.example",
            "evil.example",
            "https://a.test@evil.example/",
            "https://a.test:x@evil.example/",
            "https://:@evil.example/",
            "https::@evil.example/",
            "https:///@evil.example/",
            "https://a.test\\@evil.example/",
            "https://a.test\\.evil.example/",
            "https:\\\\evil.example",
            "https://",
            "https://a.test/\r\nSet-Cookie: a=b",
            "https://a.test/\0",
            "https://a.test/ x",
            " https://a.test/",
            "https://a.test/\u{2028}",
            "http://a.test/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "http://127.0.0.1.evil.example/",
            "javascript:alert(1)",
            "JavaScript://a.test/%0aalert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:x",
            "blob:https://a.test/1",
            "file:///etc/passwd",
            "about:blank",
            "view-source:https://a.test/",
            "intent://a.test/#Intent;scheme=https;end",
            "ws://a.test/",
            "mailto:a@b.test",
            "tel:1",
            "im.fluffychat://a.test@evil/",
            "riot://x",
        ] {
            assert_eq!(target(uri), None, "{uri:?}");
        }
        assert_eq!(target(&format!("https://a.test/{}", "x".repeat(2048))), None);
    }

    #[test]
    fn the_token_stands_in_the_query_once() {
        let with = |uri: &str| with_token(check(uri).expect("it may be").url, "T");
        assert_eq!(with("https://a.test/"), "https://a.test/?loginToken=T");
        assert_eq!(
            with("https://a.test/?x=%20&y#/f?g"),
            "https://a.test/?x=%20&y&loginToken=T#/f?g"
        );
        assert_eq!(
            with("https://a.test/?loginToken=old&x=1&login%54oken=old"),
            "https://a.test/?x=1&loginToken=T"
        );
        assert_eq!(
            with("im.fluffychat://login"),
            "im.fluffychat://login?loginToken=T"
        );
        assert_eq!(
            with("element://connect?t=1"),
            "element://connect?t=1&loginToken=T"
        );
        assert_eq!(with("com.example.app:/cb"), "com.example.app:/cb?loginToken=T");
    }
}
