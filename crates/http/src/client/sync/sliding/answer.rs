//! The answer of sliding sync as JSON, in the names of either path.

use std::collections::{BTreeMap, BTreeSet};

use rohrpost_core::rooms::thread_subscription::SubscriptionPage;
use rohrpost_core::sync::{
    PlainEvent,
    sliding::{
        E2ee, SlidingAnswer, SlidingRoom,
        profiles::{ProfileUpdate, Profiles},
        sticky::Sticky,
    },
    token::SyncToken,
};
use ruma::{
    OwnedEventId, OwnedRoomId, OwnedUserId,
    api::client::threads::get_thread_subscriptions_changes::unstable::{
        ThreadSubscription, ThreadUnsubscription,
    },
};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::client::thread_subscriptions::written;

type Raw<'a> = &'a RawValue;
type Json<T> = serde_json::Result<T>;

#[derive(Serialize)]
struct Answer<'a> {
    pos: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    txn_id: Option<&'a str>,
    lists: BTreeMap<&'a str, List>,
    rooms: BTreeMap<&'a OwnedRoomId, Room<'a>>,
    extensions: Extensions<'a>,
}

#[derive(Serialize)]
struct List {
    count: u64,
}

#[derive(Serialize)]
struct Hero<'a> {
    user_id: &'a OwnedUserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    displayname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar_url: Option<&'a str>,
}

fn is_false(is: &bool) -> bool {
    !is
}

fn is_empty<T>(events: &[T]) -> bool {
    events.is_empty()
}

#[derive(Default, Serialize)]
struct Room<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    membership: Option<String>,
    #[serde(skip_serializing_if = "is_empty")]
    lists: &'a [String],
    bump_stamp: i64,
    #[serde(skip_serializing_if = "is_false")]
    initial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<&'a Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    heroes: Option<Vec<Hero<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_dm: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripped_state: Option<Vec<Raw<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invite_state: Option<Vec<Raw<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required_state: Vec<Raw<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timeline_events: Vec<Raw<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timeline: Vec<Raw<'a>>,
    #[serde(skip_serializing_if = "is_false")]
    expanded_timeline: bool,
    #[serde(skip_serializing_if = "is_false")]
    unstable_expanded_timeline: bool,
    #[serde(skip_serializing_if = "is_false")]
    limited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_batch: Option<String>,
    num_live: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notification_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    highlight_count: Option<u32>,
}

#[derive(Default, Serialize)]
struct Extensions<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    to_device: Option<ToDevice<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e2ee: Option<Keys<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_data: Option<AccountData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipts: Option<InRooms<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    typing: Option<InRooms<'a>>,
    #[serde(
        rename = "io.element.msc4308.thread_subscriptions",
        skip_serializing_if = "Option::is_none"
    )]
    thread_subscriptions: Option<Threads>,
    #[serde(
        rename = "org.matrix.msc4262.profiles",
        skip_serializing_if = "Option::is_none"
    )]
    profiles: Option<Users<'a>>,
    #[serde(
        rename = "org.matrix.msc4354.sticky_events",
        skip_serializing_if = "Option::is_none"
    )]
    sticky_events: Option<StickyRooms<'a>>,
}

#[derive(Serialize)]
struct Threads {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    subscribed: BTreeMap<OwnedRoomId, BTreeMap<OwnedEventId, ThreadSubscription>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unsubscribed: BTreeMap<OwnedRoomId, BTreeMap<OwnedEventId, ThreadUnsubscription>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_batch: Option<String>,
}

#[derive(Serialize)]
struct Users<'a> {
    users: BTreeMap<&'a OwnedUserId, Option<Fields<'a>>>,
}

#[derive(Serialize)]
struct Fields<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    updated: Option<BTreeMap<&'a str, Raw<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<&'a BTreeSet<String>>,
}

#[derive(Serialize)]
struct StickyRooms<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    next_batch: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rooms: BTreeMap<&'a OwnedRoomId, StickyRoom<'a>>,
}

