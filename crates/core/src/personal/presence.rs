//! Who is there. Switched off unless the operator says otherwise: who is at work when is nobody's business. Clients may
//! send it all the same; nothing is kept, and everybody is offline to those who share a room with them.
//!
//! Where it is on, it lives in memory: a restart makes everybody offline until they come back. Only a change takes a
//! position of the stream; that somebody goes on being there costs no write. Nobody is woken: a change comes with what
//! the next sync has to tell anyway, or when its time is up. Each node knows of the people who are signed in there.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rohrpost_store::{StreamPos, Tx, Work};
use ruma::{
    OwnedUserId, UInt, UserId, api::federation::transactions::edu::PresenceUpdate, presence::PresenceState,
};

use crate::{Caller, Refusal, Result, Server, appservices::Appservice, ports::Clock, sync::PlainEvent};

/// After this time without a sync somebody is offline, in ms. No sync waits as long.
const GONE_MS: i64 = 5 * 60 * 1000;
/// The same for people of other servers, which only tell what changes.
const REMOTE_GONE_MS: i64 = 30 * 60 * 1000;
/// Changes that are told in one answer; of more, the newest.
const MAX_TOLD: usize = 500;
/// Longest status message, in bytes.
const MAX_STATUS_BYTES: usize = 1024;

/// Who is there.
#[derive(Default)]
pub(crate) struct Present(Mutex<HashMap<OwnedUserId, Entry>>);

#[derive(Clone)]
struct Entry {
    state: PresenceState,
    status: Option<String>,
    active_ts: i64,
    changed: StreamPos,
}

/// Somebody's presence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whether they are there.
    pub state: PresenceState,
    /// What they say about it.
    pub status: Option<String>,
    /// How long ago they did anything, in ms. `None`: nobody knows.
    pub active_ago_ms: Option<u64>,
}

impl Entry {
    fn presence(&self, clock: &dyn Clock) -> Presence {
        Presence {
            state: self.state.clone(),
            status: self.status.clone(),
            active_ago_ms: u64::try_from(clock.now_ts() - self.active_ts).ok(),
        }
    }

    /// The content of an event that tells it.
    fn content(&self, server: &Server) -> serde_json::Value {
        let presence = self.presence(&*server.clock);
        let mut content = serde_json::json!({
            "presence": presence.state,
            "last_active_ago": presence.active_ago_ms,
            "currently_active": presence.state == PresenceState::Online,
        });
        if let Some(status) = presence.status {
            content["status_msg"] = status.into();
        }
        content
    }
}

