//! Finds out which servers are to be told of what happened: follows the stream behind the commits, from a position that is
//! kept.
//!
//! Told of an event are the servers that were in its room when it happened. A server that was put out of it is told that,
//! though it isn't there any more. Rooms without other servers cost a look-up for each of their events and no write.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use rohrpost_room::ServerAcl;
use rohrpost_store::{
    EventNid, NewOutboxEdu, NewOutboxEvent, RoomNid, RoomServer, StreamPos, StreamedEvent, Tx, Work,
};
use ruma::{
    OwnedRoomId, OwnedServerName, OwnedUserId, ServerName, UserId,
    events::{StateEventType, room::member::MembershipState},
};
use serde::Deserialize;

use super::{device_lists, ephemeral::Passing};
use crate::{Refusal, Result, Server, personal::presence};

/// The name its position is kept under.
const NAME: &str = "outbox";
/// How much of the stream is looked at in one turn, in positions.
const MAX_STRETCH: i64 = 2000;
/// How many events one turn looks at.
const MAX_EVENTS: u32 = 500;
/// How many rows one turn writes, roughly.
const MAX_ROWS: usize = 20_000;
/// After so many positions without anything for others, the position is written down all the same.
const MAX_UNWRITTEN: i64 = 10_000;
/// How much that passes anyway one turn looks at. More is left out: the next receipt makes up for it.
const MAX_PASSING: u32 = 2000;

/// How often servers are told that somebody goes on typing, in ms: they forget it after a minute or less.
const TYPING_AGAIN_MS: i64 = 25_000;

/// Whether there is more to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walked {
    /// There is.
    More,
    /// Everything that was committed is done.
    All,
}

#[derive(Clone, Debug)]
struct Row {
    destination: OwnedServerName,
    room: RoomNid,
    event: EventNid,
    about_them: bool,
}

/// What one turn found.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    devices: Vec<device_lists::Told>,
    passing: Vec<(OwnedServerName, Passing)>,
    /// Who of us types where, and who not any more, as others are told now.
    typing: Vec<(RoomNid, OwnedUserId, bool)>,
}

struct Unit {
    from: Option<StreamPos>,
    to: StreamPos,
    found: Found,
    now_ts: i64,
}

/// Goes on a bit. Two nodes may try at the same time; one of them does it.
///
/// # Errors
/// Those of the store; nothing was kept, and the next turn does the same again.
pub async fn walk(server: &Arc<Server>) -> Result<Walked> {
    let (looked, still) = {
        let memory = server.outbox.memory();
        (
            memory.looked,
            memory.typing_before(server.now_ts() - TYPING_AGAIN_MS),
        )
    };
    let reader = Arc::clone(server);
    let (mut unit, walked) = server
        .store
        .read(move |tx| Box::pin(async move { look(&reader, tx, looked, still).await }))
        .await?;
    let to = unit.to;
    let typing = std::mem::take(&mut unit.found.typing);
    let passing = std::mem::take(&mut unit.found.passing);
    let found_any = !(unit.found.rows.is_empty() && unit.found.devices.is_empty() && passing.is_empty());
    let is_far = unit.from.is_none_or(|from| to.0 - from.0 > MAX_UNWRITTEN);
    // What another node walks over meanwhile is its own; it may not get as far as this one looked.
    if (found_any || is_far) && !server.store.write(unit).await? {
        return Ok(walked);
    }
    {
        let mut memory = server.outbox.memory();
        memory.looked = Some(to);
        memory.note_typing(typing, server.now_ts());
    }
    if found_any {
        for (destination, passing) in passing {
            server.outbox.ephemeral.put(&destination, passing);
        }
        server.outbox.wake();
    }
    tell_presence(server, to).await?;
    Ok(walked)
}

impl Work for Unit {
    type Out = bool;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<bool> {
        if self.from != Some(self.to) && !tx.walk_move(NAME, self.from, self.to).await? {
            return Ok(false);
        }
        let rows: Vec<NewOutboxEvent<'_>> = self
            .found
            .rows
            .iter()
            .map(|row| NewOutboxEvent {
                destination: &row.destination,
                room: row.room,
                event: row.event,
                about_them: row.about_them,
            })
            .collect();
        tx.outbox_event_insert(&rows).await?;
        for told in &self.found.devices {
            tx.told_devices_put(&told.user_id, &told.hashes, told.stream_id)
                .await?;
            let each = told.destinations.iter().flat_map(|destination| {
                told.edus.iter().map(|(subject, edu)| NewOutboxEdu {
                    destination,
                    subject,
                    edu,
                })
            });
            let edus: Vec<NewOutboxEdu<'_>> = each.collect();
            tx.outbox_edu_insert(&edus, self.now_ts).await?;
        }
        tx.outbox_pass_forget(self.to).await?;
        tx.room_servers_left_forget(self.to).await?;
        Ok(true)
    }
}

