//! What a program says of itself when it registers. Pure: nothing is kept here.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#client-registration>

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use url::Url;

use super::{
    OAuthRefusal,
    redirect::{self, is_below, is_plain_https},
};

/// Most redirect URIs of a client.
const MAX_REDIRECT_URIS: usize = 20;
/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 100;
/// Longest address, in bytes.
const MAX_URI_BYTES: usize = 1024;

/// The grant types that this server knows.
pub const GRANT_TYPES: [&str; 3] = [AUTHORIZATION_CODE, REFRESH_TOKEN, DEVICE_CODE];
/// The grant of a code that came by a redirect.
pub const AUTHORIZATION_CODE: &str = "authorization_code";
/// The exchange of a refresh token.
pub const REFRESH_TOKEN: &str = "refresh_token";
/// The grant of a device without a browser.
pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A program, as it is kept and as it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Client {
    /// Its name, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// A page about it. Its host is what people can trust.
    pub client_uri: String,
    /// A picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Its terms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Its privacy policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// Where its users may be sent back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// `none`: it has no secret.
    pub token_endpoint_auth_method: String,
    /// `code`
    pub response_types: Vec<String>,
    /// Those of [`GRANT_TYPES`] that it registered for.
    pub grant_types: Vec<String>,
    /// `web` or `native`
    pub application_type: String,
}

impl Client {
    /// Reads and checks what a program says of itself. What this server doesn't know is left out.
    ///
    /// # Errors
    /// `InvalidClientMetadata`, `InvalidRedirectUri`.
    pub fn parse(metadata: &Map<String, Value>) -> Result<Self, OAuthRefusal> {
        let client_uri = text(metadata, "client_uri")?.ok_or(OAuthRefusal::InvalidClientMetadata(
            "client_uri is missing: the address of a page about the program",
        ))?;
        let base = https(&client_uri)?;
        let address = |name| -> Result<Option<String>, OAuthRefusal> {
            let Some(uri) = text(metadata, name)? else {
                return Ok(None);
            };
            if !is_below(&base, &https(&uri)?) {
                return Err(OAuthRefusal::InvalidClientMetadata(
                    "all addresses must be on the host of client_uri or below it",
                ));
            }
            Ok(Some(uri))
        };
        let application_type = text(metadata, "application_type")?.unwrap_or_else(|| "web".to_owned());
        if !["web", "native"].contains(&application_type.as_str()) {
            return Err(OAuthRefusal::InvalidClientMetadata(
                "application_type must be web or native",
            ));
        }
        let method = text(metadata, "token_endpoint_auth_method")?.unwrap_or_else(|| "none".to_owned());
        if method != "none" {
            return Err(OAuthRefusal::InvalidClientMetadata(
                "token_endpoint_auth_method must be none",
            ));
        }
        let client_name = text(metadata, "client_name")?;
        if client_name.as_ref().is_some_and(|name| !is_name(name)) {
            return Err(OAuthRefusal::InvalidClientMetadata(
                "client_name is too long or has characters that are not shown",
            ));
        }
        let redirect_uris = list(metadata, "redirect_uris")?.unwrap_or_default();
        if redirect_uris.len() > MAX_REDIRECT_URIS {
            return Err(OAuthRefusal::InvalidRedirectUri(
                "these are too many redirect URIs",
            ));
        }
        for uri in &redirect_uris {
            redirect::check(uri, &base, application_type == "native")?;
        }
        let known = |name, default: &str, known: &[&str]| -> Result<Vec<String>, OAuthRefusal> {
            let mut wanted = list(metadata, name)?.unwrap_or_else(|| vec![default.to_owned()]);
            wanted.retain(|one| known.contains(&one.as_str()));
            wanted.sort();
            wanted.dedup();
            Ok(wanted)
        };
        let client = Self {
            client_name,
            logo_uri: address("logo_uri")?,
            tos_uri: address("tos_uri")?,
            policy_uri: address("policy_uri")?,
            redirect_uris,
            token_endpoint_auth_method: method,
            response_types: known("response_types", "code", &["code"])?,
            grant_types: known("grant_types", AUTHORIZATION_CODE, &GRANT_TYPES)?,
            application_type,
            client_uri,
        };
        if !client.may(AUTHORIZATION_CODE) && !client.may(DEVICE_CODE) {
            return Err(OAuthRefusal::InvalidClientMetadata(
                "grant_types names no way to sign in that this server knows",
            ));
        }
        if client.may(AUTHORIZATION_CODE) && client.redirect_uris.is_empty() {
            return Err(OAuthRefusal::InvalidRedirectUri("redirect_uris is missing"));
        }
        Ok(client)
    }

