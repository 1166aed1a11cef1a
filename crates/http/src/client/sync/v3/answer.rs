//! The answer of a sync as JSON.

use std::collections::{BTreeMap, BTreeSet};

use rohrpost_core::sync::{
    InvitedRoom, JoinedRoom, LeftRoom, PlainEvent, StateEvents, SyncAnswer, Timeline as TimelinePart,
    unread::Counts as UnreadPart,
};
use ruma::{OwnedEventId, OwnedRoomId, OwnedUserId};
use serde::Serialize;
use serde_json::value::RawValue;

type Raw<'a> = &'a RawValue;

#[derive(Serialize)]
struct Answer<'a> {
    next_batch: String,
    #[serde(skip_serializing_if = "Rooms::is_empty")]
    rooms: Rooms<'a>,
    #[serde(skip_serializing_if = "Events::is_empty")]
    account_data: Events<Plain<'a>>,
    #[serde(skip_serializing_if = "Events::is_empty")]
    presence: Events<Sent<'a>>,
    #[serde(skip_serializing_if = "Events::is_empty")]
    to_device: Events<Sent<'a>>,
    #[serde(skip_serializing_if = "Devices::is_empty")]
    device_lists: Devices<'a>,
    /// Always there: a client takes its absence for zero.
    device_one_time_keys_count: BTreeMap<&'a str, i64>,
    device_unused_fallback_key_types: &'a [String],
}

#[derive(Serialize)]
struct Rooms<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    join: BTreeMap<&'a OwnedRoomId, Joined<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    invite: BTreeMap<&'a OwnedRoomId, Invited<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    knock: BTreeMap<&'a OwnedRoomId, Knocked<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    leave: BTreeMap<&'a OwnedRoomId, Left<'a>>,
}

impl Rooms<'_> {
    fn is_empty(&self) -> bool {
        self.join.is_empty() && self.invite.is_empty() && self.knock.is_empty() && self.leave.is_empty()
    }
}

#[derive(Serialize)]
struct Events<T> {
    events: Vec<T>,
}

impl<T> Events<T> {
    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

#[derive(Serialize)]
struct Plain<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    content: Raw<'a>,
}

#[derive(Serialize)]
struct Sent<'a> {
    sender: &'a OwnedUserId,
    #[serde(rename = "type")]
    kind: &'a str,
    content: Raw<'a>,
}

#[derive(Serialize)]
struct Devices<'a> {
    changed: &'a BTreeSet<OwnedUserId>,
    left: &'a BTreeSet<OwnedUserId>,
}

impl Devices<'_> {
    fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.left.is_empty()
    }
}

#[derive(Serialize)]
struct Timeline<'a> {
    events: Vec<Raw<'a>>,
    limited: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_batch: Option<String>,
}

#[derive(Serialize)]
struct Summary<'a> {
    #[serde(rename = "m.heroes", skip_serializing_if = "<[_]>::is_empty")]
    heroes: &'a [OwnedUserId],
    #[serde(rename = "m.joined_member_count")]
    joined: i64,
    #[serde(rename = "m.invited_member_count")]
    invited: i64,
}

#[derive(Serialize)]
struct Counts {
    notification_count: u32,
    highlight_count: u32,
}

#[derive(Serialize)]
struct Joined<'a> {
    timeline: Timeline<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Events<Raw<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_after: Option<Events<Raw<'a>>>,
    #[serde(
        rename = "org.matrix.msc4222.state_after",
        skip_serializing_if = "Option::is_none"
    )]
    state_after_unstable: Option<Events<Raw<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary<'a>>,
    #[serde(skip_serializing_if = "Events::is_empty")]
    msc4354_sticky: Events<Raw<'a>>,
    #[serde(skip_serializing_if = "Events::is_empty")]
    ephemeral: Events<Plain<'a>>,
    #[serde(skip_serializing_if = "Events::is_empty")]
    account_data: Events<Plain<'a>>,
    unread_notifications: Counts,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    unread_thread_notifications: BTreeMap<&'a OwnedEventId, Counts>,
}

#[derive(Serialize)]
struct Invited<'a> {
    invite_state: Events<Raw<'a>>,
}

#[derive(Serialize)]
struct Knocked<'a> {
    knock_state: Events<Raw<'a>>,
}

#[derive(Serialize)]
struct Left<'a> {
    timeline: Timeline<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<Events<Raw<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state_after: Option<Events<Raw<'a>>>,
    #[serde(
        rename = "org.matrix.msc4222.state_after",
        skip_serializing_if = "Option::is_none"
    )]
    state_after_unstable: Option<Events<Raw<'a>>>,
    #[serde(skip_serializing_if = "Events::is_empty")]
    account_data: Events<Plain<'a>>,
}

/// How the caller asked for state and threads.
#[derive(Clone, Copy)]
pub(super) struct Spelling {
    /// Under the unstable name of MSC4222.
    pub(super) is_unstable: bool,
    /// Threads are counted apart.
    pub(super) by_thread: bool,
}

