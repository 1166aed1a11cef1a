//! What is registered: names and tokens of application services.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use ruma::{OwnedUserId, RoomAliasId, ServerName, UserId};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::Url;

use crate::settings::SharedSecret;

/// Largest compiled pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 1024 * 1024;

/// A registration as its file has it. Holds secrets, so it has no `Debug`.
///
/// <https://spec.matrix.org/v1.19/application-service-api/#registration>
#[derive(Clone, Deserialize)]
pub struct Registration {
    /// The service's own name.
    pub id: String,
    /// Where it is told what happens. `None`: it isn't.
    pub url: Option<String>,
    /// The token it shows us.
    pub as_token: String,
    /// The token we show it.
    pub hs_token: String,
    /// The part before the server name of the user it is itself.
    pub sender_localpart: String,
    /// Its names.
    #[serde(default)]
    pub namespaces: Namespaces,
    /// Whether its users are limited like others.
    #[serde(default = "yes")]
    pub rate_limited: bool,
    /// Whether it is told of receipts, typing and presence.
    #[serde(default)]
    pub receive_ephemeral: bool,
    /// The networks it leads to, such as `irc`.
    #[serde(default)]
    pub protocols: Vec<String>,
}

fn yes() -> bool {
    true
}

/// The names of a service.
#[derive(Clone, Default, Deserialize)]
pub struct Namespaces {
    /// Of users.
    #[serde(default)]
    pub users: Vec<Namespace>,
    /// Of room aliases.
    #[serde(default)]
    pub aliases: Vec<Namespace>,
    /// Of rooms, by their ids.
    #[serde(default)]
    pub rooms: Vec<Namespace>,
}

/// Some names.
#[derive(Clone, Deserialize)]
pub struct Namespace {
    /// Whether nobody else may have them.
    pub exclusive: bool,
    /// What they look like from their beginning.
    pub regex: String,
}

struct Pattern {
    exclusive: bool,
    regex: Regex,
}

/// A registered service.
pub struct Appservice {
    /// Its own name.
    pub id: Arc<str>,
    /// Where it is told what happens and asked.
    pub url: Option<Url>,
    /// The token we show it.
    pub hs_token: SharedSecret,
    /// The user it is itself.
    pub sender: OwnedUserId,
    /// Whether its users are limited like others.
    pub rate_limited: bool,
    /// Whether it is told of receipts, typing and presence.
    pub receive_ephemeral: bool,
    /// The networks it leads to, such as `irc`.
    pub protocols: Vec<String>,
    token_hash: [u8; 32],
    users: Vec<Pattern>,
    aliases: Vec<Pattern>,
    rooms: Vec<Pattern>,
}

/// Why a registration can't be used; the words are for the operator.
#[derive(Debug, thiserror::Error)]
#[error("the registration of application service {id:?} can't be used: {what}")]
pub struct RegistrationError {
    id: String,
    what: String,
}

fn patterns(namespaces: &[Namespace]) -> Result<Vec<Pattern>, String> {
    let compile = |namespace: &Namespace| {
        let regex = RegexBuilder::new(&format!("^(?:{})", namespace.regex))
            .size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| format!("{:?} is not a pattern: {error}", namespace.regex))?;
        Ok(Pattern {
            exclusive: namespace.exclusive,
            regex,
        })
    };
    namespaces.iter().map(compile).collect()
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.regex.is_match(text))
}

fn any_exclusive(patterns: &[Pattern], text: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| pattern.exclusive && pattern.regex.is_match(text))
}

impl Appservice {
    /// Whether a user is one of its own: itself, or a user of this server in its names.
    #[must_use]
    pub fn owns_user(&self, user_id: &UserId) -> bool {
        let is_local = self.sender.server_name() == user_id.server_name();
        is_local && (self.sender == *user_id || any(&self.users, user_id.as_str()))
    }

    /// Whether an alias is in its names.
    #[must_use]
    pub fn owns_alias(&self, alias: &RoomAliasId) -> bool {
        any(&self.aliases, alias.as_str())
    }

    /// Whether a room is in its names.
    #[must_use]
    pub fn owns_room(&self, room_id: &ruma::RoomId) -> bool {
        any(&self.rooms, room_id.as_str())
    }
}