impl Present {
    fn entries(&self) -> MutexGuard<'_, HashMap<OwnedUserId, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a user says of themselves.
pub struct SetPresence {
    /// Who.
    pub caller: Caller,
    /// Whether they are there.
    pub state: PresenceState,
    /// What they say about it.
    pub status: Option<String>,
}

/// Notes what a user says of themselves.
///
/// # Errors
/// `InvalidParam` for a state that there isn't; `TooLarge` for a status message of more than 1,024 bytes.
///
/// # Spec
/// [Presence](https://spec.matrix.org/v1.19/client-server-api/#presence)
pub async fn set(server: &Arc<Server>, wanted: SetPresence) -> Result<()> {
    if !server.settings.presence {
        return Ok(());
    }
    check(&wanted.state)?;
    if wanted
        .status
        .as_ref()
        .is_some_and(|status| status.len() > MAX_STATUS_BYTES)
    {
        return Err(Refusal::TooLarge(format!(
            "a status message has at most {MAX_STATUS_BYTES} bytes"
        )));
    }
    change(
        server,
        vec![(wanted.caller.user_id, wanted.state, Some(wanted.status))],
    )
    .await
}

fn check(state: &PresenceState) -> Result<()> {
    let states = [
        PresenceState::Online,
        PresenceState::Unavailable,
        PresenceState::Offline,
    ];
    match states.contains(state) {
        true => Ok(()),
        false => Err(Refusal::InvalidParam(
            "presence is online, unavailable or offline".to_owned(),
        )),
    }
}

/// Notes that a client of the caller asks for news and how it wants them to be seen meanwhile.
///
/// # Errors
/// `InvalidParam` for a state that there isn't.
pub async fn seen(server: &Arc<Server>, caller: &Caller, state: PresenceState) -> Result<()> {
    check(&state)?;
    if !server.settings.presence || !matches!(state, PresenceState::Online | PresenceState::Unavailable) {
        return Ok(());
    }
    let now_ts = server.now_ts();
    {
        let mut entries = server.present.entries();
        if let Some(entry) = entries.get_mut(&caller.user_id)
            && entry.state == state
        {
            entry.active_ts = now_ts;
            return Ok(());
        }
    }
    change(server, vec![(caller.user_id.clone(), state, None)]).await
}

/// Makes those offline who weren't heard of for some minutes. For every minute.
///
/// # Errors
/// Those of the store.
pub async fn expire(server: &Arc<Server>) -> Result<()> {
    let gone_ts = server.now_ts() - GONE_MS;
    let remote_gone_ts = server.now_ts() - REMOTE_GONE_MS;
    let gone: Vec<Change> = {
        let entries = server.present.entries();
        let gone = entries.iter().filter(|(user, entry)| {
            let gone_ts = if server.is_local(user) {
                gone_ts
            } else {
                remote_gone_ts
            };
            entry.state != PresenceState::Offline && entry.active_ts <= gone_ts
        });
        gone.map(|(user, _)| (user.clone(), PresenceState::Offline, None))
            .collect()
    };
    match gone.is_empty() {
        true => Ok(()),
        false => change(server, gone).await,
    }
}

/// Who, their state, and their status message, if it changes.
type Change = (OwnedUserId, PresenceState, Option<Option<String>>);

async fn change(server: &Arc<Server>, changes: Vec<Change>) -> Result<()> {
    let server_ = Arc::clone(server);
    server
        .store
        .write(Unit {
            server: server_,
            changes,
        })
        .await
}

struct Unit {
    server: Arc<Server>,
    changes: Vec<Change>,
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let pos = tx.pos_next().await?;
        // Before the commit: whoever reads up to this position finds it. Without the commit it is told once more.
        let now_ts = self.server.now_ts();
        let mut entries = self.server.present.entries();
        for (user_id, state, status) in &self.changes {
            let before = entries.get(user_id);
            let active_ts = match (state, before) {
                (PresenceState::Offline, Some(before)) => before.active_ts,
                _ => now_ts,
            };
            let status = status
                .clone()
                .unwrap_or_else(|| before.and_then(|before| before.status.clone()));
            entries.insert(
                user_id.clone(),
                Entry {
                    state: state.clone(),
                    status,
                    active_ts,
                    changed: pos,
                },
            );
        }
        Ok(())
    }
}

/// The presence of a user, for those who share a room with them.
///
/// # Errors
/// `Forbidden`, in the same words whether or not there is such a user.
pub async fn get(server: &Arc<Server>, caller: &Caller, user_id: OwnedUserId) -> Result<Presence> {
    may_ask(server, caller, user_id.clone()).await?;
    let found = server
        .present
        .entries()
        .get(&user_id)
        .map(|entry| entry.presence(&*server.clock));
    Ok(found.unwrap_or(Presence {
        state: PresenceState::Offline,
        status: None,
        active_ago_ms: None,
    }))
}

async fn may_ask(server: &Arc<Server>, caller: &Caller, user_id: OwnedUserId) -> Result<()> {
    if caller.user_id == user_id {
        return Ok(());
    }
    let own = caller.user_id.clone();
    let reading = server.store.read(move |tx| {
        Box::pin(async move { Ok::<_, Refusal>(tx.membership_is_sharing(&own, &user_id).await?) })
    });
    if reading.await? {
        return Ok(());
    }
    Err(Refusal::Forbidden(
        "you don't share a room with this user".to_owned(),
    ))
}

