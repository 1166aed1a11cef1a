//! Who is in which room.

use rohrpost_store::{EventNid, NewMembership, Result, RoomNid, RoomRow, Tx};
use ruma::{OwnedUserId, UserId, events::room::member::MembershipState};

use crate::support::{alice, bob, event_id, on_both, pos, room, room_id, tx, user};

pub(crate) async fn join(tx: &mut Tx<'_>, room: RoomNid, user_id: &UserId, at: i64) -> Result<()> {
    put(tx, room, user_id, &MembershipState::Join, at).await
}

/// A membership by an event of the user's own at position `at`; users of `example.org` are local.
pub(crate) async fn put(
    tx: &mut Tx<'_>,
    room: RoomNid,
    user_id: &UserId,
    membership: &MembershipState,
    at: i64,
) -> Result<()> {
    let is_local = user_id.server_name() == "example.org";
    let (event, sender, pos) = (EventNid(at), user_id, pos(at));
    tx.membership_put(
        room,
        &NewMembership {
            user_id,
            membership,
            event,
            sender,
            pos,
            is_direct: false,
            is_local,
        },
    )
    .await
}

#[test]
fn since_moves_when_the_membership_changes_and_not_with_a_new_name() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, alice) = (room(tx, "a").await?, alice());
            assert!(tx.membership_get(&alice, a).await?.is_none());
            for (membership, at, since) in [
                (MembershipState::Invite, 1, 1),
                (MembershipState::Join, 2, 2),
                (MembershipState::Join, 3, 2),
                (MembershipState::Leave, 4, 4),
                (MembershipState::Leave, 5, 4),
                (MembershipState::Ban, 6, 6),
                (MembershipState::Leave, 7, 7),
                (MembershipState::Knock, 8, 8),
                (MembershipState::Join, 9, 9),
            ] {
                put(tx, a, &alice, &membership, at).await?;
                let found = tx.membership_get(&alice, a).await?.unwrap();
                assert_eq!(
                    (found.user_id, found.room, found.membership),
                    (alice.clone(), a, membership)
                );
                assert_eq!(
                    (found.event, found.pos, found.since),
                    (EventNid(at), pos(at), pos(since))
                );
                assert_eq!(found.sender, alice);
            }
        });
    });
}

#[test]
fn forgotten_is_cleared_by_whatever_brings_the_room_back() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, alice) = (room(tx, "a").await?, alice());
            assert!(!tx.membership_forget(&alice, a).await?, "never was there");
            for membership in [
                MembershipState::Invite,
                MembershipState::Knock,
                MembershipState::Join,
            ] {
                put(tx, a, &alice, &membership, 1).await?;
                assert!(!tx.membership_forget(&alice, a).await?);
                assert!(!tx.membership_get(&alice, a).await?.unwrap().forgotten);
            }
            put(tx, a, &alice, &MembershipState::Leave, 2).await?;
            assert!(!tx.membership_get(&alice, a).await?.unwrap().forgotten);
            assert!(tx.membership_forget(&alice, a).await?);
            assert!(tx.membership_forget(&alice, a).await?, "twice is the same");
            for membership in [MembershipState::Leave, MembershipState::Ban] {
                put(tx, a, &alice, &membership, 3).await?;
                assert!(
                    tx.membership_get(&alice, a).await?.unwrap().forgotten,
                    "out is out"
                );
            }
            join(tx, a, &alice, 4).await?;
            assert!(!tx.membership_get(&alice, a).await?.unwrap().forgotten);
        });
    });
}

#[test]
fn memberships_are_listed_by_user() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            let mut rooms = Vec::new();
            for (at, (name, membership)) in (1..).zip([
                ("a", MembershipState::Join),
                ("b", MembershipState::Leave),
                ("c", MembershipState::Join),
                ("d", MembershipState::Invite),
            ]) {
                let nid = room(tx, name).await?;
                put(tx, nid, &alice, &membership, at).await?;
                join(tx, nid, &bob(), at).await?;
                rooms.push(nid);
            }
            let sorted = |rows: Vec<rohrpost_store::MemberRow>| {
                let mut rooms: Vec<_> = rows.iter().map(|row| row.room).collect();
                rooms.sort();
                rooms
            };
            assert_eq!(sorted(tx.membership_list(&alice).await?), rooms);
            let joined = tx.membership_list_of(&alice, &MembershipState::Join).await?;
            assert_eq!(sorted(joined), [rooms[0], rooms[2]]);
            let changed = tx.membership_list_changed(&alice, pos(1), pos(3)).await?;
            assert_eq!(sorted(changed), [rooms[1], rooms[2]]);
            assert!(tx.membership_list(&user("nobody")).await?.is_empty());
        });
    });
}

#[test]
fn active_rooms_have_events_after_a_position() {
    on_both(async |db| {
        tx!(db, |tx| {
            let mut rooms = Vec::new();
            for (number, name) in (1..).zip(["a", "b", "c", "d"]) {
                let nid = room(tx, name).await?;
                let head = tx.room_lock(&room_id(name)).await?.unwrap();
                let head = RoomRow {
                    last_pos: pos(number),
                    ..head
                };
                tx.room_advance(&head, EventNid(number), &event_id(number))
                    .await?;
                rooms.push(nid);
            }
            for nid in &rooms[..3] {
                join(tx, *nid, &alice(), 1).await?;
            }
            put(tx, rooms[3], &alice(), &MembershipState::Invite, 1).await?;
            let mut active = tx.membership_rooms_active(&alice(), pos(1)).await?;
            active.sort();
            assert_eq!(active, rooms[1..3]);
            assert!(tx.membership_rooms_active(&alice(), pos(3)).await?.is_empty());
        });
    });
}