#[derive(Serialize)]
struct StickyRoom<'a> {
    events: Vec<Raw<'a>>,
}

#[derive(Serialize)]
struct ToDevice<'a> {
    next_batch: String,
    events: Vec<Message<'a>>,
}

#[derive(Serialize)]
struct Message<'a> {
    sender: &'a OwnedUserId,
    #[serde(rename = "type")]
    kind: &'a str,
    content: Raw<'a>,
}

#[derive(Serialize)]
struct Keys<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    device_lists: Option<Devices<'a>>,
    /// Always there: a client takes its absence for zero.
    device_one_time_keys_count: BTreeMap<&'a str, i64>,
    device_unused_fallback_key_types: &'a [String],
}

#[derive(Serialize)]
struct Devices<'a> {
    changed: &'a BTreeSet<OwnedUserId>,
    left: &'a BTreeSet<OwnedUserId>,
}

#[derive(Serialize)]
struct AccountData<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    global: Vec<Plain<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    rooms: BTreeMap<&'a OwnedRoomId, Vec<Plain<'a>>>,
}

#[derive(Serialize)]
struct InRooms<'a> {
    rooms: BTreeMap<&'a OwnedRoomId, Plain<'a>>,
}

#[derive(Serialize)]
struct Plain<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    content: Raw<'a>,
}

pub(super) fn write(answer: &SlidingAnswer, txn_id: Option<&str>, is_unstable: bool) -> Json<Vec<u8>> {
    let data = &answer.data;
    let has_data = !data.global.is_empty() || !data.rooms.is_empty();
    let in_rooms = |kind: &'static str, rooms| (!BTreeMap::is_empty(rooms)).then(|| contents(kind, rooms));
    let extensions = Extensions {
        to_device: match &answer.to_device {
            Some(part) => Some(ToDevice {
                next_batch: SyncToken(part.next).to_string(),
                events: part
                    .events
                    .iter()
                    .map(|row| {
                        Ok(Message {
                            sender: &row.sender,
                            kind: &row.kind,
                            content: serde_json::from_str(&row.content)?,
                        })
                    })
                    .collect::<Json<_>>()?,
            }),
            None => None,
        },
        e2ee: answer.e2ee.as_ref().map(keys),
        account_data: match has_data {
            true => Some(AccountData {
                global: plain(&data.global)?,
                rooms: data
                    .rooms
                    .iter()
                    .map(|(room_id, events)| Ok((room_id, plain(events)?)))
                    .collect::<Json<_>>()?,
            }),
            false => None,
        },
        receipts: in_rooms("m.receipt", &data.receipts).transpose()?,
        typing: in_rooms("m.typing", &data.typing).transpose()?,
        thread_subscriptions: threads(&answer.thread_subscriptions),
        profiles: profiles(&answer.profiles),
        sticky_events: sticky(&answer.sticky),
    };
    serde_json::to_vec(&Answer {
        pos: answer.pos.to_string(),
        txn_id,
        lists: answer
            .lists
            .iter()
            .map(|(name, count)| (name.as_str(), List { count: *count }))
            .collect(),
        rooms: answer
            .rooms
            .iter()
            .map(|(room_id, told)| (room_id, room(told, is_unstable)))
            .collect(),
        extensions,
    })
}

