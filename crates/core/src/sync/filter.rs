//! Filters: which events a client wants.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#filtering>

use rohrpost_room::Shape;
use rohrpost_store::EventRow;
use ruma::{
    OwnedRoomId, OwnedUserId, RoomId,
    api::client::filter::{EventFormat, Filter, FilterDefinition, RoomEventFilter, RoomFilter, UrlFilter},
};

/// The format in which a filter wants events.
pub(crate) fn shape(filter: &FilterDefinition) -> Shape {
    match filter.event_format {
        EventFormat::Federation => Shape::Federation,
        _ => Shape::Timeline,
    }
}

/// The part of a filter that looks at single events.
#[derive(Clone, Copy)]
pub(crate) struct EventFilter<'a> {
    types: Option<&'a [String]>,
    not_types: &'a [String],
    senders: Option<&'a [OwnedUserId]>,
    not_senders: &'a [OwnedUserId],
    url: Option<&'a UrlFilter>,
    /// The filter is for other rooms: nothing passes.
    is_elsewhere: bool,
}

impl<'a> EventFilter<'a> {
    pub(crate) fn of_room_events(filter: &'a RoomEventFilter) -> Self {
        Self {
            types: filter.types.as_deref(),
            not_types: &filter.not_types,
            senders: filter.senders.as_deref(),
            not_senders: &filter.not_senders,
            url: filter.url_filter.as_ref(),
            is_elsewhere: false,
        }
    }

    /// The same, for events of one room that the filter may leave out as a whole.
    pub(crate) fn of_room_events_in(filter: &'a RoomEventFilter, room_id: &RoomId) -> Self {
        Self {
            is_elsewhere: !lists_room(filter.rooms.as_deref(), &filter.not_rooms, room_id),
            ..Self::of_room_events(filter)
        }
    }

    pub(crate) fn of_events(filter: &'a Filter) -> Self {
        Self {
            types: filter.types.as_deref(),
            not_types: &filter.not_types,
            senders: filter.senders.as_deref(),
            not_senders: &filter.not_senders,
            url: None,
            is_elsewhere: false,
        }
    }

    /// Whether events of this type pass.
    pub(crate) fn allows_type(&self, kind: &str) -> bool {
        !self.is_elsewhere
            && self
                .types
                .is_none_or(|types| types.iter().any(|pattern| matches(pattern, kind)))
            && !self.not_types.iter().any(|pattern| matches(pattern, kind))
    }

    /// Whether events of this type by this user pass.
    pub(crate) fn allows_sent(&self, kind: &str, sender: &OwnedUserId) -> bool {
        self.allows_type(kind)
            && self.senders.is_none_or(|senders| senders.contains(sender))
            && !self.not_senders.contains(sender)
    }

    /// Whether a stored event passes.
    pub(crate) fn allows(&self, row: &EventRow) -> bool {
        self.allows_sent(&row.kind, &row.sender)
            && self
                .url
                .is_none_or(|url| has_url(row) == (*url == UrlFilter::EventsWithUrl))
    }
}

/// "A '*' can be used as a wildcard to match any sequence of characters." Steps through the text once for each
/// part between wildcards, so that no pattern makes it slow.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn has_url(row: &EventRow) -> bool {
    #[derive(serde::Deserialize)]
    struct Event {
        content: Content,
    }
    #[derive(serde::Deserialize)]
    struct Content {
        url: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_str::<Event>(&row.json).is_ok_and(|event| event.content.url.is_some())
}

/// Whether a room passes the part of a filter that names rooms.
pub(crate) fn allows_room(filter: &RoomFilter, room_id: &RoomId) -> bool {
    lists_room(filter.rooms.as_deref(), &filter.not_rooms, room_id)
}

/// Whether a room passes lists of wanted and unwanted rooms.
pub(crate) fn lists_room(rooms: Option<&[OwnedRoomId]>, not_rooms: &[OwnedRoomId], room_id: &RoomId) -> bool {
    rooms.is_none_or(|rooms| rooms.iter().any(|room| room == room_id))
        && !not_rooms.iter().any(|room| room == room_id)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn wildcards_stand_for_any_characters() {
        for (pattern, text) in [
            ("m.room.*", "m.room.member"),
            ("*", ""),
            ("*.member", "m.room.member"),
            ("m.*.m*r", "m.room.member"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("m.room", "m.room.member"),
            ("m.room.*x", "m.room.member"),
            ("*a*b", "ba"),
            ("ab*ab", "ab"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