/// All registered services.
#[derive(Clone, Default)]
pub struct Appservices(Arc<[Arc<Appservice>]>);

impl Appservices {
    /// Takes the registrations of all services of a server.
    ///
    /// # Errors
    /// A pattern, a name or a token can't be used, or two services have the same name or token.
    pub fn new(registrations: Vec<Registration>, server: &ServerName) -> Result<Self, RegistrationError> {
        let mut services: Vec<Arc<Appservice>> = Vec::with_capacity(registrations.len());
        for registration in registrations {
            let id = registration.id.clone();
            let service =
                service(registration, server).map_err(|what| RegistrationError { id: id.clone(), what })?;
            let is_twice = services
                .iter()
                .any(|known| known.id == service.id || known.token_hash == service.token_hash);
            if is_twice {
                let what = "another one has the same id or as_token".to_owned();
                return Err(RegistrationError { id, what });
            }
            services.push(Arc::new(service));
        }
        Ok(Self(services.into()))
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Appservice>> {
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The one of this name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Appservice>> {
        self.0.iter().find(|service| *service.id == *id)
    }

    /// The one whose token this is. Takes the same time for each token.
    #[must_use]
    pub fn by_token_hash(&self, hash: &[u8; 32]) -> Option<&Arc<Appservice>> {
        let is = |service: &&Arc<Appservice>| bool::from(service.token_hash.ct_eq(hash));
        // Each is looked at, found or not.
        self.0
            .iter()
            .rev()
            .fold(None, |found, service| match is(&service) {
                true => Some(service),
                false => found,
            })
    }

    /// Whether a user belongs to one of them alone, other than `but`.
    #[must_use]
    pub fn keep_user(&self, user_id: &UserId, but: Option<&str>) -> bool {
        self.0
            .iter()
            .filter(|service| but != Some(&*service.id))
            .any(|service| service.sender == *user_id || any_exclusive(&service.users, user_id.as_str()))
    }

    /// Whether an alias belongs to one of them alone, other than `but`.
    #[must_use]
    pub fn keep_alias(&self, alias: &RoomAliasId, but: Option<&str>) -> bool {
        self.0
            .iter()
            .filter(|service| but != Some(&*service.id))
            .any(|service| any_exclusive(&service.aliases, alias.as_str()))
    }

    /// Whether somebody isn't limited: a service itself, or a user that only a service can be which isn't limited.
    #[must_use]
    pub fn is_unlimited(&self, who: &str) -> bool {
        self.0.iter().any(|service| {
            service.sender == who || !service.rate_limited && any_exclusive(&service.users, who)
        })
    }
}

/// Where a service is: an address that paths can be added to.
fn address(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none());
    url.ok_or_else(|| "url must begin with http:// or https:// and have no query".to_owned())
}

fn service(registration: Registration, server: &ServerName) -> Result<Appservice, String> {
    let sender = UserId::parse(format!("@{}:{server}", registration.sender_localpart))
        .map_err(|_| "sender_localpart is not the name of a user".to_owned())?;
    if registration.id.is_empty() || registration.id.len() > 255 {
        return Err("id must have 1 to 255 bytes".to_owned());
    }
    for (name, token) in [
        ("as_token", &registration.as_token),
        ("hs_token", &registration.hs_token),
    ] {
        if token.len() < 16 {
            return Err(format!("{name} is too short: take 16 random letters or more"));
        }
    }
    let url = match registration.url.filter(|url| !url.is_empty()) {
        Some(url) => Some(address(&url)?),
        None => None,
    };
    Ok(Appservice {
        id: registration.id.into(),
        url,
        hs_token: SharedSecret::new(registration.hs_token),
        sender,
        rate_limited: registration.rate_limited,
        receive_ephemeral: registration.receive_ephemeral,
        protocols: registration.protocols,
        token_hash: Sha256::digest(&registration.as_token).into(),
        users: patterns(&registration.namespaces.users)?,
        aliases: patterns(&registration.namespaces.aliases)?,
        rooms: patterns(&registration.namespaces.rooms)?,
    })
}
