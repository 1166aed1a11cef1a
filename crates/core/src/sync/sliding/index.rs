//! The rooms of a user in the order of their activity, and the windows that lists open on them.
//!
//! An index lives as long as its connection and follows the stream: a request only touches the rooms with news. It
//! shares its inside with the copy that a repeated request may still need.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use imbl::OrdSet;
use rohrpost_store::{ListedRoom, RoomNid, StreamPos};
use ruma::events::room::member::MembershipState;

use super::config::{Asked, List, RoomConfig};
use crate::personal::ignored::Ignored;

/// How the user stands to a room in their list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Joined,
    Invited,
    Knocking,
    /// Somebody else sent them out.
    Out,
}

/// What a room is sorted and chosen by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) standing: Standing,
    recency: StreamPos,
    kind: Option<Arc<str>>,
    is_encrypted: bool,
}

impl Entry {
    /// `None`: the room isn't in the list. `blocks`: the user takes no invitations.
    pub(crate) fn of(room: &ListedRoom, ignored: &Ignored, blocks: bool) -> Option<Self> {
        let member = &room.member;
        let standing = match member.membership {
            _ if member.forgotten => return None,
            MembershipState::Join => Standing::Joined,
            // "Servers must not send room invites from ignored users to clients."
            MembershipState::Invite if blocks || ignored.contains(&member.sender) => return None,
            MembershipState::Invite => Standing::Invited,
            MembershipState::Knock => Standing::Knocking,
            _ if member.sender == member.user_id => return None,
            _ => Standing::Out,
        };
        let is_inside = standing == Standing::Joined;
        Some(Self {
            standing,
            // What happens in a room is for those inside.
            recency: if is_inside { room.last_pos } else { member.pos },
            kind: room.kind.as_deref().map(Arc::from),
            is_encrypted: room.ever_encrypted,
        })
    }
}

/// The rooms of a user, newest activity first.
#[derive(Clone, Default)]
pub(crate) struct Index {
    order: OrdSet<(Reverse<StreamPos>, RoomNid)>,
    rooms: imbl::HashMap<RoomNid, Entry>,
}

impl Index {
    pub(crate) fn get(&self, room: RoomNid) -> Option<&Entry> {
        self.rooms.get(&room)
    }

    pub(crate) fn rooms(&self) -> impl Iterator<Item = RoomNid> {
        self.rooms.keys().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Sets or removes a room; answers what it was.
    pub(crate) fn put(&mut self, room: RoomNid, entry: Option<Entry>) -> Option<Entry> {
        let old = match entry {
            Some(entry) => {
                self.order.insert((Reverse(entry.recency), room));
                let recency = entry.recency;
                let old = self.rooms.insert(room, entry);
                if old.as_ref().is_some_and(|old| old.recency == recency) {
                    return old;
                }
                old
            }
            None => self.rooms.remove(&room),
        };
        if let Some(old) = &old {
            self.order.remove(&(Reverse(old.recency), room));
        }
        old
    }
}

/// What the account data of the user and the state of spaces say about rooms.
#[derive(Default)]
pub(crate) struct Marks {
    pub(crate) dms: Arc<BTreeSet<RoomNid>>,
    /// By room. Only there when a list asks for tags.
    pub(crate) tags: HashMap<RoomNid, Vec<String>>,
    /// By the name of the list that names spaces.
    pub(crate) children: HashMap<String, HashSet<RoomNid>>,
}

/// Whether a list wants a room, in its window or not.
pub(crate) fn is_listed(asked: &Asked, room: RoomNid, entry: &Entry, marks: &Marks) -> bool {
    let mut lists = asked.lists.iter();
    lists.any(|(name, list)| passes(name, list, room, entry, marks))
}

fn passes(name: &str, list: &List, room: RoomNid, entry: &Entry, marks: &Marks) -> bool {
    let filters = &list.filters;
    let is = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
    let kind = entry.kind.as_deref();
    let tags = marks.tags.get(&room).map_or(&[][..], Vec::as_slice);
    let has_tag = |wanted: &[String]| wanted.iter().any(|tag| tags.contains(tag));
    is(filters.is_dm, marks.dms.contains(&room))
        && is(filters.is_encrypted, entry.is_encrypted)
        && is(filters.is_invited, entry.standing == Standing::Invited)
        && filters
            .room_types
            .as_ref()
            .is_none_or(|types| types.iter().any(|wanted| wanted.as_deref() == kind))
        && !filters
            .not_room_types
            .iter()
            .any(|unwanted| unwanted.as_deref() == kind)
        && filters.tags.as_ref().is_none_or(|wanted| has_tag(wanted))
        && !has_tag(&filters.not_tags)
        && (filters.spaces.is_none()
            || marks
                .children
                .get(name)
                .is_some_and(|children| children.contains(&room)))
}

/// What one list shows.
#[derive(Clone, Default)]
pub(crate) struct Window {
    /// How many rooms pass its filters.
    pub(crate) count: u64,
    /// Those in its ranges; `None`: all that pass.
    part: Option<Arc<HashSet<RoomNid>>>,
}

/// What all lists of a request show.
#[derive(Clone, Default)]
pub(crate) struct Windows(Vec<Window>);

/// A room whose entry changed: before and now.
pub(crate) type Change = (RoomNid, Option<Entry>, Option<Entry>);

impl Windows {
    /// Opens all windows anew.
    pub(crate) fn open(asked: &Asked, index: &Index, marks: &Marks) -> Self {
        let windows = asked.lists.iter().map(|(name, list)| {
            let rooms = index.rooms.iter();
            let count = rooms
                .filter(|(room, entry)| passes(name, list, **room, entry, marks))
                .count();
            Window::of(name, list, u64::try_from(count).unwrap_or(u64::MAX), index, marks)
        });
        Self(windows.collect())
    }