/// What changed for a user after `since` up to and including `now`: who sent it, and the event.
pub(crate) async fn changes(
    server: &Server,
    tx: &mut Tx<'_>,
    viewer: &UserId,
    since: Option<StreamPos>,
    now: StreamPos,
) -> Result<Vec<(OwnedUserId, PlainEvent)>> {
    if !server.settings.presence {
        return Ok(Vec::new());
    }
    let mut told = Vec::new();
    for (user_id, entry) in changed(server, since, now) {
        if user_id != *viewer && !tx.membership_is_sharing(viewer, &user_id).await? {
            continue;
        }
        let event = PlainEvent {
            kind: "m.presence".to_owned(),
            content: entry.content(server).to_string(),
        };
        told.push((user_id, event));
    }
    Ok(told)
}

/// What changed for an application service after `since` up to and including `now`: its own users, and those who share
/// a room with them, as events.
pub(crate) async fn changes_for_service(
    server: &Server,
    tx: &mut Tx<'_>,
    service: &Appservice,
    (since, now): (StreamPos, StreamPos),
) -> Result<Vec<serde_json::Value>> {
    let changed = match server.settings.presence {
        true => changed(server, Some(since), now),
        false => Vec::new(),
    };
    let users: Vec<&UserId> = changed.iter().map(|(user_id, _)| &**user_id).collect();
    let sharing = tx.membership_local_sharing_each(&users).await?;
    let concerning = changed.iter().zip(sharing).filter(|((user_id, _), sharing)| {
        service.owns_user(user_id) || sharing.iter().any(|other| service.owns_user(other))
    });
    Ok(concerning
        .map(|((user_id, entry), _)| {
            serde_json::json!({ "type": "m.presence", "sender": user_id, "content": entry.content(server) })
        })
        .collect())
}

/// What changed of people here after `since` up to and including `now`, for other servers.
pub(crate) fn changes_for_servers(server: &Server, since: StreamPos, now: StreamPos) -> Vec<PresenceUpdate> {
    let changed = match server.settings.presence {
        true => changed(server, Some(since), now),
        false => Vec::new(),
    };
    let local = changed.into_iter().filter(|(user, _)| server.is_local(user));
    local
        .map(|(user_id, entry)| {
            let presence = entry.presence(&*server.clock);
            let ago = UInt::try_from(presence.active_ago_ms.unwrap_or(0)).unwrap_or(UInt::MAX);
            let mut update = PresenceUpdate::new(user_id, presence.state, ago);
            update.currently_active = update.presence == PresenceState::Online;
            update.status_msg = presence.status;
            update
        })
        .collect()
}

/// Notes what another server says of its people.
pub(crate) async fn note_remote(server: &Arc<Server>, updates: Vec<PresenceUpdate>) -> Result<()> {
    if !server.settings.presence {
        return Ok(());
    }
    let fits = |status: &String| status.len() <= MAX_STATUS_BYTES;
    let known = updates
        .into_iter()
        .filter(|update| check(&update.presence).is_ok());
    let changes: Vec<Change> = known
        .map(|update| {
            (
                update.user_id,
                update.presence,
                Some(update.status_msg.filter(fits)),
            )
        })
        .collect();
    match changes.is_empty() {
        true => Ok(()),
        false => change(server, changes).await,
    }
}

/// Who changed after `since` up to and including `now`, the newest first; without `since` everybody who is there.
fn changed(server: &Server, since: Option<StreamPos>, now: StreamPos) -> Vec<(OwnedUserId, Entry)> {
    let mut changed: Vec<(OwnedUserId, Entry)> = {
        let entries = server.present.entries();
        let changed = entries.iter().filter(|(_, entry)| match since {
            Some(since) => entry.changed > since && entry.changed <= now,
            None => entry.state != PresenceState::Offline,
        });
        changed
            .map(|(user, entry)| (user.clone(), entry.clone()))
            .collect()
    };
    changed.sort_by_key(|(_, presence)| std::cmp::Reverse(presence.changed));
    changed.truncate(MAX_TOLD);
    changed
}
