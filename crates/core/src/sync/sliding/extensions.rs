//! What a connection is told beside rooms: messages to the device, keys, account data, receipts, typing.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rohrpost_store::{
    AccountData, GLOBAL, OneTimeKeyCounts, ReceiptRow, RoomNews, RoomNid, StreamPos, ToDeviceRow, Tx,
};
use ruma::{OwnedRoomId, OwnedUserId, UserId};

use super::{
    SlidingRequest,
    config::RoomConfig,
    connections::State,
    index::{Index, Marks},
    profiles::ProfilesWanted,
    sticky::StickyWanted,
};
use crate::{
    Caller, Result, Server,
    push::rules,
    sync::{
        lists::Lists,
        room::receipt_content,
        snapshot::{PlainEvent, rooms_with},
    },
};

/// To-device messages in one answer.
const MAX_TO_DEVICE: u32 = 100;

/// Of which rooms something is wanted.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The names of lists; `None`: all.
    pub lists: Option<Vec<String>>,
    /// Subscribed rooms, where `None` in it stands for each; `None`: all.
    pub rooms: Option<Vec<Option<OwnedRoomId>>>,
}

/// What is wanted beside rooms.
#[derive(Clone, Debug, Default)]
pub struct Extensions {
    /// Messages to this device, at most so many.
    pub to_device: Option<u32>,
    /// Device lists and numbers of keys.
    pub e2ee: bool,
    /// Account data.
    pub account_data: Option<Scope>,
    /// Receipts.
    pub receipts: Option<Scope>,
    /// Typing.
    pub typing: Option<Scope>,
    /// Threads that the user follows, at most so many.
    pub thread_subscriptions: Option<u32>,
    /// Changed profiles.
    pub profiles: Option<ProfilesWanted>,
    /// Sticky events.
    pub sticky: Option<StickyWanted>,
}

/// Messages to this device.
pub struct ToDevice {
    /// Everything up to here will have been seen.
    pub next: StreamPos,
    /// The messages.
    pub events: Vec<ToDeviceRow>,
}

/// Keys and device lists.
pub struct E2ee {
    /// Users whose devices are to be asked for again.
    pub changed: BTreeSet<OwnedUserId>,
    /// Users whose devices are of no interest any more.
    pub left: BTreeSet<OwnedUserId>,
    /// One-time keys left on the server, by algorithm.
    pub one_time_keys: OneTimeKeyCounts,
    /// Algorithms whose fallback key was not handed out.
    pub unused_fallback_keys: Vec<String>,
    pub(crate) has_news: bool,
}

/// Account data, receipts and typing.
#[derive(Default)]
pub struct RoomData {
    /// Account data that isn't about a room.
    pub global: Vec<PlainEvent>,
    /// The user's own data about rooms.
    pub rooms: BTreeMap<OwnedRoomId, Vec<PlainEvent>>,
    /// The content of `m.receipt`.
    pub receipts: BTreeMap<OwnedRoomId, String>,
    /// The content of `m.typing`.
    pub typing: BTreeMap<OwnedRoomId, String>,
}

impl RoomData {
    pub(crate) fn is_empty(&self) -> bool {
        self.global.is_empty() && self.rooms.is_empty() && self.receipts.is_empty() && self.typing.is_empty()
    }
}

fn plain(data: AccountData) -> PlainEvent {
    PlainEvent {
        kind: data.kind,
        content: data.content,
    }
}

/// The messages that wait for the device.
pub(crate) async fn to_device(
    tx: &mut Tx<'_>,
    caller: &Caller,
    now: StreamPos,
    limit: u32,
) -> Result<ToDevice> {
    let limit = limit.clamp(1, MAX_TO_DEVICE);
    let events = tx
        .to_device_list(&caller.user_id, &caller.device_id, now, limit)
        .await?;
    let has_more = events.len() == limit as usize;
    let next = events
        .last()
        .map(|last| last.pos)
        .filter(|_| has_more)
        .unwrap_or(now);
    Ok(ToDevice { next, events })
}