#[test]
fn members_are_listed_by_room() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let stranger: OwnedUserId = "@c:elsewhere.org".try_into().unwrap();
            for name in ["a_b", "ab", "a-b"] {
                join(tx, a, &user(name), 1).await?;
            }
            join(tx, a, &stranger, 1).await?;
            put(tx, a, &bob(), &MembershipState::Leave, 1).await?;
            join(tx, b, &bob(), 1).await?;
            assert_eq!(tx.membership_list_in(a, &MembershipState::Join).await?.len(), 4);
            assert_eq!(tx.membership_count(a, &MembershipState::Join).await?, 4);
            assert_eq!(tx.membership_count(a, &MembershipState::Leave).await?, 1);
            assert_eq!(tx.membership_count(a, &MembershipState::Ban).await?, 0);
            let local = tx.membership_local_joined(a).await?;
            assert_eq!(
                local,
                [user("a-b"), user("a_b"), user("ab")],
                "in order, without strangers"
            );
        });
    });
}

#[test]
fn heroes_are_those_who_came_first() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for (name, membership, at) in [
                ("z", MembershipState::Join, 1),
                ("b", MembershipState::Join, 2),
                ("a", MembershipState::Invite, 2),
                ("me", MembershipState::Join, 1),
                ("gone", MembershipState::Leave, 1),
                ("banned", MembershipState::Ban, 1),
            ] {
                put(tx, a, &user(name), &membership, at).await?;
            }
            let me = user("me");
            assert_eq!(
                tx.membership_heroes(a, &me, 5).await?,
                [user("z"), user("a"), user("b")]
            );
            assert_eq!(tx.membership_heroes(a, &me, 1).await?, [user("z")]);
            assert_eq!(
                tx.membership_former_heroes(a, &me, 5).await?,
                [user("banned"), user("gone")]
            );
            assert_eq!(
                tx.membership_former_heroes(a, &user("gone"), 5).await?,
                [user("banned")]
            );
        });
    });
}

#[test]
fn sharing_a_room_means_both_are_joined() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let stranger: OwnedUserId = "@c:elsewhere.org".try_into().unwrap();
            for nid in [a, b] {
                join(tx, nid, &alice(), 1).await?;
                join(tx, nid, &bob(), 1).await?;
            }
            join(tx, a, &stranger, 1).await?;
            put(tx, a, &user("left"), &MembershipState::Leave, 1).await?;
            put(tx, b, &user("invited"), &MembershipState::Invite, 1).await?;
            let mut sharing = tx.membership_local_sharing(&alice()).await?;
            sharing.sort();
            assert_eq!(sharing, [alice(), bob()], "local ones, each once, with oneself");
            let mut sharing = tx.membership_local_sharing(&stranger).await?;
            sharing.sort();
            assert_eq!(sharing, [alice(), bob()]);
            assert!(tx.membership_is_sharing(&alice(), &stranger).await?);
            assert!(tx.membership_is_sharing(&stranger, &alice()).await?);
            assert!(!tx.membership_is_sharing(&alice(), &user("left")).await?);
            assert!(!tx.membership_is_sharing(&user("invited"), &alice()).await?);
        });
    });
}

#[test]
fn somebody_is_in_one_of_some_rooms_only_while_joined() {
    on_both(async |db| {
        tx!(db, |tx| {
            room(tx, "a").await?;
            let b = room(tx, "b").await?;
            let (a_id, b_id) = (room_id("a"), room_id("b"));
            join(tx, b, &alice(), 5).await?;
            assert!(
                tx.membership_is_in_any(&alice(), &[a_id.clone(), b_id.clone()])
                    .await?
            );
            assert!(!tx.membership_is_in_any(&alice(), &[a_id]).await?);
            assert!(!tx.membership_is_in_any(&alice(), &[]).await?);
            put(tx, b, &alice(), &MembershipState::Leave, 6).await?;
            assert!(!tx.membership_is_in_any(&alice(), &[b_id]).await?);
        });
    });
}

#[test]
fn joined_rooms_are_listed_by_what_happened_last() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (name, last) in [("a", 1), ("b", 3), ("c", 2)] {
                let nid = room(tx, name).await?;
                join(tx, nid, &alice(), 1).await?;
                let mut row = tx.room_get(&room_id(name)).await?.unwrap();
                row.last_pos = pos(last);
                tx.room_advance(&row, EventNid(last), &event_id(last)).await?;
            }
            let left = room(tx, "left").await?;
            put(tx, left, &alice(), &MembershipState::Leave, 4).await?;
            let rooms = tx.membership_list_recent(&alice(), 2).await?;
            let rooms: Vec<_> = rooms.into_iter().map(|(_, room)| room).collect();
            assert_eq!(rooms, [room_id("b"), room_id("c")]);
        });
    });
}

#[test]
fn how_many_stand_to_a_room_is_asked_at_once() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            join(tx, a, &alice(), 1).await?;
            join(tx, a, &bob(), 2).await?;
            join(tx, b, &user("carol"), 3).await?;
            put(tx, a, &user("dave"), &MembershipState::Leave, 4).await?;
            let (bob, carol, dave) = (bob(), user("carol"), user("dave"));
            let found = tx.membership_get_each(a, &[&dave, &carol, &bob]).await?;
            let users: Vec<_> = found.iter().map(|member| member.user_id.clone()).collect();
            assert_eq!(users, [dave.clone(), bob.clone()]);
            let others = [bob.clone(), carol, dave];
            assert_eq!(tx.membership_sharing_each(&alice(), &others).await?, [bob]);
        });
    });
}