fn room(room: &SlidingRoom, is_unstable: bool) -> Room<'_> {
    let heroes = room.heroes.as_ref().map(|heroes| {
        let heroes = heroes.iter().map(|hero| Hero {
            user_id: &hero.user_id,
            displayname: hero.display_name.as_deref(),
            avatar_url: hero.avatar_url.as_deref(),
        });
        heroes.collect()
    });
    // Threads are counted by clients; here is what the room shows in all.
    let unread = room.unread.as_ref().map(|unread| match is_unstable {
        true => unread.total(),
        false => unread.main,
    });
    // What a room that is told anew doesn't have is left out.
    let told = |value: &Option<Option<String>>| {
        value
            .as_ref()
            .is_some_and(|value| value.is_some() || !room.initial)
    };
    let mut written = Room {
        bump_stamp: room.bump.0.max(0),
        initial: room.initial,
        name: room.name.as_ref().filter(|_| told(&room.name)),
        avatar: room.avatar.as_ref().filter(|_| told(&room.avatar)),
        heroes,
        is_dm: room.is_dm,
        required_state: raw(&room.required_state),
        limited: room.limited,
        prev_batch: room.prev_batch.map(|token| token.to_string()),
        num_live: room.num_live,
        joined_count: room.joined,
        invited_count: room.invited,
        notification_count: unread.map(|unread| unread.notifications),
        highlight_count: unread.map(|unread| unread.highlights),
        ..Room::default()
    };
    let stripped = room.stripped_state.as_deref().map(raw);
    if is_unstable {
        written.invite_state = stripped;
        written.timeline = raw(&room.timeline);
        written.unstable_expanded_timeline = room.expanded;
    } else {
        written.membership = room.membership.as_ref().map(ToString::to_string);
        written.lists = &room.lists;
        written.stripped_state = stripped;
        written.timeline_events = raw(&room.timeline);
        written.expanded_timeline = room.expanded;
    }
    written
}

fn threads(page: &SubscriptionPage) -> Option<Threads> {
    let response = written(page);
    (!page.threads.is_empty()).then_some(Threads {
        subscribed: response.subscribed,
        unsubscribed: response.unsubscribed,
        prev_batch: response.end,
    })
}

fn profiles(profiles: &Profiles) -> Option<Users<'_>> {
    let users = profiles.iter();
    let users = users.map(|(user_id, update)| (user_id, update.as_ref().map(fields)));
    (!profiles.is_empty()).then(|| Users {
        users: users.collect(),
    })
}

fn fields(update: &ProfileUpdate) -> Fields<'_> {
    let updated = update.updated.iter();
    let updated = BTreeMap::from_iter(updated.map(|(name, value)| (name.as_str(), &**value)));
    Fields {
        updated: (!updated.is_empty()).then_some(updated),
        removed: (!update.removed.is_empty()).then_some(&update.removed),
    }
}

fn sticky(sticky: &Sticky) -> Option<StickyRooms<'_>> {
    let rooms = sticky.rooms.iter();
    let rooms = rooms.map(|(room_id, events)| (room_id, StickyRoom { events: raw(events) }));
    (sticky.next.is_some() || !sticky.rooms.is_empty()).then(|| StickyRooms {
        next_batch: sticky.next.map(|next| SyncToken(next).to_string()),
        rooms: rooms.collect(),
    })
}

fn keys(part: &E2ee) -> Keys<'_> {
    let has_lists = !part.changed.is_empty() || !part.left.is_empty();
    let counts = part
        .one_time_keys
        .iter()
        .map(|(name, count)| (name.as_str(), *count));
    let mut counts = BTreeMap::from_iter(counts);
    counts.entry("signed_curve25519").or_insert(0);
    Keys {
        device_lists: has_lists.then_some(Devices {
            changed: &part.changed,
            left: &part.left,
        }),
        device_one_time_keys_count: counts,
        device_unused_fallback_key_types: &part.unused_fallback_keys,
    }
}

fn raw(events: &[Box<RawValue>]) -> Vec<Raw<'_>> {
    events.iter().map(|event| &**event).collect()
}

fn plain(events: &[PlainEvent]) -> Json<Vec<Plain<'_>>> {
    let events = events.iter().map(|event| {
        Ok(Plain {
            kind: &event.kind,
            content: serde_json::from_str(&event.content)?,
        })
    });
    events.collect()
}

fn contents<'a>(kind: &'static str, rooms: &'a BTreeMap<OwnedRoomId, String>) -> Json<InRooms<'a>> {
    let rooms = rooms.iter().map(|(room_id, content)| {
        let content = serde_json::from_str(content)?;
        Ok((room_id, Plain { kind, content }))
    });
    Ok(InRooms {
        rooms: rooms.collect::<Json<_>>()?,
    })
}
