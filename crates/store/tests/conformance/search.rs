//! The words of messages.

use ruma::events::room::member::MembershipState;

use crate::{
    memberships::{join, put},
    support::{alice, bob, on_both, pos, room, room_id, tx},
};

#[test]
fn events_are_found_by_all_words_newest_first() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b, c) = (room(tx, "a").await?, room(tx, "b").await?, room(tx, "c").await?);
            tx.search_put(a, pos(1), ["akte", "b\u{e4}r", "akte"]).await?;
            tx.search_put(a, pos(2), ["akte"]).await?;
            tx.search_put(a, pos(3), ["akte", "b\u{e4}r", "zoo"]).await?;
            tx.search_put(b, pos(4), ["akte", "b\u{e4}r"]).await?;
            tx.search_put(c, pos(5), ["akte", "b\u{e4}r"]).await?;
            let both = ["akte", "b\u{e4}r", "akte", "akte"];
            let found = tx.search_find(&[a, b], both, pos(9), 100, 100).await?;
            assert_eq!(found, [(a, pos(3)), (a, pos(1)), (b, pos(4))]);
            assert_eq!(tx.search_find(&[a], both, pos(2), 100, 100).await?, [(a, pos(1))]);
            assert_eq!(tx.search_find(&[a], both, pos(9), 100, 1).await?, [(a, pos(3))]);
            assert_eq!(
                tx.search_find(&[a], both, pos(2), 1, 100).await?,
                [],
                "outside of the window"
            );
            tx.search_delete(a, pos(3), ["b\u{e4}r", "none"]).await?;
            assert_eq!(tx.search_find(&[a], both, pos(9), 100, 100).await?, [(a, pos(1))]);
        });
    });
}

#[test]
fn rooms_are_searched_that_were_never_encrypted_and_that_one_is_or_was_in() {
    on_both(async |db| {
        tx!(db, |tx| {
            let mut rooms = Vec::new();
            for name in ["joined", "left", "invited", "of others", "encrypted"] {
                rooms.push(room(tx, name).await?);
            }
            join(tx, rooms[0], &alice(), 1).await?;
            put(tx, rooms[1], &alice(), &MembershipState::Leave, 2).await?;
            put(tx, rooms[2], &alice(), &MembershipState::Invite, 3).await?;
            join(tx, rooms[3], &bob(), 4).await?;
            join(tx, rooms[4], &alice(), 5).await?;
            let mut encrypted = tx.room_get(&room_id("encrypted")).await?.unwrap();
            encrypted.ever_encrypted = true;
            tx.room_advance(
                &encrypted,
                rohrpost_store::EventNid(5),
                &crate::support::event_id(5),
            )
            .await?;
            let found = tx.search_rooms(&alice(), 10).await?;
            assert_eq!(
                found,
                [(rooms[0], room_id("joined")), (rooms[1], room_id("left"))]
            );
            assert_eq!(tx.search_rooms(&alice(), 1).await?.len(), 1);
            assert!(tx.membership_forget(&alice(), rooms[1]).await?);
            assert_eq!(tx.search_rooms(&alice(), 10).await?.len(), 1);
        });
    });
}
