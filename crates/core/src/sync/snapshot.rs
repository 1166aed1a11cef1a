//! Everything that changed for one device between two positions, read from one snapshot.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rohrpost_store::{GLOBAL, MemberRow, OneTimeKeyCounts, RoomNews, RoomNid, StreamPos, ToDeviceRow, Tx};
use ruma::{OwnedRoomId, OwnedUserId, UserId, events::room::member::MembershipState};

use crate::{
    Result, Server,
    personal::ignored::Ignored,
    personal::invite_permission,
    personal::presence,
    push::rules,
    sync::{
        engine::SyncRequest,
        filter::{EventFilter, allows_room},
        lists::Lists,
        outside::{self, InvitedRoom, LeftRoom},
        room::{self, JoinedRoom, Stretch},
        token::NextBatch,
        unread::Reader,
    },
};

/// Up to this many positions back, the rooms with news are found by reading the stream; further back, by asking
/// each room.
const SHORT_STRETCH: i64 = 1000;
/// To-device messages in one answer; the rest comes with the next.
const MAX_TO_DEVICE: u32 = 100;

/// An event that isn't of a room's timeline: account data, receipts, typing.
pub struct PlainEvent {
    /// Its type.
    pub kind: String,
    /// Its content: a JSON object.
    pub content: String,
}

/// What changed for a device.
#[derive(Default)]
pub struct SyncAnswer {
    /// What has been seen with this answer.
    pub next_batch: NextBatch,
    /// Rooms the user is joined to.
    pub join: BTreeMap<OwnedRoomId, JoinedRoom>,
    /// Rooms the user is invited to.
    pub invite: BTreeMap<OwnedRoomId, InvitedRoom>,
    /// Rooms the user asks to be let into.
    pub knock: BTreeMap<OwnedRoomId, InvitedRoom>,
    /// Rooms the user left or was sent out of.
    pub leave: BTreeMap<OwnedRoomId, LeftRoom>,
    /// Account data that isn't about a room.
    pub account_data: Vec<PlainEvent>,
    /// Who came and went: whose it is, and the event.
    pub presence: Vec<(OwnedUserId, PlainEvent)>,
    /// Messages to this device.
    pub to_device: Vec<ToDeviceRow>,
    /// Users whose devices are to be asked for again.
    pub devices_changed: BTreeSet<OwnedUserId>,
    /// Users whose devices are of no interest any more.
    pub devices_left: BTreeSet<OwnedUserId>,
    /// One-time keys left on the server, by algorithm.
    pub one_time_keys: OneTimeKeyCounts,
    /// Algorithms whose fallback key was not handed out.
    pub unused_fallback_keys: Vec<String>,
}

impl SyncAnswer {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.join.is_empty()
            && self.invite.is_empty()
            && self.knock.is_empty()
            && self.leave.is_empty()
            && self.account_data.is_empty()
            && self.presence.is_empty()
            && self.to_device.is_empty()
            && self.devices_changed.is_empty()
            && self.devices_left.is_empty()
    }
}

/// Reads what changed.
pub(crate) async fn snapshot(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    request: &SyncRequest,
) -> Result<SyncAnswer> {
    let caller = &request.caller;
    let now = tx.pos_now().await?;
    let since = request.since.map(|token| token.upto);
    let after = since.unwrap_or(StreamPos(i64::MIN));
    let (user_id, device_id) = (&caller.user_id, &caller.device_id);
    let to_device = tx.to_device_list(user_id, device_id, now, MAX_TO_DEVICE).await?;
    let has_more = to_device.len() == MAX_TO_DEVICE as usize;
    let delivered = to_device
        .last()
        .map(|last| last.pos)
        .filter(|_| has_more)
        .unwrap_or(now);
    let mut answer = SyncAnswer {
        next_batch: NextBatch {
            upto: now,
            to_device: delivered,
        },
        to_device,
        one_time_keys: tx.one_time_key_counts(user_id, device_id).await?,
        unused_fallback_keys: tx.fallback_key_unused(user_id, device_id).await?,
        ..SyncAnswer::default()
    };
    if since.is_some_and(|since| since >= now) && !request.full_state {
        return Ok(answer);
    }

    let mut account_data: BTreeMap<RoomNid, Vec<PlainEvent>> = BTreeMap::new();
    for data in tx.account_data_list(&caller.user_id, after, now).await? {
        account_data.entry(data.room).or_default().push(PlainEvent {
            kind: data.kind,
            content: data.content,
        });
    }
    let global = EventFilter::of_events(&request.filter.account_data);
    answer.account_data = account_data.remove(&GLOBAL).unwrap_or_default();
    if since.is_none() && !answer.account_data.iter().any(|data| data.kind == rules::KIND) {
        let rules = rules::account_data_event(tx, &caller.user_id).await?;
        answer.account_data.push(PlainEvent {
            kind: rules.kind,
            content: rules.content,
        });
    }
    answer
        .account_data
        .retain(|event| global.allows_type(&event.kind));

    let wanted = EventFilter::of_events(&request.filter.presence);
    answer.presence = presence::changes(server, tx, &caller.user_id, since, now).await?;
    answer
        .presence
        .retain(|(sender, event)| wanted.allows_sent(&event.kind, sender));

    let ignored = Ignored::of(tx, &caller.user_id).await?;
    let stretch = Stretch {
        since,
        now,
        is_full: request.full_state || since.is_none(),
        ignored,
    };
    let mut lists = Lists::default();
    let mut unread = None;
    let mut blocking = None;
    for member in memberships(tx, request, &stretch, &account_data).await? {
        let Some(row) = tx.room_get_by_nid(member.room).await? else {
            continue;
        };
        if !allows_room(&request.filter.room, &row.room_id) {
            continue;
        }
        let mut head = server.heads.read(tx, &row.room_id).await?;
        let room_id = row.room_id;
        match &member.membership {
            MembershipState::Join => {
                let reader = match &unread {
                    Some(reader) => reader,
                    None => unread.insert(Reader::open(server, tx, &caller.user_id).await?),
                };
                let data = account_data.remove(&member.room).unwrap_or_default();
                let joined = room::joined(
                    server, tx, request, &stretch, &mut head, &member, data, reader, &mut lists,
                )
                .await?;
                answer.join.extend(joined.map(|joined| (room_id, joined)));
            }
            // "Servers must not send room invites from ignored users to clients."
            MembershipState::Invite if stretch.ignored.contains(&member.sender) => {}
            MembershipState::Invite if blocks_invites(tx, &mut blocking, &caller.user_id).await? => {}
            MembershipState::Invite | MembershipState::Knock => {
                let rooms = match member.membership {
                    MembershipState::Invite => &mut answer.invite,
                    _ => &mut answer.knock,
                };
                rooms.insert(room_id, outside::invited(tx, &head, &member).await?);
            }
            _ => {
                let data = account_data.remove(&member.room).unwrap_or_default();
                let left = outside::left(
                    server, tx, request, &stretch, &mut head, &member, data, &mut lists,
                )
                .await?;
                answer.leave.extend(left.map(|left| (room_id, left)));
            }
        }
    }
    if let Some(since) = since {
        (answer.devices_changed, answer.devices_left) = lists.finish(tx, &caller.user_id, since, now).await?;
    }
    Ok(answer)
}

