//! What a connection is told of one room.

use std::{
    collections::{BTreeSet, HashSet},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use rohrpost_room::Shape;
use rohrpost_store::{EventNid, EventRow, MemberRow, StateEntry, StreamPos, Tx};
use ruma::{
    OwnedUserId, RoomId,
    events::{StateEventType, room::member::MembershipState},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{config::RoomConfig, connections::Shown};
use crate::{
    Caller, Refusal, Result, Server,
    personal::ignored::Ignored,
    rooms::{
        access::{Access, Seen},
        head::{Head, pdu},
        present::Viewer,
        state,
    },
    sync::{
        outside,
        room::{Wanted, newest, summary},
        token::SyncToken,
        unread::{Reader, UnreadCounts},
    },
};

/// Events of a timeline at most.
const MAX_LIMIT: u32 = 100;
/// State events of one type at most, where any state key is wanted.
const MAX_OF_KIND: u32 = 5000;
/// Members that are remembered as sent, for each room of a connection.
const MAX_MEMBERS: usize = 256;

/// Somebody whom a room without a name is named after.
pub struct Hero {
    /// The user.
    pub user_id: OwnedUserId,
    /// The name in the room.
    pub display_name: Option<String>,
    /// The picture in the room.
    pub avatar_url: Option<String>,
}

/// What a connection is told of one room. What is `None` didn't change.
#[derive(Default)]
pub struct SlidingRoom {
    /// How the user stands to it.
    pub membership: Option<MembershipState>,
    /// The lists that show it.
    pub lists: Vec<String>,
    /// Everything is told anew.
    pub initial: bool,
    /// Its name; `Some(None)`: it has none any more.
    pub name: Option<Option<String>>,
    /// Its picture.
    pub avatar: Option<Option<String>>,
    /// Whom it is named after.
    pub heroes: Option<Vec<Hero>>,
    /// It is for two; `None`: it isn't, and the client doesn't take it for that.
    pub is_dm: Option<bool>,
    /// What somebody outside may know of it: for invitations and knocks.
    pub stripped_state: Option<Vec<Box<RawValue>>>,
    /// The wanted state.
    pub required_state: Vec<Box<RawValue>>,
    /// Its newest events, oldest first.
    pub timeline: Vec<Box<RawValue>>,
    /// The events reach back behind what was sent before.
    pub expanded: bool,
    /// There are events between what was sent before and the first of these.
    pub limited: bool,
    /// From where older events can be asked for.
    pub prev_batch: Option<SyncToken>,
    /// How many of the events are new since the last answer.
    pub num_live: u64,
    /// How many are joined.
    pub joined: Option<i64>,
    /// How many are invited.
    pub invited: Option<i64>,
    /// What is unread in it.
    pub unread: Option<UnreadCounts>,
    /// When people last wrote in it, for sorting.
    pub bump: StreamPos,
    /// The position of the first event.
    pub(crate) start: StreamPos,
    /// The events of its timeline.
    pub(crate) events: Vec<EventNid>,
    /// Whom it shows: who wrote, who is told as a member, and whom it is named after.
    pub(crate) people: BTreeSet<OwnedUserId>,
}

/// How one room is looked at.
pub(crate) struct View<'a> {
    pub(crate) server: &'a Arc<Server>,
    pub(crate) caller: &'a Caller,
    /// Up to where the last answer went.
    pub(crate) since: Option<StreamPos>,
    pub(crate) now: StreamPos,
    pub(crate) ignored: &'a Ignored,
    pub(crate) reader: &'a Reader,
    pub(crate) config: &'a Arc<RoomConfig>,
    pub(crate) is_dm: bool,
    /// The client took it for the contrary so far.
    pub(crate) is_dm_new: bool,
}

impl View<'_> {
    /// What is told of a room, and what the client knows of it then. `None`: nothing.
    pub(crate) async fn room(
        &self,
        tx: &mut Tx<'_>,
        room_id: &RoomId,
        member: &MemberRow,
        shown: Option<&Shown>,
    ) -> Result<Option<(SlidingRoom, Shown)>> {
        let mut head = self.server.heads.read(tx, room_id).await?;
        let from = shown.and_then(|shown| shown.behind.or(self.since));
        match member.membership {
            MembershipState::Join => {
                // Of a room that is new to the client, everything is told.
                let from = from.filter(|from| member.since <= *from);
                let shown = shown.filter(|_| from.is_some());
                Ok(Some(self.joined(tx, &mut head, member, shown, from).await?))
            }
            MembershipState::Invite | MembershipState::Knock => {
                if from.is_some_and(|from| member.pos <= from) {
                    return Ok(None);
                }
                let room = SlidingRoom {
                    membership: Some(member.membership.clone()),
                    initial: true,
                    is_dm: self.is_dm(),
                    stripped_state: Some(outside::invited(tx, &head, member).await?.state),
                    bump: member.pos,
                    ..SlidingRoom::default()
                };
                Ok(Some((room, self.knows(None, false))))
            }
            _ if from.is_some_and(|from| member.pos <= from) => Ok(None),
            _ => Ok(Some(self.left(tx, &mut head, member, from).await?)),
        }
    }

    /// What the client knows of a room after this answer.
    fn knows(&self, shown: Option<&Shown>, limited: bool) -> Shown {
        let mut config = Arc::clone(self.config);
        // What was sent with a larger limit is still there, unless a gap came behind it.
        if let Some(shown) =
            shown.filter(|shown| !limited && shown.config.timeline_limit > config.timeline_limit)
        {
            config = Arc::new(RoomConfig {
                timeline_limit: shown.config.timeline_limit,
                ..(*config).clone()
            });
        }
        Shown {
            config,
            behind: None,
            members: shown
                .filter(|_| !limited)
                .map(|shown| Arc::clone(&shown.members))
                .unwrap_or_default(),
        }
    }

    async fn joined(
        &self,
        tx: &mut Tx<'_>,
        head: &mut Head,
        member: &MemberRow,
        shown: Option<&Shown>,
        from: Option<StreamPos>,
    ) -> Result<(SlidingRoom, Shown)> {
        let before = shown.map(|shown| &*shown.config);
        let mut access = Access::of(tx, head, &self.caller.user_id).await?;
        let is_longer = before.is_some_and(|before| self.config.timeline_limit > before.timeline_limit);
        let wanted = self.wanted();
        let reach = from.filter(|_| !is_longer);
        let (seen, limited) = newest(tx, &wanted, head, &mut access, reach, self.now).await?;
        let start = seen.first().and_then(|seen| seen.row.pos).unwrap_or(self.now);
        let mut knows = self.knows(shown, limited);

        let changed = match from {
            Some(from) => tx.state_current_list(head.room.nid, Some(from)).await?,
            None => Vec::new(),
        };
        let rows = self
            .state(tx, head, before, &changed, &seen, limited, &mut knows)
            .await?;
        let viewer = self.viewer();
        let members = rows.iter().filter(|row| row.kind == "m.room.member");
        let people = members
            .filter_map(|row| OwnedUserId::try_from(row.state_key.as_deref()?).ok())
            .chain(seen.iter().map(|seen| seen.row.sender.clone()))
            .collect();
        let required_state = viewer.state(tx, head, &rows).await?;
        let live = self.since.unwrap_or(StreamPos(i64::MAX));
        let mut room = SlidingRoom {
            membership: Some(MembershipState::Join),
            initial: from.is_none(),
            is_dm: self.is_dm(),
            events: seen.iter().map(|seen| seen.row.nid).collect(),
            people,
            required_state,
            expanded: from.is_some_and(|from| is_longer && start <= from && !seen.is_empty()),
            limited,
            prev_batch: Some(SyncToken(StreamPos(if seen.is_empty() {
                start.0
            } else {
                start.0 - 1
            }))),
            num_live: seen.iter().map(|seen| u64::from(seen.row.pos > Some(live))).sum(),
            timeline: viewer.page(tx, head, &mut access, self.ignored, &seen).await?,
            unread: Some(self.reader.counts(self.server, tx, head, member.since).await?),
            bump: head.room.bump_pos,
            start,
            ..SlidingRoom::default()
        };
        self.describe(tx, head, &changed, &mut room).await?;
        Ok((room, knows))
    }

    fn is_dm(&self) -> Option<bool> {
        (self.is_dm || self.is_dm_new).then_some(self.is_dm)
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            user_id: &self.caller.user_id,
            limit: self.config.timeline_limit.min(MAX_LIMIT),
            filter: None,
            ignored: self.ignored,
        }
    }

    fn viewer(&self) -> Viewer<'_> {
        Viewer {
            caller: self.caller,
            now_ts: self.server.now_ts(),
            shape: Shape::Timeline,
        }
    }

    /// Name, picture and members: at first, and when they changed.
    async fn describe(
        &self,
        tx: &mut Tx<'_>,
        head: &mut Head,
        changed: &[StateEntry],
        room: &mut SlidingRoom,
    ) -> Result<()> {
        #[derive(Deserialize)]
        struct Content {
            name: Option<String>,
            url: Option<String>,
        }
        let has = |kind: StateEventType| room.initial || changed.iter().any(|entry| entry.kind == kind);
        let (name, avatar) = (has(StateEventType::RoomName), has(StateEventType::RoomAvatar));
        let is_summed = name || has(StateEventType::RoomMember) || has(StateEventType::RoomCanonicalAlias);
        if name {
            let event = head.state(tx, StateEventType::RoomName, "").await?;
            let text = event.and_then(|event| event.content_as::<Content>().ok()?.name);
            room.name = Some(text.filter(|text| !text.is_empty()));
        }
        if avatar {
            let event = head.state(tx, StateEventType::RoomAvatar, "").await?;
            let url = event.and_then(|event| event.content_as::<Content>().ok()?.url);
            room.avatar = Some(url.filter(|url| !url.is_empty()));
        }
        if is_summed {
            let summed = summary(tx, head, &self.caller.user_id).await?;
            (room.joined, room.invited) = (Some(summed.joined), Some(summed.invited));
            if !summed.heroes.is_empty() {
                room.people.extend(summed.heroes.iter().cloned());
                room.heroes = Some(heroes(tx, head, summed.heroes).await?);
            }
        }
        Ok(())
    }

    /// The state events that the client is to get.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another thing that decides what is sent"
    )]
    async fn state(
        &self,
        tx: &mut Tx<'_>,
        head: &Head,
        before: Option<&RoomConfig>,
        changed: &[StateEntry],
        seen: &[Seen],
        limited: bool,
        knows: &mut Shown,
    ) -> Result<Vec<EventRow>> {
        let (room, config) = (head.room.nid, &**self.config);
        let mut nids: BTreeSet<EventNid> = BTreeSet::new();
        if before.is_none_or(|before| config.adds_state(before)) {
            nids.extend(self.current(tx, head).await?);
        }
        for entry in changed {
            // Without a gap all changes of members are told, so that the client may keep their list.
            let is_member = config.is_lazy() && !limited && entry.kind == StateEventType::RoomMember;
            if is_member || config.wants(&entry.kind.to_string(), &entry.state_key) {
                nids.insert(entry.event);
            }
        }
        let nids: Vec<EventNid> = nids.into_iter().collect();
        let mut rows = tx.event_get_many(room, &nids).await?;
        if config.is_lazy() {
            let known = Arc::make_mut(&mut knows.members);
            let mut needed: BTreeSet<&str> = BTreeSet::new();
            for Seen { row, .. } in seen {
                needed.insert(row.sender.as_str());
                needed.extend(row.state_key.as_deref().filter(|_| row.kind == "m.room.member"));
            }
            for row in rows.iter().filter(|row| row.kind == "m.room.member") {
                let key = row.state_key.as_deref().unwrap_or_default();
                needed.remove(key);
                remember(known, key);
            }
            needed.retain(|user| remember(known, user));
            let keys: Vec<_> = needed
                .into_iter()
                .map(|user| (StateEventType::RoomMember, user.to_owned()))
                .collect();
            rows.extend(tx.state_current_events(room, &keys).await?);
        }
        rows.sort_by_key(|row| row.nid);
        Ok(rows)
    }

    /// The wanted part of the present state, looked up by what is wanted and not by what is there.
    async fn current(&self, tx: &mut Tx<'_>, head: &Head) -> Result<Vec<EventNid>> {
        let (room, config) = (head.room.nid, &**self.config);
        let patterns = || config.required.iter().flat_map(|required| &required.include);
        if patterns().any(|pattern| pattern.kind.is_none()) {
            let entries = tx.state_current_list(room, None).await?;
            let wanted = entries
                .into_iter()
                .filter(|entry| config.wants(&entry.kind.to_string(), &entry.state_key));
            return Ok(wanted.map(|entry| entry.event).collect());
        }
        let (mut keys, mut kinds) = (BTreeSet::new(), BTreeSet::new());
        for pattern in patterns() {
            match (&pattern.kind, &pattern.key) {
                (Some(kind), Some(key)) if config.wants(kind, key) => drop(keys.insert((kind, key))),
                (Some(kind), None) => drop(kinds.insert(kind)),
                _ => {}
            }
        }
        let keys: Vec<_> = keys
            .into_iter()
            .map(|(kind, key)| (StateEventType::from(kind.as_str()), key.clone()))
            .collect();
        let rows = tx.state_current_events(room, &keys).await?;
        let mut nids: Vec<EventNid> = rows.into_iter().map(|row| row.nid).collect();
        for kind in kinds {
            let kind = StateEventType::from(kind.as_str());
            let of_kind = tx.state_current_kind(room, &kind, MAX_OF_KIND).await?;
            let rows = tx.event_get_many(room, &of_kind).await?;
            let wanted = rows
                .into_iter()
                .filter(|row| config.wants(&row.kind, row.state_key.as_deref().unwrap_or_default()));
            nids.extend(wanted.map(|row| row.nid));
        }
        Ok(nids)
    }

    /// A room that the user left or was sent out of, as it was then.
    async fn left(
        &self,
        tx: &mut Tx<'_>,
        head: &mut Head,
        member: &MemberRow,
        from: Option<StreamPos>,
    ) -> Result<(SlidingRoom, Shown)> {
        let mut access = Access::of(tx, head, &member.user_id).await?;
        let wanted = self.wanted();
        let (seen, limited) = newest(tx, &wanted, head, &mut access, from, member.pos).await?;
        let start = seen.first().and_then(|seen| seen.row.pos).unwrap_or(member.pos);
        let viewer = self.viewer();
        let mut rows = Vec::new();
        if from.is_none() {
            match access.state(tx, head).await {
                Ok(readable) => {
                    rows = state::rows(tx, head, &readable, |_| true).await?;
                    rows.retain(|row| {
                        let key = row.state_key.as_deref().unwrap_or_default();
                        self.config.wants(&row.kind, key) && row.nid != member.event
                    });
                }
                Err(Refusal::Forbidden(_)) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        // What tells the client that they are out.
        rows.extend(tx.event_get_many(head.room.nid, &[member.event]).await?);
        let required_state = viewer.state(tx, head, &rows).await?;
        let live = self.since.unwrap_or(StreamPos(i64::MAX));
        let room = SlidingRoom {
            membership: Some(member.membership.clone()),
            initial: from.is_none(),
            is_dm: self.is_dm(),
            required_state,
            limited,
            prev_batch: Some(SyncToken(StreamPos(start.0 - 1))),
            num_live: seen.iter().map(|seen| u64::from(seen.row.pos > Some(live))).sum(),
            timeline: viewer.page(tx, head, &mut access, self.ignored, &seen).await?,
            bump: member.pos,
            start,
            ..SlidingRoom::default()
        };
        Ok((room, self.knows(None, true)))
    }
}

/// Notes a member as sent; `false`: was sent before.
fn remember(known: &mut HashSet<u64>, user: &str) -> bool {
    if known.len() >= MAX_MEMBERS {
        known.clear();
    }
    let mut hasher = DefaultHasher::new();
    user.hash(&mut hasher);
    known.insert(hasher.finish())
}

/// Names and pictures of those whom a room is named after, as the room has them.
async fn heroes(tx: &mut Tx<'_>, head: &Head, users: Vec<OwnedUserId>) -> Result<Vec<Hero>> {
    #[derive(Default, Deserialize)]
    struct Member {
        displayname: Option<String>,
        avatar_url: Option<String>,
    }
    let keys: Vec<_> = users
        .iter()
        .map(|user| (StateEventType::RoomMember, user.to_string()))
        .collect();
    let rows = tx.state_current_events(head.room.nid, &keys).await?;
    let mut heroes = Vec::with_capacity(users.len());
    for user_id in users {
        let row = rows
            .iter()
            .find(|row| row.state_key.as_deref() == Some(user_id.as_str()));
        let member = match row {
            Some(row) => pdu(&head.room.room_id, row)?
                .content_as::<Member>()
                .unwrap_or_default(),
            None => Member::default(),
        };
        heroes.push(Hero {
            user_id,
            display_name: member.displayname,
            avatar_url: member.avatar_url,
        });
    }
    Ok(heroes)
}
