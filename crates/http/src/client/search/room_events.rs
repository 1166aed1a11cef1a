//! `POST /_matrix/client/v3/search`
//!
//! Finds messages, names and topics in rooms that were never encrypted.
//! [Specification](https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search)

use std::collections::BTreeMap;

use rohrpost_core::{
    Result,
    search::find::{self, FoundEvent, Search},
};
use ruma::{
    UInt,
    api::client::search::search_events::v3::{
        EventContext, EventContextResult, Grouping, GroupingKey, Request, Response, ResultCategories,
        ResultGroup, ResultGroupMap, ResultGroupMapsByGroupingKey, ResultRoomEvents, SearchResult,
        UserProfile,
    },
    serde::Raw,
};
use serde::{Deserialize, de::IgnoredAny};

use crate::call::Authed;

pub(crate) async fn search(
    Authed {
        server, caller, call, ..
    }: Authed,
    request: Request,
) -> Result<Response> {
    let Some(criteria) = request.search_categories.room_events else {
        return Ok(Response::new(ResultCategories::new()));
    };
    let limit = |limit: UInt| u32::try_from(limit).unwrap_or(u32::MAX);
    let wants_context = has_context(&call.body);
    let with_context = |context: EventContext| {
        (
            limit(context.before_limit),
            limit(context.after_limit),
            context.include_profile,
        )
    };
    let wanted = Search {
        caller,
        term: criteria.search_term,
        keys: criteria.keys,
        is_recent: find::is_recent(criteria.order_by.as_ref())?,
        filter: criteria.filter,
        context: wants_context.then(|| with_context(criteria.event_context)),
        include_state: criteria.include_state == Some(true),
        from: request.next_batch.as_deref().map(str::parse).transpose()?,
    };
    let found = find::find(&server, wanted).await?;
    let mut room_events = ResultRoomEvents::new();
    room_events.count = Some(uint(found.count));
    room_events.groups = groups(&criteria.groupings.group_by, &found.results);
    room_events.highlights = found.words;
    room_events.next_batch = found.next.map(|token| token.to_string());
    room_events.results = found.results.into_iter().map(result).collect();
    let raw = |events: Vec<_>| events.into_iter().map(Raw::from_json).collect();
    let state = found.state.into_iter();
    room_events.state = state.map(|(room_id, events)| (room_id, raw(events))).collect();
    let mut categories = ResultCategories::new();
    categories.room_events = room_events;
    Ok(Response::new(categories))
}

/// Whether the request asks for what stands around the results. `ruma` puts the default where it doesn't.
fn has_context(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Body {
        search_categories: Categories,
    }
    #[derive(Deserialize)]
    struct Categories {
        room_events: RoomEvents,
    }
    #[derive(Deserialize)]
    struct RoomEvents {
        event_context: Option<IgnoredAny>,
    }
    serde_json::from_slice::<Body>(body)
        .is_ok_and(|body| body.search_categories.room_events.event_context.is_some())
}

fn uint(number: usize) -> UInt {
    UInt::new_saturating(number as u64)
}

fn groups(wanted: &[Grouping], found: &[FoundEvent]) -> ResultGroupMapsByGroupingKey {
    let mut groups = ResultGroupMapsByGroupingKey::new();
    for key in wanted.iter().filter_map(|grouping| grouping.key.as_ref()) {
        match key {
            GroupingKey::RoomId => {
                groups.insert(ResultGroupMap::RoomId(group(found, |found| &found.room_id)));
            }
            GroupingKey::Sender => {
                groups.insert(ResultGroupMap::Sender(group(found, |found| &found.sender)));
            }
            // A way of grouping that isn't known has no groups.
            _ => {}
        }
    }
    groups
}

fn group<K: Clone + Ord>(found: &[FoundEvent], key: impl Fn(&FoundEvent) -> &K) -> BTreeMap<K, ResultGroup> {
    let mut groups: BTreeMap<K, ResultGroup> = BTreeMap::new();
    for found in found {
        let order = uint(groups.len());
        let group = groups.entry(key(found).clone()).or_default();
        group.order.get_or_insert(order);
        group.results.push(found.event_id.clone());
    }
    groups
}

fn result(found: FoundEvent) -> SearchResult {
    let mut result = SearchResult::new();
    result.rank = Some(found.rank);
    result.result = Some(Raw::from_json(found.event));
    let Some(context) = found.context else {
        return result;
    };
    let mut around = EventContextResult::new();
    around.start = Some(context.start.to_string());
    around.end = Some(context.end.to_string());
    around.events_before = context.before.into_iter().map(Raw::from_json).collect();
    around.events_after = context.after.into_iter().map(Raw::from_json).collect();
    around.profile_info = context
        .profiles
        .into_iter()
        .map(|(user_id, (name, picture))| {
            let mut profile = UserProfile::new();
            profile.displayname = name;
            profile.avatar_url = picture.map(Into::into);
            (user_id, profile)
        })
        .collect();
    result.context = around;
    result
}