/// Keys and device lists. `before` is what the client was told of its keys.
pub(crate) async fn e2ee(
    tx: &mut Tx<'_>,
    caller: &Caller,
    active: &BTreeSet<RoomNid>,
    before: &mut Option<(OneTimeKeyCounts, Vec<String>)>,
    since: Option<StreamPos>,
    now: StreamPos,
) -> Result<E2ee> {
    let (user_id, device_id) = (&caller.user_id, &caller.device_id);
    let keys = (
        tx.one_time_key_counts(user_id, device_id).await?,
        tx.fallback_key_unused(user_id, device_id).await?,
    );
    let (mut changed, mut left) = (BTreeSet::new(), BTreeSet::new());
    if let Some(since) = since.filter(|since| *since < now) {
        (changed, left) = lists_between(tx, user_id, active, since, now).await?;
    }
    let is_same = before.as_ref().is_none_or(|before| *before == keys);
    *before = Some(keys.clone());
    Ok(E2ee {
        has_news: !is_same || !changed.is_empty() || !left.is_empty(),
        changed,
        left,
        one_time_keys: keys.0,
        unused_fallback_keys: keys.1,
    })
}

/// Whose devices changed, and who shares no room any more.
pub(crate) async fn lists_between(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    active: &BTreeSet<RoomNid>,
    since: StreamPos,
    now: StreamPos,
) -> Result<(BTreeSet<OwnedUserId>, BTreeSet<OwnedUserId>)> {
    let lists = Lists::between(tx, user_id, active, since, now).await?;
    lists.finish(tx, user_id, since, now).await
}

/// Account data that isn't about a room: what changed, or all.
pub(crate) async fn global_data(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    changed: &[AccountData],
    since: Option<StreamPos>,
) -> Result<Vec<PlainEvent>> {
    if since.is_some() {
        let global = changed.iter().filter(|data| data.room == GLOBAL);
        return Ok(global.cloned().map(plain).collect());
    }
    let mut all: Vec<PlainEvent> = tx
        .account_data_list_in(user_id, GLOBAL)
        .await?
        .into_iter()
        .map(plain)
        .collect();
    if !all.iter().any(|data| data.kind == rules::KIND) {
        let rules = rules::account_data_event(tx, user_id).await?;
        all.push(PlainEvent {
            kind: rules.kind,
            content: rules.content,
        });
    }
    Ok(all)
}

/// The receipts of rooms that were shown which came between two positions, as the user may see them.
pub(crate) async fn receipts_between(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    state: &State,
    since: StreamPos,
    now: StreamPos,
) -> Result<BTreeMap<RoomNid, Vec<ReceiptRow>>> {
    let mut by_room = BTreeMap::new();
    for room in rooms_with(tx, RoomNews::Receipts, user_id, since, now).await? {
        if state.shown.contains_key(&room) {
            let mut receipts = tx.receipt_list(room, since, now).await?;
            receipts.retain(|receipt| is_for(user_id, receipt));
            by_room.insert(room, receipts);
        }
    }
    Ok(by_room)
}

fn is_for(user_id: &UserId, receipt: &ReceiptRow) -> bool {
    receipt.kind != "m.read.private" || receipt.user_id == user_id
}

/// What was found on the walk over the rooms.
pub(crate) struct Walked<'a> {
    pub(crate) state: &'a State,
    pub(crate) index: &'a Index,
    pub(crate) marks: &'a Marks,
    pub(crate) subscribed: &'a BTreeMap<RoomNid, Arc<RoomConfig>>,
    /// Joined rooms that are told anew, with the position of their first event.
    pub(crate) initial: &'a [(RoomNid, StreamPos)],
    pub(crate) receipts: BTreeMap<RoomNid, Vec<ReceiptRow>>,
    pub(crate) data: &'a [AccountData],
    pub(crate) since: Option<StreamPos>,
    pub(crate) now: StreamPos,
}

