//! A pusher as its client set it, read.

use ruma::push::PushFormat;
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use crate::{Refusal, Result, Server, push::web_push::Subscription};

/// The path of every push gateway.
const GATEWAY_PATH: &str = "/_matrix/push/v1/notify";

/// Where a pusher tells something.
pub(crate) enum Target {
    /// A push gateway.
    Gateway {
        url: Url,
        format: Option<PushFormat>,
        /// What the client wants to be told, without the address.
        data: Map<String, Value>,
    },
    /// The push service of a browser.
    WebPush { url: Url, subscription: Subscription },
    /// An e-mail address.
    Email { lang: String },
}

#[derive(Deserialize)]
struct Stored {
    pushkey: String,
    kind: String,
    #[serde(default)]
    lang: String,
    data: Map<String, Value>,
}

/// Whether pushers of this kind are Web Push.
pub(crate) fn is_web_push(kind: &str) -> bool {
    matches!(kind, "webpush" | "org.matrix.msc4174.webpush")
}

/// Reads a pusher.
///
/// # Errors
/// `InvalidParam` for what is no pusher of a kind that this server has, `Forbidden` for an address that the operator
/// doesn't allow.
pub(crate) fn target(server: &Server, json: &str) -> Result<Target> {
    let stored: Stored = serde_json::from_str(json)
        .map_err(|_| Refusal::InvalidParam("kind and data of the pusher can't be read".to_owned()))?;
    let Stored {
        pushkey,
        kind,
        lang,
        mut data,
    } = stored;
    if kind == "email" {
        return Ok(Target::Email { lang });
    }
    if kind != "http" && !is_web_push(&kind) {
        let text = "this server has pushers of the kinds http, webpush and email";
        return Err(Refusal::InvalidParam(text.to_owned()));
    }
    let url = data.remove("url");
    let url = url.as_ref().and_then(Value::as_str);
    let url = url.ok_or_else(|| Refusal::MissingParam("data.url is missing".to_owned()))?;
    Url::parse(url).map_err(|_| Refusal::InvalidParam("data.url is no address".to_owned()))?;
    let allowed = server.settings.push.allowed(url);
    let not_allowed = || {
        Refusal::Forbidden(
            "this server does not send notifications to that address; \
             please ask its administrators to allow it in [push] allowed_gateways"
                .to_owned(),
        )
    };
    if kind == "http" {
        let url = allowed.ok_or_else(not_allowed)?;
        if url.path() != GATEWAY_PATH || url.query().is_some() {
            let text = format!("data.url must end in {GATEWAY_PATH}");
            return Err(Refusal::InvalidParam(text));
        }
        let format = data
            .remove("format")
            .and_then(|format| Some(format.as_str()?.into()));
        return Ok(Target::Gateway { url, format, data });
    }
    let auth = data.get("auth").and_then(Value::as_str).unwrap_or_default();
    let subscription = Subscription::parse(&pushkey, auth).ok_or_else(|| {
        Refusal::InvalidParam("pushkey must be the browser's p256dh key, data.auth its secret".to_owned())
    })?;
    let url = allowed.ok_or_else(not_allowed)?;
    Ok(Target::WebPush { url, subscription })
}