async fn look(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    looked: Option<StreamPos>,
    still: Vec<(RoomNid, OwnedUserId)>,
) -> Result<(Unit, Walked)> {
    let now = tx.pos_now().await?;
    let now_ts = server.now_ts();
    let Some(from) = tx.walk_get(NAME).await? else {
        // What happened before there were other servers is no news.
        let unit = Unit {
            from: None,
            to: now,
            found: Found::default(),
            now_ts,
        };
        return Ok((unit, Walked::All));
    };
    let after = from.max(looked.unwrap_or(from));
    let mut upto = StreamPos(now.0.min(after.0.saturating_add(MAX_STRETCH)));
    let mut events = tx.outbox_stream(server.name(), after, upto, MAX_EVENTS).await?;
    if events.len() == MAX_EVENTS as usize
        && let Some(last) = events.last()
    {
        upto = StreamPos(last.nid.0);
    }
    let mut rooms = Rooms::of(server, tx, &events).await?;
    let mut rows = Vec::new();
    let mut counted = 0;
    // In a large federation a few events are many rows.
    for (at, event) in events.iter().enumerate() {
        counted += rooms.size(event.room);
        if counted > MAX_ROWS && at > 0 {
            upto = StreamPos(event.nid.0 - 1);
            events.truncate(at);
            break;
        }
    }
    for event in &events {
        rooms.tell(server, event, &mut rows);
    }
    let mut found = Found {
        rows,
        devices: device_lists::changes(server, tx, after, upto).await?,
        ..Found::default()
    };
    typing(server, tx, (after, upto), still, &mut rooms, &mut found).await?;
    receipts(server, tx, (after, upto), &mut rooms, &mut found).await?;
    let unit = Unit {
        from: Some(from),
        to: upto,
        found,
        now_ts,
    };
    let walked = if upto < now { Walked::More } else { Walked::All };
    Ok((unit, walked))
}

/// The rooms of one turn.
#[derive(Default)]
struct Rooms(HashMap<RoomNid, Room>);

struct Room {
    room_id: OwnedRoomId,
    /// Other servers that may be told what happens in it.
    servers: Vec<RoomServer>,
    acl: ServerAcl,
    /// Other servers that left it lately: since when they were there, and until when.
    left: Vec<(OwnedServerName, StreamPos, StreamPos)>,
}

impl Rooms {
    async fn of(server: &Server, tx: &mut Tx<'_>, events: &[StreamedEvent]) -> Result<Self> {
        let mut rooms = Self::default();
        rooms
            .read(server, tx, events.iter().map(|event| event.room))
            .await?;
        Ok(rooms)
    }

    /// Reads the rooms that aren't known yet.
    async fn read(
        &mut self,
        server: &Server,
        tx: &mut Tx<'_>,
        rooms: impl Iterator<Item = RoomNid>,
    ) -> Result<()> {
        let wanted: HashSet<RoomNid> = rooms.filter(|room| !self.0.contains_key(room)).collect();
        let wanted: Vec<RoomNid> = wanted.into_iter().collect();
        let found = tx.room_servers_each(&wanted).await?;
        let left = tx.room_servers_left_each(&wanted).await?;
        for ((nid, mut servers), mut left) in wanted.into_iter().zip(found).zip(left) {
            let is_partner = |name: &OwnedServerName| server.keeps_news_for(name);
            servers.retain(|there| is_partner(&there.server));
            left.retain(|(name, ..)| is_partner(name));
            let Some(room) = tx.room_get_by_nid(nid).await? else {
                continue;
            };
            let acl = match server.heads.peek(tx, &room.room_id).await? {
                Some(mut head) => head.state(tx, StateEventType::RoomServerAcl, "").await?,
                None => None,
            };
            let acl = ServerAcl::new(acl.as_deref());
            servers.retain(|there| acl.allows(&there.server));
            left.retain(|(name, ..)| acl.allows(name));
            let room = Room {
                room_id: room.room_id,
                servers,
                acl,
                left,
            };
            self.0.insert(nid, room);
        }
        Ok(())
    }

    fn size(&self, room: RoomNid) -> usize {
        self.0
            .get(&room)
            .map_or(0, |room| room.servers.len() + room.left.len() + 1)
    }

    /// Adds the rows of an event.
    fn tell(&self, server: &Server, event: &StreamedEvent, rows: &mut Vec<Row>) {
        let Some(room) = self.0.get(&event.room) else {
            return;
        };
        if !event
            .passed_by_us
            .unwrap_or_else(|| server.is_local(&event.sender))
        {
            return;
        }
        let row = |destination: &ServerName, about_them| Row {
            destination: destination.to_owned(),
            room: event.room,
            event: event.nid,
            about_them,
        };
        let pos = StreamPos(event.nid.0);
        let sender = event.sender.server_name();
        let out = event.member.as_ref().and_then(|(user, json)| put_out(user, json));
        let about = out
            .as_ref()
            .map(|out| out.server_name())
            .filter(|about| *about != sender && server.keeps_news_for(about) && room.acl.allows(about));
        let there = room.servers.iter().filter(|there| there.since < pos);
        let there = there.map(|there| &there.server);
        let left = room
            .left
            .iter()
            .filter(|(_, since, until)| *since < pos && pos < *until);
        let told: HashSet<&OwnedServerName> = there.chain(left.map(|(name, ..)| name)).collect();
        let told = told
            .into_iter()
            .filter(|name| **name != *sender && about.is_none_or(|about| **name != *about));
        rows.extend(told.map(|name| row(name, false)));
        rows.extend(about.map(|about| row(about, true)));
    }