    /// Whether it registered for a grant type.
    #[must_use]
    pub fn may(&self, grant_type: &str) -> bool {
        self.grant_types.iter().any(|known| known == grant_type)
    }

    /// The host that stands behind it.
    #[must_use]
    pub fn host(&self) -> String {
        let uri = Url::parse(&self.client_uri).ok();
        uri.and_then(|uri| uri.host_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// What it is called by people: its name, or else its host.
    #[must_use]
    pub fn name(&self) -> String {
        self.client_name.clone().unwrap_or_else(|| self.host())
    }

    /// Its identifier: the same metadata is the same client, so that a program that registers on each of a thousand
    /// devices is kept once. It is no secret.
    pub(super) fn id(json: &str) -> String {
        let hash = Sha256::digest(json);
        hash[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn text(metadata: &Map<String, Value>, name: &str) -> Result<Option<String>, OAuthRefusal> {
    match metadata.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(OAuthRefusal::InvalidClientMetadata("a field has a wrong type")),
    }
}

fn list(metadata: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, OAuthRefusal> {
    let Some(value) = metadata.get(name).filter(|value| !value.is_null()) else {
        return Ok(None);
    };
    let texts = value.as_array().map(|values| {
        values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<Vec<_>>>()
    });
    texts
        .flatten()
        .map(Some)
        .ok_or(OAuthRefusal::InvalidClientMetadata("a field has a wrong type"))
}

fn https(uri: &str) -> Result<Url, OAuthRefusal> {
    Url::parse(uri)
        .ok()
        .filter(|url| uri.len() <= MAX_URI_BYTES && is_plain_https(url))
        .ok_or(OAuthRefusal::InvalidClientMetadata(
            "an address must be an https URI without user or password",
        ))
}

/// Whether a name can be shown to people: nothing in it may hide, or turn round, what stands beside it.
fn is_name(name: &str) -> bool {
    let is_deceptive = |char: char| {
        char.is_control()
            || matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    !name.trim().is_empty() && name.chars().count() <= MAX_NAME_CHARS && !name.chars().any(is_deceptive)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Client;

    fn parse(metadata: Value) -> Result<Client, &'static str> {
        let Value::Object(metadata) = metadata else {
            panic!("an object")
        };
        Client::parse(&metadata).map_err(|refusal| refusal.code())
    }

    fn good() -> Value {
        json!({
            "client_name": "Messenger",
            "client_uri": "https://app.example/",
            "redirect_uris": ["https://app.example/cb"],
            "grant_types": ["refresh_token", "authorization_code", "urn:unknown"],
            "response_types": ["code", "token"],
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut metadata = good();
        metadata[name] = value;
        metadata
    }

    #[test]
    fn what_is_unknown_is_left_out() {
        let client = parse(with("client_name#fr", json!("Messagerie"))).expect("it is registered");
        assert_eq!(client.grant_types, ["authorization_code", "refresh_token"]);
        assert_eq!(client.response_types, ["code"]);
        assert_eq!(client.application_type, "web");
        assert!(client.may("refresh_token") && !client.may("urn:ietf:params:oauth:grant-type:device_code"));
        assert_eq!(
            (client.name().as_str(), client.host().as_str()),
            ("Messenger", "app.example")
        );
    }

    #[test]
    fn what_a_client_says_is_checked() {
        let metadata = Err("invalid_client_metadata");
        for (name, value) in [
            ("client_uri", json!(null)),
            ("client_uri", json!("http://app.example/")),
            ("client_uri", json!("https://user@app.example/")),
            ("client_uri", json!(7)),
            ("logo_uri", json!("https://elsewhere.example/logo.png")),
            ("tos_uri", json!("javascript:alert(1)")),
            ("client_name", json!("Rohr\u{202e}tsop")),
            ("client_name", json!("x".repeat(101))),
            ("client_name", json!(" ")),
            ("application_type", json!("toaster")),
            ("token_endpoint_auth_method", json!("client_secret_basic")),
            ("grant_types", json!(["implicit"])),
            ("grant_types", json!("authorization_code")),
        ] {
            assert_eq!(parse(with(name, value.clone())), metadata, "{name}: {value}");
        }
        for uris in [
            json!([]),
            json!(["https://elsewhere.example/"]),
            json!(vec!["https://app.example/"; 21]),
        ] {
            assert_eq!(parse(with("redirect_uris", uris)), Err("invalid_redirect_uri"));
        }
    }
}