pub(super) fn write(answer: &SyncAnswer, spelling: Spelling) -> serde_json::Result<Vec<u8>> {
    let mut counts = BTreeMap::from_iter(
        answer
            .one_time_keys
            .iter()
            .map(|(name, count)| (name.as_str(), *count)),
    );
    counts.entry("signed_curve25519").or_insert(0);
    let to_device = answer.to_device.iter().map(|row| {
        Ok(Sent {
            sender: &row.sender,
            kind: &row.kind,
            content: serde_json::from_str(&row.content)?,
        })
    });
    let presence = answer.presence.iter().map(|(sender, event)| {
        Ok(Sent {
            sender,
            kind: &event.kind,
            content: serde_json::from_str(&event.content)?,
        })
    });
    serde_json::to_vec(&Answer {
        next_batch: answer.next_batch.to_string(),
        rooms: Rooms {
            join: answer
                .join
                .iter()
                .map(|(id, room)| Ok((id, joined(room, spelling)?)))
                .collect::<serde_json::Result<_>>()?,
            invite: answer
                .invite
                .iter()
                .map(|(id, room)| (id, invited(room)))
                .collect(),
            knock: answer
                .knock
                .iter()
                .map(|(id, room)| {
                    let knock_state = raw(&room.state);
                    (id, Knocked { knock_state })
                })
                .collect(),
            leave: answer
                .leave
                .iter()
                .map(|(id, room)| Ok((id, left(room, spelling)?)))
                .collect::<serde_json::Result<_>>()?,
        },
        account_data: plain(&answer.account_data)?,
        presence: Events {
            events: presence.collect::<serde_json::Result<_>>()?,
        },
        to_device: Events {
            events: to_device.collect::<serde_json::Result<_>>()?,
        },
        device_lists: Devices {
            changed: &answer.devices_changed,
            left: &answer.devices_left,
        },
        device_one_time_keys_count: counts,
        device_unused_fallback_key_types: &answer.unused_fallback_keys,
    })
}

fn joined(room: &JoinedRoom, spelling: Spelling) -> serde_json::Result<Joined<'_>> {
    let [state, state_after, state_after_unstable] = state(&room.state, spelling);
    let main = if spelling.by_thread {
        room.unread.main
    } else {
        room.unread.total()
    };
    let threads = room.unread.threads.iter().filter(|_| spelling.by_thread);
    Ok(Joined {
        timeline: timeline(&room.timeline),
        state,
        state_after,
        state_after_unstable,
        summary: room.summary.as_ref().map(|summary| Summary {
            heroes: &summary.heroes,
            joined: summary.joined,
            invited: summary.invited,
        }),
        msc4354_sticky: raw(&room.sticky),
        ephemeral: plain(&room.ephemeral)?,
        account_data: plain(&room.account_data)?,
        unread_notifications: counts(main),
        unread_thread_notifications: threads.map(|(root, part)| (root, counts(*part))).collect(),
    })
}

fn counts(part: UnreadPart) -> Counts {
    Counts {
        notification_count: part.notifications,
        highlight_count: part.highlights,
    }
}

fn invited(room: &InvitedRoom) -> Invited<'_> {
    Invited {
        invite_state: raw(&room.state),
    }
}

fn left(room: &LeftRoom, spelling: Spelling) -> serde_json::Result<Left<'_>> {
    let [state, state_after, state_after_unstable] = state(&room.state, spelling);
    Ok(Left {
        timeline: timeline(&room.timeline),
        state: state.filter(|events| !events.is_empty()),
        state_after,
        state_after_unstable,
        account_data: plain(&room.account_data)?,
    })
}

/// State under the name it was asked for: `state`, `state_after`, `org.matrix.msc4222.state_after`.
fn state(state: &StateEvents, spelling: Spelling) -> [Option<Events<Raw<'_>>>; 3] {
    match state {
        StateEvents::Before(events) => [Some(raw(events)), None, None],
        StateEvents::After(events) if spelling.is_unstable => [None, None, Some(raw(events))],
        StateEvents::After(events) => [None, Some(raw(events)), None],
    }
}

fn timeline(part: &TimelinePart) -> Timeline<'_> {
    Timeline {
        events: part.events.iter().map(|event| &**event).collect(),
        limited: part.limited,
        prev_batch: part.prev_batch.map(|token| token.to_string()),
    }
}

fn raw(events: &[Box<RawValue>]) -> Events<Raw<'_>> {
    Events {
        events: events.iter().map(|event| &**event).collect(),
    }
}

fn plain(events: &[PlainEvent]) -> serde_json::Result<Events<Plain<'_>>> {
    let events = events.iter().map(|event| {
        Ok(Plain {
            kind: &event.kind,
            content: serde_json::from_str(&event.content)?,
        })
    });
    Ok(Events {
        events: events.collect::<serde_json::Result<_>>()?,
    })
}