    /// Moves the windows after some rooms changed. Costs as much as the changes and the parts that don't show all.
    /// `false`: a window shows all where it did not, so that any room may have come into sight.
    pub(crate) fn follow(&mut self, asked: &Asked, index: &Index, marks: &Marks, changes: &[Change]) -> bool {
        let mut is_followed = true;
        for (window, (name, list)) in self.0.iter_mut().zip(&asked.lists) {
            for (room, before, now) in changes {
                let counts = |entry: &Option<Entry>| {
                    entry
                        .as_ref()
                        .is_some_and(|entry| passes(name, list, *room, entry, marks))
                };
                match (counts(before), counts(now)) {
                    (false, true) => window.count += 1,
                    (true, false) => window.count = window.count.saturating_sub(1),
                    _ => {}
                }
            }
            let moved = Window::of(name, list, window.count, index, marks);
            is_followed &= moved.part.is_some() || window.part.is_none();
            *window = moved;
        }
        is_followed
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|window| window.count)
    }

    /// The rooms in windows that don't show all.
    pub(crate) fn parts(&self) -> impl Iterator<Item = RoomNid> {
        let parts = self.0.iter().filter_map(|window| window.part.as_deref());
        parts.flatten().copied()
    }

    /// In which lists a room is shown: one bit for each.
    pub(crate) fn lists_of(&self, asked: &Asked, room: RoomNid, entry: &Entry, marks: &Marks) -> u128 {
        let mut mask = 0;
        for (number, (window, (name, list))) in self.0.iter().zip(&asked.lists).enumerate() {
            let is_shown = match &window.part {
                Some(part) => part.contains(&room),
                None => passes(name, list, room, entry, marks),
            };
            mask |= u128::from(is_shown) << number;
        }
        mask
    }
}

impl Window {
    fn of(name: &str, list: &List, count: u64, index: &Index, marks: &Marks) -> Self {
        let Some(ranges) = &list.ranges else {
            return Self { count, part: None };
        };
        if ranges
            .iter()
            .any(|(first, last)| *first == 0 && *last >= count.saturating_sub(1))
        {
            return Self { count, part: None };
        }
        let end = ranges.iter().map(|(_, last)| *last).max();
        let mut part = HashSet::new();
        let mut place = 0;
        for (_, room) in &index.order {
            if end.is_none_or(|end| place > end) {
                break;
            }
            let Some(entry) = index.get(*room) else { continue };
            if passes(name, list, *room, entry, marks) {
                if ranges
                    .iter()
                    .any(|(first, last)| (*first..=*last).contains(&place))
                {
                    part.insert(*room);
                }
                place += 1;
            }
        }
        Self {
            count,
            part: Some(Arc::new(part)),
        }
    }
}

/// What is wanted of rooms, by the lists that show them.
pub(crate) struct Configs<'a> {
    asked: &'a Asked,
    by_lists: HashMap<u128, Option<Arc<RoomConfig>>>,
}

impl<'a> Configs<'a> {
    pub(crate) fn new(asked: &'a Asked) -> Self {
        Self {
            asked,
            by_lists: HashMap::new(),
        }
    }

