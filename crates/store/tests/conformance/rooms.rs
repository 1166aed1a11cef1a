//! Rooms and our signing keys.

use rohrpost_store::{EventNid, Listing, NewRoom, RoomRow, SigningKeyRow, StateNid, StoreError};
use ruma::{RoomVersionId, events::room::member::MembershipState};

use crate::{
    memberships::join,
    support::{event_id, on_both, pos, read, room, room_id, try_tx, tx, user},
};

#[test]
fn a_new_room_has_no_events() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(tx.room_get(&room_id("a")).await?.is_none());
            assert!(tx.room_lock(&room_id("a")).await?.is_none());
            let (version, kind) = (RoomVersionId::V11, Some("m.space".to_owned()));
            let new = NewRoom {
                room_id: room_id("a"),
                version,
                kind,
                is_public: true,
            };
            let nid = tx.room_insert(&new).await?;
            for found in [
                tx.room_get(&room_id("a")).await?.unwrap(),
                tx.room_get_by_nid(nid).await?.unwrap(),
                tx.room_lock(&room_id("a")).await?.unwrap(),
            ] {
                assert_eq!(
                    (found.nid, &found.room_id, &found.version),
                    (nid, &new.room_id, &RoomVersionId::V11)
                );
                assert_eq!((found.kind.as_deref(), found.is_public), (Some("m.space"), true));
                assert_eq!((found.tag, found.state, found.depth), (0, StateNid(0), 0));
                assert_eq!((found.last_pos, found.ever_encrypted), (pos(0), false));
            }
            assert_ne!(room(tx, "b").await?, nid);
            assert!(tx.room_extremities(nid).await?.is_empty());
        });
    });
}

#[test]
fn a_room_id_is_taken_once() {
    on_both(async |db| {
        let nid = tx!(db, |tx| room(tx, "a").await?);
        let again = try_tx!(db, |tx| room(tx, "a").await);
        assert!(
            matches!(again, Err(StoreError::Sqlite(_) | StoreError::Postgres(_))),
            "{again:?}"
        );
        assert_eq!(
            read!(db, |tx| tx.room_get(&room_id("a")).await?.unwrap().nid),
            nid
        );
    });
}

#[test]
fn a_room_advances_behind_its_newest_event() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let other = tx.room_get_by_nid(b).await?.unwrap();
            tx.room_advance(&other, EventNid(9), &event_id(9)).await?;
            for number in 1..=3 {
                let head = tx.room_lock(&room_id("a")).await?.unwrap();
                let (last_pos, state) = (pos(number), StateNid(number * 100));
                let head = RoomRow {
                    tag: -number,
                    depth: number,
                    last_pos,
                    state,
                    ..head
                };
                tx.room_advance(&head, EventNid(number), &event_id(number))
                    .await?;
            }
            let head = tx.room_get_by_nid(a).await?.unwrap();
            assert_eq!(
                (head.tag, head.depth, head.last_pos, head.state),
                (-3, 3, pos(3), StateNid(300))
            );
            assert_eq!(tx.room_extremities(a).await?, [(EventNid(3), event_id(3))]);
            assert_eq!(tx.room_extremities(b).await?, [(EventNid(9), event_id(9))]);
        });
    });
}

#[test]
fn a_room_that_was_encrypted_stays_so() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for (said, kept) in [(false, false), (true, true), (false, true)] {
                let head = tx.room_get_by_nid(a).await?.unwrap();
                tx.room_advance(
                    &RoomRow {
                        ever_encrypted: said,
                        ..head
                    },
                    EventNid(1),
                    &event_id(1),
                )
                .await?;
                assert_eq!(tx.room_get_by_nid(a).await?.unwrap().ever_encrypted, kept);
            }
        });
    });
}

#[test]
fn listed_rooms_come_largest_first() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (name, members, is_public) in
                [("a", 1, true), ("b", 3, true), ("c", 1, true), ("d", 5, false)]
            {
                let nid = room(tx, name).await?;
                tx.room_set_public(nid, is_public).await?;
                for number in 0..members {
                    join(tx, nid, &user(&format!("u{number}")), 1).await?;
                }
                // Somebody who isn't there doesn't count.
                crate::memberships::put(tx, nid, &user("invited"), &MembershipState::Invite, 1).await?;
            }
            let names = |list: Vec<(RoomRow, i64)>| {
                list.iter()
                    .map(|(room, joined)| (room.room_id.to_string(), *joined))
                    .collect::<Vec<_>>()
            };
            let expected =
                [("b", 3), ("a", 1), ("c", 1)].map(|(name, joined)| (room_id(name).to_string(), joined));
            assert_eq!(names(tx.room_list_public(Listing::Own, 0, 10).await?), expected);
            assert_eq!(
                names(tx.room_list_public(Listing::Own, 1, 1).await?),
                expected[1..2]
            );
            assert!(tx.room_list_public(Listing::Own, 3, 10).await?.is_empty());
        });
    });
}

#[test]
fn the_newest_key_signs() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert!(tx.signing_key_current().await?.is_none());
            for (key_id, created_ts) in [("ed25519:b", 5), ("ed25519:a", 5), ("ed25519:old", 4)] {
                let key = SigningKeyRow {
                    key_id: key_id.to_owned(),
                    seed: key_id.as_bytes().to_vec(),
                };
                tx.signing_key_insert(&key, created_ts).await?;
            }
            let key = tx.signing_key_current().await?.unwrap();
            assert_eq!(
                (key.key_id.as_str(), key.seed.as_slice()),
                ("ed25519:a", "ed25519:a".as_bytes())
            );
        });
    });
}