    /// The id of a room and the other servers in it.
    async fn there(
        &mut self,
        server: &Server,
        tx: &mut Tx<'_>,
        room: RoomNid,
    ) -> Result<Option<(&OwnedRoomId, &[RoomServer])>> {
        self.read(server, tx, std::iter::once(room)).await?;
        let found = self.0.get(&room).filter(|room| !room.servers.is_empty());
        Ok(found.map(|room| (&room.room_id, &*room.servers)))
    }
}

/// Who is out of a room by a member event.
fn put_out(user: &str, json: &str) -> Option<OwnedUserId> {
    #[derive(Deserialize)]
    struct Member {
        content: Content,
    }
    #[derive(Deserialize)]
    struct Content {
        membership: MembershipState,
    }
    let member: Member = serde_json::from_str(json).ok()?;
    let is_out = matches!(
        member.content.membership,
        MembershipState::Leave | MembershipState::Ban
    );
    is_out.then(|| UserId::parse(user).ok()).flatten()
}

/// Who of us began or stopped typing, and those of `still` who go on, for each server in their rooms.
async fn typing(
    server: &Server,
    tx: &mut Tx<'_>,
    (after, upto): (StreamPos, StreamPos),
    still: Vec<(RoomNid, OwnedUserId)>,
    rooms: &mut Rooms,
    found: &mut Found,
) -> Result<()> {
    let now_ts = server.now_ts();
    let mut news = Vec::new();
    let mut going_on: HashMap<RoomNid, Vec<OwnedUserId>> = HashMap::new();
    for (room, user_id) in still {
        if let Entry::Vacant(entry) = going_on.entry(room) {
            entry.insert(tx.typing_list(room, now_ts).await?);
        }
        let types = going_on
            .get(&room)
            .is_some_and(|typing| typing.contains(&user_id));
        news.push((room, user_id, types));
    }
    let changed = tx.typing_stream(after, upto, MAX_PASSING).await?;
    let changed = changed
        .into_iter()
        .filter(|(_, user_id, _)| server.is_local(user_id));
    news.extend(changed.map(|(room, user_id, until_ts)| (room, user_id, until_ts > now_ts)));
    for (room, user_id, typing) in news {
        let Some((room_id, servers)) = rooms.there(server, tx, room).await? else {
            found.typing.push((room, user_id, false));
            continue;
        };
        let news = Passing::Typing {
            room_id: room_id.clone(),
            user_id: user_id.clone(),
            typing,
        };
        found
            .passing
            .extend(servers.iter().map(|there| (there.server.clone(), news.clone())));
        found.typing.push((room, user_id, typing));
    }
    Ok(())
}

/// What was read here, for each server in the rooms.
async fn receipts(
    server: &Server,
    tx: &mut Tx<'_>,
    (after, upto): (StreamPos, StreamPos),
    rooms: &mut Rooms,
    found: &mut Found,
) -> Result<()> {
    for receipt in tx.receipt_stream(after, upto, MAX_PASSING).await? {
        if !server.is_local(&receipt.user_id) {
            continue;
        }
        let Some((room_id, servers)) = rooms.there(server, tx, receipt.room).await? else {
            continue;
        };
        let news = Passing::Receipt {
            room_id: room_id.clone(),
            user_id: receipt.user_id,
            thread: receipt.thread,
            event_id: receipt.event_id,
            ts: receipt.ts,
        };
        found
            .passing
            .extend(servers.iter().map(|there| (there.server.clone(), news.clone())));
    }
    Ok(())
}

/// Tells who came and went. Each node knows of the people who are signed in there, so this isn't part of the walk that one
/// node does for all.
async fn tell_presence(server: &Arc<Server>, upto: StreamPos) -> Result<()> {
    let since = server.outbox.memory().presence.replace(upto);
    let Some(since) = since else { return Ok(()) };
    let changed = presence::changes_for_servers(server, since, upto);
    if changed.is_empty() {
        return Ok(());
    }
    let users: Vec<OwnedUserId> = changed.iter().map(|update| update.user_id.clone()).collect();
    let own = server.name().to_owned();
    let reading = server.store.read(move |tx| {
        Box::pin(async move { Ok::<_, Refusal>(tx.room_servers_of_each(&users, &own).await?) })
    });
    for (update, servers) in changed.into_iter().zip(reading.await?) {
        for destination in servers {
            if server.speaks_with(&destination) {
                let news = Passing::Presence(Box::new(update.clone()));
                server.outbox.ephemeral.put(&destination, news);
                server.outbox.wake();
            }
        }
    }
    Ok(())
}
