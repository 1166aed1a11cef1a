//! Aliases of rooms: making, resolving and listing them.

use std::sync::Arc;

use rohrpost_room::visibility::history_visibility;
use rohrpost_store::{Tx, Work};
use ruma::{
    OwnedRoomAliasId, OwnedRoomId, OwnedServerName, RoomAliasId,
    events::{StateEventType, room::history_visibility::HistoryVisibility},
};

use crate::{Caller, Refusal, Result, Server, appservices::query, directory::is_joined, federation};

/// Aliases of one room.
const MAX_ALIASES: usize = 100;

/// An alias to be made.
pub struct CreateAlias {
    /// Who makes it.
    pub caller: Caller,
    /// The alias.
    pub alias: OwnedRoomAliasId,
    /// What it points to.
    pub room_id: OwnedRoomId,
}

struct Unit {
    server: Arc<Server>,
    wanted: CreateAlias,
}

/// Makes an alias for a room.
///
/// # Errors
/// `InvalidParam` for an alias of another server, `Forbidden` when the caller isn't in the room, `AliasTaken`.
///
/// # Spec
/// [Room aliases](https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3directoryroomroomalias)
pub async fn create(server: &Arc<Server>, wanted: CreateAlias) -> Result<()> {
    if wanted.alias.server_name() != server.name() {
        return Err(Refusal::InvalidParam(format!(
            "aliases made here end in :{}",
            server.name()
        )));
    }
    may_have(server, &wanted.caller, &wanted.alias)?;
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            wanted,
        })
        .await
}

/// Whether a caller may make this alias, as far as application services are concerned: theirs are for them alone where
/// they say so, and they have no others.
///
/// # Errors
/// `Exclusive`.
pub(crate) fn may_have(server: &Server, caller: &Caller, alias: &RoomAliasId) -> Result<()> {
    let services = &server.settings.appservices;
    let own = caller.appservice.as_deref();
    let is_outside = |id| services.get(id).is_none_or(|service| !service.owns_alias(alias));
    if services.keep_alias(alias, own) || own.is_some_and(is_outside) {
        return Err(Refusal::Exclusive);
    }
    Ok(())
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let CreateAlias {
            caller,
            alias,
            room_id,
        } = &self.wanted;
        let head = self.server.heads.read(tx, room_id).await?;
        if !is_joined(tx, &head, caller).await? {
            return Err(Refusal::not_in_room());
        }
        if tx.alias_list(head.room.nid).await?.len() >= MAX_ALIASES {
            return Err(Refusal::TooLarge(format!(
                "a room may have {MAX_ALIASES} addresses"
            )));
        }
        if !tx.alias_insert(alias, head.room.nid, &caller.user_id).await? {
            return Err(Refusal::AliasTaken);
        }
        Ok(())
    }
}

/// Where an alias leads.
pub struct Resolved {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Servers that are in it.
    pub servers: Vec<OwnedServerName>,
}

/// Where an alias leads. For somebody who is signed in, the application service in whose names it is may make it now,
/// and for aliases of other servers those are asked.
///
/// # Errors
/// `NotFound`; `ServiceTimedOut` when the service doesn't answer, `Elsewhere` when the other server doesn't.
pub async fn resolve(server: &Arc<Server>, caller: Option<&Caller>, alias: &RoomAliasId) -> Result<Resolved> {
    let not_found = || Refusal::not_found("room alias");
    if alias.server_name() != server.name() {
        return match caller {
            Some(_) if server.speaks_with(alias.server_name()) => {
                federation::aliases::fetch(server, alias.to_owned()).await
            }
            _ => Err(not_found()),
        };
    }
    if let Some(found) = find(server, alias).await? {
        return Ok(found);
    }
    let caller = caller.ok_or_else(not_found)?;
    if !query::alias(server, caller, alias).await? {
        return Err(not_found());
    }
    find(server, alias).await?.ok_or_else(not_found)
}

/// Where an alias of this server leads.
///
/// # Errors
/// `NotFound`, for aliases of other servers too.
pub async fn resolve_local(server: &Arc<Server>, alias: &RoomAliasId) -> Result<Resolved> {
    let found = find(server, alias).await?;
    found.ok_or_else(|| Refusal::not_found("room alias"))
}

async fn find(server: &Arc<Server>, alias: &RoomAliasId) -> Result<Option<Resolved>> {
    let alias = alias.to_owned();
    let reading = server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.alias_get(&alias).await?) }));
    Ok(reading.await?.map(|found| Resolved {
        room_id: found.room_id,
        servers: vec![server.name().to_owned()],
    }))
}

/// The aliases of a room.
///
/// # Errors
/// `Forbidden` when the caller isn't in the room and it isn't world-readable.
pub async fn list(
    server: &Arc<Server>,
    caller: &Caller,
    room_id: OwnedRoomId,
) -> Result<Vec<OwnedRoomAliasId>> {
    let (server, caller) = (Arc::clone(server), caller.clone());
    let store = server.store.clone();
    let reading = store.read(move |tx| {
        Box::pin(async move {
            let mut head = server.heads.read(tx, &room_id).await?;
            if !is_joined(tx, &head, &caller).await? {
                let visibility = head.state(tx, StateEventType::RoomHistoryVisibility, "").await?;
                if history_visibility(visibility.as_deref()) != HistoryVisibility::WorldReadable {
                    return Err(Refusal::not_in_room());
                }
            }
            Ok(tx.alias_list(head.room.nid).await?)
        })
    });
    reading.await
}