    /// What all rules together want of a room; `None`: nothing.
    pub(crate) fn of(
        &mut self,
        lists: u128,
        subscription: Option<&Arc<RoomConfig>>,
    ) -> Option<Arc<RoomConfig>> {
        let asked = self.asked;
        let of_lists = self.by_lists.entry(lists).or_insert_with(|| {
            let chosen = asked.lists.values().enumerate();
            let chosen = chosen.filter(|(number, _)| lists >> number & 1 == 1);
            chosen
                .map(|(_, list)| Arc::clone(&list.config))
                .reduce(|one, other| {
                    if one == other {
                        one
                    } else {
                        Arc::new(one.join(&other))
                    }
                })
        });
        match (&*of_lists, subscription) {
            (Some(of_lists), Some(subscription)) => Some(Arc::new(of_lists.join(subscription))),
            (Some(config), None) | (None, Some(config)) => Some(Arc::clone(config)),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rohrpost_store::{RoomNid, StreamPos};

    use super::{Change, Entry, Index, Marks, Standing, Windows};
    use crate::sync::sliding::config::{Asked, List, ListFilters};

    fn entry(recency: i64, is_encrypted: bool) -> Entry {
        Entry {
            standing: Standing::Joined,
            recency: StreamPos(recency),
            kind: None,
            is_encrypted,
        }
    }

    /// Name, range and encryption of a list.
    type Wanted = (&'static str, Option<(u64, u64)>, Option<bool>);

    fn asked(lists: &[Wanted]) -> Asked {
        let lists = lists.iter().map(|(name, range, is_encrypted)| {
            let list = List {
                ranges: range.map(|range| vec![range]),
                filters: ListFilters {
                    is_encrypted: *is_encrypted,
                    ..ListFilters::default()
                },
                ..List::default()
            };
            ((*name).to_owned(), list)
        });
        Asked {
            lists: BTreeMap::from_iter(lists),
            ..Asked::default()
        }
    }

    fn shown(windows: &Windows, asked: &Asked, index: &Index, list: u32) -> Vec<i64> {
        let mut rooms: Vec<_> = (0..20)
            .filter(|nid| {
                let room = RoomNid(*nid);
                let entry = index.get(room);
                entry.is_some_and(|entry| {
                    windows.lists_of(asked, room, entry, &Marks::default()) >> list & 1 == 1
                })
            })
            .collect();
        rooms.sort_unstable();
        rooms
    }

    #[test]
    fn a_window_shows_the_newest_rooms_that_pass() {
        let mut index = Index::default();
        for number in 0..10 {
            index.put(RoomNid(number), Some(entry(number, number % 2 == 0)));
        }
        let asked = asked(&[
            ("all", None, None),
            ("encrypted", Some((0, 1)), Some(true)),
            ("top", Some((1, 2)), None),
        ]);
        let windows = Windows::open(&asked, &index, &Marks::default());
        assert_eq!(windows.counts().collect::<Vec<_>>(), [10, 5, 10]);
        assert_eq!(shown(&windows, &asked, &index, 0).len(), 10);
        assert_eq!(shown(&windows, &asked, &index, 1), [6, 8]);
        assert_eq!(shown(&windows, &asked, &index, 2), [7, 8]);
    }

    #[test]
    fn windows_that_follow_changes_are_as_if_opened_anew() {
        let mut index = Index::default();
        for number in 0..8 {
            index.put(RoomNid(number), Some(entry(number, number % 3 == 0)));
        }
        let asked = asked(&[
            ("all", Some((0, 100)), None),
            ("encrypted", Some((0, 2)), Some(true)),
            ("top", Some((0, 3)), None),
        ]);
        let mut windows = Windows::open(&asked, &index, &Marks::default());
        let steps: [(i64, Option<Entry>); 6] = [
            (0, Some(entry(20, false))),
            (9, Some(entry(21, true))),
            (3, None),
            (6, None),
            (1, Some(entry(22, true))),
            (17, None),
        ];
        for (number, new) in steps {
            let room = RoomNid(number);
            let old = index.put(room, new.clone());
            let change: Change = (room, old, new);
            windows.follow(&asked, &index, &Marks::default(), &[change]);
            let anew = Windows::open(&asked, &index, &Marks::default());
            assert!(windows.counts().eq(anew.counts()), "{number}");
            for list in 0..3 {
                assert_eq!(
                    shown(&windows, &asked, &index, list),
                    shown(&anew, &asked, &index, list),
                    "{number} {list}"
                );
            }
        }
    }

    #[test]
    fn a_window_that_comes_to_show_all_says_so() {
        let mut index = Index::default();
        index.put(RoomNid(1), Some(entry(1, false)));
        index.put(RoomNid(2), Some(entry(2, false)));
        let asked = asked(&[("one", Some((0, 0)), None)]);
        let mut windows = Windows::open(&asked, &index, &Marks::default());
        let old = index.put(RoomNid(2), None);
        assert!(!windows.follow(&asked, &index, &Marks::default(), &[(RoomNid(2), old, None)]));
        assert!(windows.follow(&asked, &index, &Marks::default(), &[]));
    }
}