/// Whether the user takes no invitations, looked up once.
async fn blocks_invites(tx: &mut Tx<'_>, known: &mut Option<bool>, user_id: &UserId) -> Result<bool> {
    match known {
        Some(known) => Ok(*known),
        None => Ok(*known.insert(invite_permission::is_blocking(tx, user_id).await?)),
    }
}

/// The memberships that are to be shown: those that changed and those of rooms with news, or all. What it costs
/// depends on how much happened, not on how many rooms there are.
async fn memberships(
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    stretch: &Stretch,
    account_data: &BTreeMap<RoomNid, Vec<PlainEvent>>,
) -> Result<Vec<MemberRow>> {
    let user_id = &request.caller.user_id;
    let mut members = match stretch.since {
        Some(since) if !stretch.is_full => {
            let mut members = tx.membership_list_changed(user_id, since, stretch.now).await?;
            let mut rooms = rooms_with_news(tx, request, since, stretch.now).await?;
            rooms.extend(account_data.keys());
            for member in &members {
                rooms.remove(&member.room);
            }
            // That a room was left is told even if it was forgotten on another device since.
            for room in rooms {
                let member = tx.membership_get(user_id, room).await?;
                members.extend(member.filter(|member| member.membership == MembershipState::Join));
            }
            members
        }
        _ => {
            let mut members = tx.membership_list(user_id).await?;
            let after = stretch.since.unwrap_or(StreamPos(i64::MAX));
            members.retain(|member| match member.membership {
                MembershipState::Join | MembershipState::Invite | MembershipState::Knock => true,
                _ => request.filter.room.include_leave || member.pos > after,
            });
            members.retain(|member| !member.forgotten);
            members
        }
    };
    members.sort_by_key(|member| member.room);
    Ok(members)
}

/// The joined rooms with new events, receipts or typing.
async fn rooms_with_news(
    tx: &mut Tx<'_>,
    request: &SyncRequest,
    since: StreamPos,
    now: StreamPos,
) -> Result<BTreeSet<RoomNid>> {
    let user_id = &request.caller.user_id;
    let mut rooms = rooms_with_events(tx, user_id, since, now).await?;
    for news in [RoomNews::Receipts, RoomNews::Typing] {
        rooms.extend(rooms_with(tx, news, user_id, since, now).await?);
    }
    Ok(rooms)
}

fn is_short(since: StreamPos, now: StreamPos) -> bool {
    now.0.saturating_sub(since.0) <= SHORT_STRETCH
}

/// The joined rooms with such news.
pub(crate) async fn rooms_with(
    tx: &mut Tx<'_>,
    news: RoomNews,
    user_id: &UserId,
    since: StreamPos,
    now: StreamPos,
) -> Result<Vec<RoomNid>> {
    Ok(match is_short(since, now) {
        true => tx.room_news(news, user_id, since, now).await?,
        false => tx.room_news_far(news, user_id, since, now).await?,
    })
}

/// The joined rooms with new events.
pub(crate) async fn rooms_with_events(
    tx: &mut Tx<'_>,
    user_id: &UserId,
    since: StreamPos,
    now: StreamPos,
) -> Result<BTreeSet<RoomNid>> {
    let active = match is_short(since, now) {
        true => tx.event_rooms_between(user_id, since, now).await?,
        false => tx.membership_rooms_active(user_id, since).await?,
    };
    Ok(BTreeSet::from_iter(active))
}
