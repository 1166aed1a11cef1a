//! Asks a host where its Matrix server is: `GET https://<host>/.well-known/matrix/server`.

use std::{sync::Arc, time::Duration};

use reqwest::{Client, header::CACHE_CONTROL, redirect::Policy};
use ruma::OwnedServerName;
use rustls::ClientConfig;
use serde::Deserialize;
use url::Host;

use crate::egress::{EgressError, Guarded, Networks};

/// Longest time for the answer.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Longest answer, in bytes.
const MAX_BYTES: usize = 50 * 1024;
/// Redirections that are followed.
const MAX_REDIRECTS: usize = 5;
/// For how long an answer is kept that says nothing of it, and at most and at least.
const KEEP: Duration = Duration::from_secs(24 * 60 * 60);
const KEEP_MAX: Duration = Duration::from_secs(48 * 60 * 60);
const KEEP_MIN: Duration = Duration::from_secs(5 * 60);
/// For how long it is kept that there is no answer.
const KEEP_NONE: Duration = Duration::from_secs(10 * 60);

/// What a host said.
pub(super) struct Answer {
    /// The server in its place, if it named one.
    pub(super) delegate: Option<OwnedServerName>,
    /// For how long that holds.
    pub(super) keep: Duration,
}

impl Answer {
    const NONE: Self = Self {
        delegate: None,
        keep: KEEP_NONE,
    };
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "m.server")]
    server: OwnedServerName,
}

/// Asks hosts.
pub(super) struct WellKnown {
    client: Client,
    networks: Networks,
}

impl WellKnown {
    pub(super) fn new(networks: Networks, tls: ClientConfig) -> Result<Self, EgressError> {
        let allowed = networks.clone();
        let redirects = Policy::custom(move |attempt| {
            if attempt.previous().len() > MAX_REDIRECTS || !is_allowed(&allowed, attempt.url()) {
                attempt.stop()
            } else {
                attempt.follow()
            }
        });
        let client = Client::builder()
            .use_preconfigured_tls(tls)
            .dns_resolver(Arc::new(Guarded(networks.clone())))
            .redirect(redirects)
            .https_only(true)
            .no_proxy()
            .referer(false)
            .user_agent(concat!("Rohrpost/", env!("CARGO_PKG_VERSION")))
            .timeout(TIMEOUT)
            .build()?;
        Ok(Self { client, networks })
    }

    /// Where the server of a host is, as far as the host says so.
    pub(super) async fn ask(&self, host: &str) -> Answer {
        let Ok(url) = format!("https://{host}/.well-known/matrix/server").parse() else {
            return Answer::NONE;
        };
        if !is_allowed(&self.networks, &url) {
            return Answer::NONE;
        }
        self.fetch(url).await.unwrap_or(Answer::NONE)
    }

    async fn fetch(&self, url: url::Url) -> Option<Answer> {
        let mut response = self.client.get(url).send().await.ok()?;
        if response.status().as_u16() != 200 {
            return None;
        }
        let cache_control = response.headers().get(CACHE_CONTROL);
        let keep = keep(cache_control.and_then(|value| value.to_str().ok()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.ok()? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BYTES {
                return None;
            }
        }
        let document: Document = serde_json::from_slice(&body).ok()?;
        Some(Answer {
            delegate: Some(document.server),
            keep,
        })
    }
}

/// Names are looked at when they are resolved, addresses here.
fn is_allowed(networks: &Networks, url: &url::Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => networks.allow(address.into()),
        Some(Host::Ipv6(address)) => networks.allow(address.into()),
        Some(Host::Domain(_)) => true,
        None => false,
    }
}

/// For how long an answer holds, by its `Cache-Control` header.
fn keep(cache_control: Option<&str>) -> Duration {
    let directives = cache_control.unwrap_or_default().split(',').map(str::trim);
    let mut wanted = KEEP;
    for directive in directives {
        if directive.eq_ignore_ascii_case("no-store") || directive.eq_ignore_ascii_case("no-cache") {
            return KEEP_MIN;
        }
        if let Some(seconds) = directive.to_ascii_lowercase().strip_prefix("max-age=") {
            wanted = seconds.parse().map_or(KEEP, Duration::from_secs);
        }
    }
    wanted.clamp(KEEP_MIN, KEEP_MAX)
}

#[cfg(test)]
mod tests {
    use super::{KEEP, KEEP_MAX, KEEP_MIN, keep};
    use std::time::Duration;

    #[test]
    fn an_answer_is_kept_as_it_says_within_bounds() {
        assert_eq!(keep(None), KEEP);
        assert_eq!(keep(Some("public, max-age=3600")), Duration::from_secs(3600));
        assert_eq!(keep(Some("Max-Age=1")), KEEP_MIN);
        assert_eq!(keep(Some("max-age=99999999")), KEEP_MAX);
        assert_eq!(keep(Some("max-age=soon")), KEEP);
        assert_eq!(keep(Some("no-store, max-age=3600")), KEEP_MIN);
    }
}