impl Walked<'_> {
    /// Reads what is wanted of the rooms that the client knows. It is told whether or not a window shows the room at
    /// the moment, so that nothing of it is missing when one does.
    pub(crate) async fn read(
        &mut self,
        tx: &mut Tx<'_>,
        server: &Server,
        request: &SlidingRequest,
        answer: &mut RoomData,
    ) -> Result<()> {
        let wanted = &request.extensions;
        if let Some(scope) = &wanted.account_data {
            self.account_data(tx, request, scope, answer).await?;
        }
        if let Some(scope) = &wanted.receipts {
            self.receipts(tx, request, scope, answer).await?;
        }
        if let Some(scope) = &wanted.typing {
            self.typing(tx, server, request, scope, answer).await?;
        }
        Ok(())
    }

    /// The id of a room that the client knows and that is in scope.
    pub(crate) async fn in_scope(
        &self,
        tx: &mut Tx<'_>,
        request: &SlidingRequest,
        scope: &Scope,
        room: RoomNid,
    ) -> Result<Option<OwnedRoomId>> {
        let Some(entry) = self
            .index
            .get(room)
            .filter(|_| self.state.shown.contains_key(&room))
        else {
            return Ok(None);
        };
        let Some(row) = tx.room_get_by_nid(room).await? else {
            return Ok(None);
        };
        let is_listed = scope.lists.as_ref().is_none_or(|names| {
            let lists = self
                .state
                .windows
                .lists_of(&request.asked, room, entry, self.marks);
            let mut shown = request.asked.lists.keys().enumerate();
            shown.any(|(number, name)| lists >> number & 1 == 1 && names.contains(name))
        });
        let is_subscribed = match &scope.rooms {
            None => self.subscribed.contains_key(&room),
            Some(rooms) => rooms.iter().any(|wanted| match wanted {
                None => self.subscribed.contains_key(&room),
                Some(wanted) => *wanted == row.room_id,
            }),
        };
        Ok((is_listed || is_subscribed).then_some(row.room_id))
    }

    async fn account_data(
        &self,
        tx: &mut Tx<'_>,
        request: &SlidingRequest,
        scope: &Scope,
        answer: &mut RoomData,
    ) -> Result<()> {
        let user_id = &request.caller.user_id;
        let mut by_room: BTreeMap<RoomNid, Vec<PlainEvent>> = BTreeMap::new();
        for data in self.data.iter().filter(|data| data.room != GLOBAL) {
            by_room.entry(data.room).or_default().push(plain(data.clone()));
        }
        for (room, _) in self.initial {
            let all = tx.account_data_list_in(user_id, *room).await?;
            by_room.insert(*room, all.into_iter().map(plain).collect());
        }
        for (room, data) in by_room {
            if !data.is_empty()
                && let Some(room_id) = self.in_scope(tx, request, scope, room).await?
            {
                answer.rooms.insert(room_id, data);
            }
        }
        Ok(())
    }

    /// Of rooms that are told anew: the user's own, and those at the events that are told.
    async fn receipts(
        &mut self,
        tx: &mut Tx<'_>,
        request: &SlidingRequest,
        scope: &Scope,
        answer: &mut RoomData,
    ) -> Result<()> {
        let user_id = &request.caller.user_id;
        let mut by_room = std::mem::take(&mut self.receipts);
        for (room, start) in self.initial {
            let mut receipts = tx.receipt_list(*room, StreamPos(i64::MIN), self.now).await?;
            receipts.retain(|receipt| {
                is_for(user_id, receipt) && (receipt.user_id == *user_id || receipt.event_pos >= *start)
            });
            by_room.insert(*room, receipts);
        }
        for (room, receipts) in by_room {
            if !receipts.is_empty()
                && let Some(room_id) = self.in_scope(tx, request, scope, room).await?
            {
                answer.receipts.insert(room_id, receipt_content(&receipts)?);
            }
        }
        Ok(())
    }

    async fn typing(
        &self,
        tx: &mut Tx<'_>,
        server: &Server,
        request: &SlidingRequest,
        scope: &Scope,
        answer: &mut RoomData,
    ) -> Result<()> {
        let user_id = &request.caller.user_id;
        let changed = match self.since {
            Some(since) => rooms_with(tx, RoomNews::Typing, user_id, since, self.now).await?,
            None => Vec::new(),
        };
        let changed = BTreeSet::from_iter(changed);
        let initial = self.initial.iter().map(|(room, _)| *room);
        for room in changed
            .iter()
            .copied()
            .chain(initial.filter(|room| !changed.contains(room)))
        {
            let Some(room_id) = self.in_scope(tx, request, scope, room).await? else {
                continue;
            };
            let typing = tx.typing_list(room, server.now_ts()).await?;
            if changed.contains(&room) || !typing.is_empty() {
                let content = ruma::events::typing::TypingEventContent::new(typing);
                answer.typing.insert(room_id, serde_json::to_string(&content)?);
            }
        }
        Ok(())
    }
}
