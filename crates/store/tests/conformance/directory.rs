//! Aliases and the list of rooms.

use rohrpost_store::{EventNid, Listing};
use ruma::{RoomAliasId, events::StateEventType, room_alias_id};

use crate::support::{alice, bob, on_both, pos, put_event, room, room_id, tx};

#[test]
fn an_alias_points_to_one_room() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let alias = room_alias_id!("#here:example.org");
            assert!(tx.alias_get(alias).await?.is_none());
            assert!(tx.alias_insert(alias, a, &alice()).await?);
            assert!(!tx.alias_insert(alias, b, &bob()).await?);
            let found = tx.alias_get(alias).await?.unwrap();
            assert_eq!(
                (found.room, found.room_id, found.creator),
                (a, room_id("a"), alice())
            );
            for name in ["#b_c:example.org", "#B:example.org", "#b-d:example.org"] {
                tx.alias_insert(<&RoomAliasId>::try_from(name).unwrap(), a, &alice())
                    .await?;
            }
            let listed = tx.alias_list(a).await?;
            assert_eq!(
                listed,
                [
                    "#B:example.org",
                    "#b-d:example.org",
                    "#b_c:example.org",
                    "#here:example.org"
                ]
            );
            assert!(tx.alias_list(b).await?.is_empty());
            assert!(tx.alias_delete(alias).await?);
            assert!(!tx.alias_delete(alias).await?);
            assert!(tx.alias_get(alias).await?.is_none());
        });
    });
}

#[test]
fn the_directory_shows_current_state_of_many_rooms() {
    on_both(async |db| {
        tx!(db, |tx| {
            let kinds = ["m.room.name", "m.room.topic", "c", "d", "e", "f", "g", "h"];
            let (a, b, c) = (room(tx, "a").await?, room(tx, "b").await?, room(tx, "c").await?);
            for (number, (nid, kind, state_key)) in (1..).zip([
                (a, "m.room.name", ""),
                (a, "h", ""),
                (a, "other", ""),
                (c, "m.room.name", ""),
                (c, "c", "x"),
            ]) {
                let json =
                    ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}", "{\"n\":4}", "{\"n\":5}"][number as usize - 1];
                put_event(tx, nid, number, |new| new.json = json).await?;
                let kind = StateEventType::from(kind);
                tx.state_current_put(nid, &kind, state_key, EventNid(number), pos(number))
                    .await?;
            }
            let mut shown = tx.directory_state(&[c, b, a], kinds).await?;
            shown.iter_mut().for_each(|shown| shown.sort());
            let pair = |kind: &str, number: i64| (kind.to_owned(), format!("{{\"n\":{number}}}"));
            assert_eq!(
                shown,
                [
                    vec![pair("m.room.name", 4)],
                    vec![],
                    vec![pair("h", 2), pair("m.room.name", 1)]
                ]
            );

            assert_eq!(tx.directory_count(Listing::Own).await?, 0);
            tx.room_set_public(a, true).await?;
            tx.room_set_public(b, true).await?;
            assert_eq!(tx.directory_count(Listing::Own).await?, 2);
            tx.room_set_public(b, false).await?;
            assert_eq!(tx.directory_count(Listing::Own).await?, 1);
        });
    });
}

#[test]
fn aliases_move_from_one_room_to_another() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let names = ["#one:example.org", "#two:example.org"];
            for name in names {
                tx.alias_insert(<&RoomAliasId>::try_from(name).unwrap(), a, &alice())
                    .await?;
            }
            for _ in 0..2 {
                tx.alias_move(a, b).await?;
                assert!(tx.alias_list(a).await?.is_empty());
                assert_eq!(tx.alias_list(b).await?, names);
            }
        });
    });
}

#[test]
fn current_events_of_a_type_come_in_the_order_of_their_keys() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let kind = StateEventType::SpaceChild;
            for (at, key, room) in [(1, "!z", a), (2, "!a", a), (3, "!z", a), (4, "!b", b)] {
                put_event(tx, room, at, |new| {
                    (new.kind, new.state_key) = ("m.space.child", Some(key));
                })
                .await?;
                tx.state_current_put(room, &kind, key, EventNid(at), pos(at))
                    .await?;
            }
            let nids =
                |rows: Vec<rohrpost_store::EventRow>| rows.iter().map(|row| row.nid.0).collect::<Vec<_>>();
            assert_eq!(nids(tx.event_list_current(a, "m.space.child", 10).await?), [2, 3]);
            assert_eq!(nids(tx.event_list_current(a, "m.space.child", 1).await?), [2]);
            assert!(tx.event_list_current(a, "m.room.name", 10).await?.is_empty());
        });
    });
}
