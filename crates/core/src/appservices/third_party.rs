//! What there is in the networks that application services lead to: the networks, and whom and what they reach there.
//! Nothing is kept here; the services of a network are asked each time, all at once, and one that doesn't answer is left
//! out.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#third-party-networks>

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use ruma::{
    RoomAliasId, UserId,
    thirdparty::{Location, Protocol, User},
};
use serde::de::DeserializeOwned;

use crate::{
    Refusal, Result, Server,
    appservices::{
        Appservice,
        ask::{Question, ask},
    },
    ports::Verb,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Fields of one search, and the bytes of their names and values together.
const MAX_FIELDS: (usize, usize) = (50, 4096);
/// Locations or users in one answer.
const MAX_FOUND: usize = 1000;

/// Fields by which somebody or something in a network is looked for, such as `channel`.
pub type Fields = BTreeMap<String, String>;

fn no_network() -> Refusal {
    Refusal::not_found("a network of this name was")
}

/// All networks.
///
/// # Errors
/// None at the moment.
pub async fn protocols(server: &Arc<Server>) -> Result<BTreeMap<String, Protocol>> {
    let services = server.settings.appservices.iter();
    let names: BTreeSet<&String> = services.flat_map(|service| &service.protocols).collect();
    let found = join_all(names.iter().map(|name| async move {
        let protocol = protocol(server, name).await.ok()?;
        Some(((*name).clone(), protocol))
    }));
    Ok(found.await.into_iter().flatten().collect())
}

/// A network, with what all services that lead to it know of it.
///
/// # Errors
/// `NotFound`.
pub async fn protocol(server: &Arc<Server>, name: &str) -> Result<Protocol> {
    let answers = join_all(leading_to(server, name).map(|service| async move {
        let answer = get(server, service, &["protocol", name], &[]).await?;
        let mut protocol = serde_json::from_slice::<Protocol>(&answer).ok()?;
        for instance in &mut protocol.instances {
            instance.instance_id = Some(format!("{}|{}", service.id, instance.network_id));
        }
        Some(protocol)
    }));
    let mut protocols = answers.await.into_iter().flatten();
    let mut first = protocols.next().ok_or_else(no_network)?;
    first
        .instances
        .extend(protocols.flat_map(|other| other.instances));
    Ok(first)
}

/// The service and its network that an `instance_id` names.
#[must_use]
pub(crate) fn instance<'a>(server: &'a Server, instance_id: &'a str) -> Option<(&'a Appservice, &'a str)> {
    server.settings.appservices.iter().find_map(|service| {
        let network = instance_id.strip_prefix(&*service.id)?.strip_prefix('|')?;
        Some((&**service, network))
    })
}

/// The portal rooms of places in a network.
///
/// # Errors
/// `NotFound`, also when nothing was found; `InvalidParam` for too many fields.
pub async fn locations(server: &Arc<Server>, protocol: &str, fields: &Fields) -> Result<Vec<Location>> {
    search(server, ("location", protocol), fields).await
}

/// The users who stand for somebody in a network.
///
/// # Errors
/// `NotFound`, also when nobody was found; `InvalidParam` for too many fields.
pub async fn users(server: &Arc<Server>, protocol: &str, fields: &Fields) -> Result<Vec<User>> {
    search(server, ("user", protocol), fields).await
}

/// The places in networks that a room's address leads to.
///
/// # Errors
/// `NotFound` when there are none.
pub async fn locations_of(server: &Arc<Server>, alias: &RoomAliasId) -> Result<Vec<Location>> {
    let query = [("alias", alias.as_str())];
    let services = of_networks(server);
    let found = join_all(services.map(|service| list(server, service, &["location"], &query)));
    some(found.await, "a place in another network was")
}

/// Those in other networks for whom a user stands.
///
/// # Errors
/// `NotFound` when there are none.
pub async fn users_of(server: &Arc<Server>, user_id: &UserId) -> Result<Vec<User>> {
    let query = [("userid", user_id.as_str())];
    let services = of_networks(server);
    let found = join_all(services.map(|service| list(server, service, &["user"], &query)));
    some(found.await, "somebody in another network was")
}

fn leading_to<'a>(server: &'a Server, protocol: &'a str) -> impl Iterator<Item = &'a Arc<Appservice>> {
    of_networks(server).filter(move |service| service.protocols.iter().any(|name| name == protocol))
}

fn of_networks(server: &Server) -> impl Iterator<Item = &Arc<Appservice>> {
    let services = server.settings.appservices.iter();
    services.filter(|service| service.url.is_some() && !service.protocols.is_empty())
}

async fn search<T: DeserializeOwned>(
    server: &Arc<Server>,
    (kind, protocol): (&str, &str),
    fields: &Fields,
) -> Result<Vec<T>> {
    let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
    if fields.len() > MAX_FIELDS.0 || bytes > MAX_FIELDS.1 {
        return Err(Refusal::InvalidParam(format!(
            "a search may have {} fields with {} bytes",
            MAX_FIELDS.0, MAX_FIELDS.1
        )));
    }
    if leading_to(server, protocol).next().is_none() {
        return Err(no_network());
    }
    let query: Vec<(&str, &str)> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let path = [kind, protocol];
    let services = leading_to(server, protocol);
    let found = join_all(services.map(|service| list(server, service, &path, &query)));
    some(found.await, "something like this was")
}

/// All that was found, if anything was.
fn some<T>(found: Vec<Vec<T>>, what: &str) -> Result<Vec<T>> {
    let found: Vec<T> = found.into_iter().flatten().take(MAX_FOUND).collect();
    match found.is_empty() {
        true => Err(Refusal::not_found(what)),
        false => Ok(found),
    }
}

/// What a service found. What can't be read is left out.
async fn list<T: DeserializeOwned>(
    server: &Server,
    service: &Appservice,
    path: &[&str],
    query: &[(&str, &str)],
) -> Vec<T> {
    let answer = get(server, service, path, query).await.unwrap_or_default();
    let all: Vec<serde_json::Value> = serde_json::from_slice(&answer).unwrap_or_default();
    all.into_iter()
        .filter_map(|one| serde_json::from_value(one).ok())
        .collect()
}

async fn get(
    server: &Server,
    service: &Appservice,
    path: &[&str],
    query: &[(&str, &str)],
) -> Option<Vec<u8>> {
    let _turn = server.questions.acquire().await.ok()?;
    let path: Vec<&str> = [&["thirdparty"][..], path].concat();
    let question = Question {
        verb: Verb::Get,
        path: &path,
        query,
        body: Vec::new(),
        patience: PATIENCE,
    };
    let answer = ask(server, service, question).await.ok()?;
    (answer.status == 200).then_some(answer.body)
}
