//! What one connection is told between two positions, read from one snapshot.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use rohrpost_store::{AccountData, GLOBAL, ListedRoom, RoomNid, StreamPos, Tx};
use ruma::{OwnedRoomId, OwnedUserId, events::room::member::MembershipState};

use super::{
    SlidingRequest,
    config::RoomConfig,
    connections::State,
    extensions::{self, E2ee, RoomData, ToDevice},
    index::{Change, Configs, Entry, Index, Standing, Windows},
    marks,
    profiles::{self, Profiles},
    room::{SlidingRoom, View},
    sticky::{Sticky, StickyWalk, StickyWanted},
};
use crate::{
    Refusal, Result, Server,
    personal::{
        ignored::{self, Ignored},
        invite_permission,
    },
    rooms::{
        access::Access,
        thread_subscription::{self, SubscriptionPage},
    },
    sync::{snapshot::rooms_with_events, token::SlidingPos, unread::Reader},
};

/// What changed for a connection.
#[derive(Default)]
pub struct SlidingAnswer {
    /// What has been seen with this answer.
    pub pos: SlidingPos,
    /// How many rooms each list has.
    pub lists: BTreeMap<String, u64>,
    /// Rooms that are new to the client or have news.
    pub rooms: BTreeMap<OwnedRoomId, SlidingRoom>,
    /// Messages to this device, if asked for.
    pub to_device: Option<ToDevice>,
    /// Keys and device lists, if asked for.
    pub e2ee: Option<E2ee>,
    /// Account data, receipts and typing.
    pub data: RoomData,
    /// What changed about threads that the user follows.
    pub thread_subscriptions: SubscriptionPage,
    /// Changed profiles.
    pub profiles: Profiles,
    /// Sticky events.
    pub sticky: Sticky,
    /// The people whom its rooms show, where their profiles are wanted.
    met: BTreeSet<OwnedUserId>,
}

impl SlidingAnswer {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty()
            && self.to_device.as_ref().is_none_or(|part| part.events.is_empty())
            && self.e2ee.as_ref().is_none_or(|part| !part.has_news)
            && self.data.is_empty()
            && self.thread_subscriptions.threads.is_empty()
            && self.profiles.is_empty()
            && self.sticky.rooms.is_empty()
            && !self.sticky.has_more
    }
}

/// Reads what changed; answers also what the client will know then.
pub(crate) async fn snapshot(
    server: &Arc<Server>,
    tx: &mut Tx<'_>,
    request: &SlidingRequest,
    before: &State,
) -> Result<(SlidingAnswer, State)> {
    let user_id = &request.caller.user_id;
    let wanted = &request.extensions;
    let (now, since) = (tx.pos_now().await?, before.upto);
    let mut state = State {
        upto: Some(now),
        ..before.clone()
    };
    let mut answer = SlidingAnswer::default();
    if let Some(limit) = wanted.to_device {
        answer.to_device = Some(extensions::to_device(tx, &request.caller, now, limit).await?);
    }
    let has_rooms = !request.asked.lists.is_empty() || !request.asked.subscriptions.is_empty();
    let is_quiet = since.is_some_and(|since| since >= now);
    let active = match since {
        Some(since) if !is_quiet && (wanted.e2ee || wanted.profiles.is_some() || has_rooms) => {
            rooms_with_events(tx, user_id, since, now).await?
        }
        _ => BTreeSet::new(),
    };
    if wanted.e2ee {
        let part = extensions::e2ee(tx, &request.caller, &active, &mut state.keys, since, now).await?;
        answer.e2ee = Some(part);
    }
    let is_behind = |sticky: StickyWanted| sticky.since.is_none_or(|since| since < now);
    if is_quiet && *state.asked == request.asked && !wanted.sticky.is_some_and(is_behind) {
        answer.lists = counts(&state);
        return Ok((answer, state));
    }
    if let Some(limit) = wanted.thread_subscriptions {
        answer.thread_subscriptions =
            thread_subscription::page(tx, &request.caller, (since, now), limit).await?;
    }
    let data = match since {
        Some(since) if !is_quiet => tx.account_data_list(user_id, since, now).await?,
        _ => Vec::new(),
    };
    if wanted.account_data.is_some() {
        answer.data.global = extensions::global_data(tx, user_id, &data, since).await?;
    }
    if has_rooms {
        let walk = Walk {
            server,
            request,
            since,
            now,
            data: &data,
        };
        walk.rooms(tx, &mut state, &mut answer, &active).await?;
        answer.lists = counts(&state);
    }
    if let Some(wanted) = &wanted.profiles {
        let left = match (&answer.e2ee, since) {
            (Some(part), _) => part.left.clone(),
            (None, Some(since)) if !is_quiet => {
                extensions::lists_between(tx, user_id, &active, since, now)
                    .await?
                    .1
            }
            _ => BTreeSet::new(),
        };
        let met = std::mem::take(&mut answer.met);
        let span = (since, now);
        answer.profiles =
            profiles::read(tx, user_id, wanted, &mut state.profiles, span, (met, &left)).await?;
    }
    Ok((answer, state))
}

