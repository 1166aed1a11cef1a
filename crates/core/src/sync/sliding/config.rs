//! What a client wants to see of which rooms. Pure.

use std::{collections::BTreeMap, sync::Arc};

use ruma::OwnedRoomId;

/// Which state events are meant: of a type, at a state key; `None`: any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatePattern {
    /// The type.
    pub kind: Option<String>,
    /// The state key.
    pub key: Option<String>,
}

impl StatePattern {
    fn matches(&self, kind: &str, key: &str) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.key.as_deref().is_none_or(|wanted| wanted == key)
    }
}

/// Which part of a room's state is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequiredState {
    /// What is wanted.
    pub include: Vec<StatePattern>,
    /// What of it isn't.
    pub exclude: Vec<StatePattern>,
    /// Those member events that the timeline speaks of.
    pub lazy_members: bool,
}

impl RequiredState {
    fn wants(&self, kind: &str, key: &str) -> bool {
        self.include.iter().any(|pattern| pattern.matches(kind, key))
            && !self.exclude.iter().any(|pattern| pattern.matches(kind, key))
    }
}

/// What is wanted of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoomConfig {
    /// Events of the timeline at most.
    pub timeline_limit: u32,
    /// Its state: what any of these wants.
    pub required: Vec<Arc<RequiredState>>,
}

impl RoomConfig {
    pub(crate) fn wants(&self, kind: &str, key: &str) -> bool {
        self.required.iter().any(|required| required.wants(kind, key))
    }

    pub(crate) fn is_lazy(&self) -> bool {
        self.required.iter().any(|required| required.lazy_members)
    }

    /// Everything that one of the two wants.
    pub(crate) fn join(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        joined.timeline_limit = joined.timeline_limit.max(other.timeline_limit);
        for required in &other.required {
            if !joined.required.contains(required) {
                joined.required.push(Arc::clone(required));
            }
        }
        joined
    }

    /// Whether more state may be wanted than by `before`.
    pub(crate) fn adds_state(&self, before: &Self) -> bool {
        self.required
            .iter()
            .any(|required| !before.required.contains(required))
    }
}

/// Which rooms belong into a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListFilters {
    /// Rooms for two, as `m.direct` has them.
    pub is_dm: Option<bool>,
    /// Encrypted rooms.
    pub is_encrypted: Option<bool>,
    /// Invitations.
    pub is_invited: Option<bool>,
    /// Types of rooms; `None` in it: rooms without a type.
    pub room_types: Option<Vec<Option<String>>>,
    /// Types of rooms that aren't wanted.
    pub not_room_types: Vec<Option<String>>,
    /// Rooms with one of these tags.
    pub tags: Option<Vec<String>>,
    /// Rooms with none of these tags.
    pub not_tags: Vec<String>,
    /// Rooms in one of these spaces.
    pub spaces: Option<Vec<OwnedRoomId>>,
}

/// A window on the rooms of the user, newest activity first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// First and last place, both inclusive, counted from zero; `None`: all.
    pub ranges: Option<Vec<(u64, u64)>>,
    /// Which rooms are in it.
    pub filters: ListFilters,
    /// What is wanted of them.
    pub config: Arc<RoomConfig>,
}

/// Which rooms are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Windows on the user's rooms, by name; at most 100.
    pub lists: BTreeMap<String, List>,
    /// Single rooms.
    pub subscriptions: BTreeMap<OwnedRoomId, Arc<RoomConfig>>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{RequiredState, RoomConfig, StatePattern};

    fn pattern(kind: Option<&str>, key: Option<&str>) -> StatePattern {
        StatePattern {
            kind: kind.map(str::to_owned),
            key: key.map(str::to_owned),
        }
    }

    fn config(timeline_limit: u32, include: Vec<StatePattern>, exclude: Vec<StatePattern>) -> RoomConfig {
        RoomConfig {
            timeline_limit,
            required: vec![Arc::new(RequiredState {
                include,
                exclude,
                lazy_members: false,
            })],
        }
    }

    #[test]
    fn a_missing_part_of_a_pattern_stands_for_anything() {
        let config = config(
            1,
            vec![
                pattern(Some("m.room.name"), Some("")),
                pattern(None, Some("@a:x")),
            ],
            vec![pattern(Some("m.secret"), None)],
        );
        assert!(config.wants("m.room.name", "") && config.wants("m.room.member", "@a:x"));
        assert!(!config.wants("m.room.name", "x") && !config.wants("m.room.member", "@b:x"));
        assert!(!config.wants("m.secret", "@a:x"));
    }

    #[test]
    fn what_two_rules_want_together_is_what_either_wants() {
        let names = config(1, vec![pattern(Some("m.room.name"), None)], Vec::new());
        let all_but_names = config(
            20,
            vec![pattern(None, None)],
            vec![pattern(Some("m.room.name"), None)],
        );
        let both = names.join(&all_but_names);
        assert_eq!(both.timeline_limit, 20);
        assert!(both.wants("m.room.name", "") && both.wants("m.room.topic", ""));
        assert!(both.adds_state(&names) && !names.adds_state(&both));
        assert_eq!(both, both.join(&names));
    }
}