fn counts(state: &State) -> BTreeMap<String, u64> {
    let names = state.asked.lists.keys().cloned();
    names.zip(state.windows.counts()).collect()
}

/// A walk over the rooms that may have to be told of.
struct Walk<'a> {
    server: &'a Arc<Server>,
    request: &'a SlidingRequest,
    since: Option<StreamPos>,
    now: StreamPos,
    /// Account data that changed.
    data: &'a [AccountData],
}

/// Which rooms have news.
#[derive(Default)]
struct News {
    /// Events or another membership.
    rooms: BTreeSet<RoomNid>,
    /// Rooms that the user left or was sent out of.
    gone: BTreeSet<RoomNid>,
    changes: Vec<Change>,
    /// Every room must be looked at.
    is_all: bool,
}

impl Walk<'_> {
    async fn rooms(
        &self,
        tx: &mut Tx<'_>,
        state: &mut State,
        answer: &mut SlidingAnswer,
        active: &BTreeSet<RoomNid>,
    ) -> Result<()> {
        let user_id = &self.request.caller.user_id;
        let asked = &self.request.asked;
        let mut news = self.news(tx, state, active.clone()).await?;
        let Some(index) = state.index.take() else {
            return Ok(());
        };
        let mut is_dm_new = BTreeSet::new();
        if self.changed("m.direct") {
            let dms = marks::direct(tx, user_id).await?;
            is_dm_new.extend(state.dms.symmetric_difference(&dms).copied());
            state.dms = dms;
            news.is_all = true;
        }
        let marks = marks::read(tx, user_id, asked, &index, Arc::clone(&state.dms), self.now).await?;
        if *state.asked != *asked {
            state.asked = Arc::new(asked.clone());
            news.is_all = true;
        }
        if news.is_all || marks::is_wide(asked) {
            news.is_all = true;
            state.windows = Arc::new(Windows::open(asked, &index, &marks));
        } else if !news.changes.is_empty() {
            let mut windows = Windows::clone(&state.windows);
            news.is_all |= !windows.follow(asked, &index, &marks, &news.changes);
            state.windows = Arc::new(windows);
        }
        let receipts = match self.since {
            Some(since) => extensions::receipts_between(tx, user_id, state, since, self.now).await?,
            None => BTreeMap::new(),
        };
        let subscribed = self.subscribed(tx).await?;
        let mut candidates: BTreeSet<RoomNid> = match news.is_all {
            true => index.rooms().collect(),
            false => state.windows.parts().collect(),
        };
        candidates.extend(news.rooms.iter().chain(&news.gone).chain(subscribed.keys()));
        candidates.extend(receipts.keys());

        let mut configs = Configs::new(asked);
        let (mut initial, mut people) = (Vec::new(), Vec::new());
        let mut events = HashSet::new();
        let mut reader = None;
        for room in candidates {
            let entry = index.get(room);
            let lists = entry.map_or(0, |entry| state.windows.lists_of(asked, room, entry, &marks));
            let shown = state.shown.get(&room).cloned();
            let config = entry.and_then(|_| configs.of(lists, subscribed.get(&room)));
            // Whoever knows the room is told that they are out, whether or not a rule still wants it.
            let last = shown.as_ref().filter(|_| news.gone.contains(&room));
            let config = config.or_else(|| last.map(|shown| Arc::clone(&shown.config)));
            let is_news =
                news.rooms.contains(&room) || news.gone.contains(&room) || is_dm_new.contains(&room);
            let Some(config) = config else {
                if let Some(mut shown) = shown.filter(|shown| is_news && shown.behind.is_none()) {
                    shown.behind = self.since;
                    state.shown.insert(room, shown);
                }
                continue;
            };
            let is_read = receipts
                .get(&room)
                .is_some_and(|receipts| receipts.iter().any(|receipt| receipt.user_id == *user_id));
            if let Some(shown) = &shown {
                let is_same = Arc::ptr_eq(&config, &shown.config)
                    || config.timeline_limit <= shown.config.timeline_limit
                        && !config.adds_state(&shown.config);
                if is_same && !is_news && !is_read && shown.behind.is_none() {
                    continue;
                }
            }
            let Some(row) = tx.room_get_by_nid(room).await? else {
                continue;
            };
            let Some(member) = tx.membership_get(user_id, room).await? else {
                continue;
            };
            let reader = match &mut reader {
                Some(reader) => reader,
                none => none.insert(Reader::open(self.server, tx, user_id).await?),
            };
            let view = View {
                server: self.server,
                caller: &self.request.caller,
                since: self.since,
                now: self.now,
                ignored: &state.ignored,
                reader,
                config: &config,
                is_dm: marks.dms.contains(&room),
                is_dm_new: shown.is_some() && is_dm_new.contains(&room),
            };
            let Some((mut told, knows)) = view.room(tx, &row.room_id, &member, shown.as_ref()).await? else {
                continue;
            };
            let names = asked.lists.keys().enumerate();
            let names = names.filter(|(number, _)| lists >> number & 1 == 1);
            told.lists = names.map(|(_, name)| name.clone()).collect();
            if told.initial && member.membership == MembershipState::Join {
                initial.push((room, told.start));
            }
            match entry {
                Some(_) => drop(state.shown.insert(room, knows)),
                None => drop(state.shown.remove(&room)),
            }
            events.extend(told.events.iter().copied());
            if !told.people.is_empty() {
                people.push((room, std::mem::take(&mut told.people)));
            }
            answer.rooms.insert(row.room_id, told);
        }
        let mut walked = extensions::Walked {
            state,
            index: &index,
            marks: &marks,
            subscribed: &subscribed,
            initial: &initial,
            receipts,
            data: self.data,
            since: self.since,
            now: self.now,
        };
        walked
            .read(tx, self.server, self.request, &mut answer.data)
            .await?;
        if let Some(wanted) = &self.request.extensions.profiles {
            for (room, people) in people {
                let room_id = walked.in_scope(tx, self.request, &wanted.scope, room).await?;
                answer
                    .met
                    .extend(room_id.into_iter().flat_map(|_| people.clone()));
            }
        }
        if let Some(wanted) = self.request.extensions.sticky {
            let walk = StickyWalk {
                server: self.server,
                request: self.request,
                state,
                index: &index,
                marks: &marks,
                subscribed: &subscribed,
                shown: &events,
                now: self.now,
            };
            answer.sticky = walk.read(tx, wanted).await?;
        }
        state.index = Some(index);
        Ok(())
    }

    /// Whether a piece of account data that isn't about a room changed.
    fn changed(&self, kind: &str) -> bool {
        self.data
            .iter()
            .any(|data| data.room == GLOBAL && data.kind == kind)
    }

    /// Brings the user's list of rooms up to date; answers which rooms have news.
    async fn news(&self, tx: &mut Tx<'_>, state: &mut State, active: BTreeSet<RoomNid>) -> Result<News> {
        let user_id = &self.request.caller.user_id;
        let mut news = News {
            rooms: active,
            ..News::default()
        };
        if let Some(since) = self.since {
            for member in tx.membership_list_changed(user_id, since, self.now).await? {
                news.rooms.insert(member.room);
                if matches!(member.membership, MembershipState::Leave | MembershipState::Ban)
                    && state.shown.contains_key(&member.room)
                {
                    news.gone.insert(member.room);
                }
            }
        }
        let is_anew = [ignored::KIND]
            .into_iter()
            .chain(invite_permission::KINDS)
            .any(|kind| self.changed(kind));
        if state.index.is_none() || is_anew {
            state.ignored = Arc::new(Ignored::of(tx, user_id).await?);
            state.blocks_invites = invite_permission::is_blocking(tx, user_id).await?;
            let mut index = Index::default();
            for listed in tx.room_list_of(user_id).await? {
                let entry = self.entry(tx, &listed, state).await?;
                index.put(listed.member.room, entry);
            }
            if state.index.is_none() {
                state.dms = marks::direct(tx, user_id).await?;
            }
            state.index = Some(index);
            news.is_all = true;
            return Ok(news);
        }
        let changed: Vec<RoomNid> = news.rooms.iter().copied().collect();
        for listed in tx.room_list_some(user_id, &changed).await? {
            let room = listed.member.room;
            let entry = self.entry(tx, &listed, state).await?;
            if let Some(index) = &mut state.index {
                let old = index.put(room, entry.clone());
                news.changes.push((room, old, entry));
            }
        }
        Ok(news)
    }

    /// A room as it stands in the list. Whoever was never inside isn't shown what they were sent out of.
    async fn entry(&self, tx: &mut Tx<'_>, listed: &ListedRoom, state: &State) -> Result<Option<Entry>> {
        let entry = Entry::of(listed, &state.ignored, state.blocks_invites);
        if entry.as_ref().is_none_or(|entry| entry.standing != Standing::Out) {
            return Ok(entry);
        }
        let Some(row) = tx.room_get_by_nid(listed.member.room).await? else {
            return Ok(None);
        };
        let mut head = self.server.heads.read(tx, &row.room_id).await?;
        let access = Access::of(tx, &head, &listed.member.user_id).await?;
        match access.state(tx, &mut head).await {
            Ok(_) => Ok(entry),
            Err(Refusal::Forbidden(_)) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// The rooms that are asked for by their ids. Whether the user may see them is decided by their list.
    async fn subscribed(&self, tx: &mut Tx<'_>) -> Result<BTreeMap<RoomNid, Arc<RoomConfig>>> {
        let asked = &self.request.asked.subscriptions;
        if asked.is_empty() {
            return Ok(BTreeMap::new());
        }
        let room_ids: Vec<_> = asked.keys().map(|room_id| &**room_id).collect();
        let numbers = tx.room_numbers(&room_ids).await?;
        let configs = numbers
            .into_iter()
            .filter_map(|(room_id, room)| Some((room, Arc::clone(asked.get(&room_id)?))));
        Ok(configs.collect())
    }
}
