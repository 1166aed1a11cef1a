//! The rooms of another server.

use rohrpost_store::{Result, RoomNid, Tx};
use ruma::{UserId, events::room::member::MembershipState, server_name, user_id};

use crate::{
    memberships::{join, put},
    support::{alice, event_id, on_both, put_event, room, tx},
};

async fn leave(tx: &mut Tx<'_>, room: RoomNid, user: &UserId, at: i64) -> Result<()> {
    put(tx, room, user, &MembershipState::Leave, at).await
}

#[test]
fn people_of_a_server_are_found_by_the_end_of_their_ids() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            let (one, two) = (user_id!("@one:there.example"), user_id!("@two:there.example"));
            let strangers = [
                "@three:THERE.example",
                "@four:nothere.example",
                "@x:e",
                "@there.example:e",
            ];
            join(tx, a, &alice(), 1).await?;
            join(tx, a, one, 2).await?;
            put(tx, a, two, &MembershipState::Invite, 3).await?;
            for (stranger, at) in strangers.into_iter().zip(4..) {
                join(tx, a, <&UserId>::try_from(stranger).unwrap(), at).await?;
            }
            let there = server_name!("there.example");
            let mut people = tx.server_people_in(a, there, 10).await?;
            people.sort();
            assert_eq!(people, [one, two]);
            assert_eq!(tx.server_people_in(a, there, 1).await?.len(), 1);
            assert!(
                tx.server_people_in(a, server_name!("here.example"), 10)
                    .await?
                    .is_empty()
            );
        });
    });
}

#[test]
fn an_event_is_found_in_the_rooms_of_a_server_alone() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let there = server_name!("there.example");
            put_event(tx, a, 1, |_| {}).await?;
            put_event(tx, b, 2, |_| {}).await?;
            join(tx, a, user_id!("@one:there.example"), 3).await?;
            assert_eq!(tx.server_room_of_event(there, &event_id(1)).await?, Some(a));
            assert_eq!(tx.server_room_of_event(there, &event_id(2)).await?, None);
        });
    });
}

#[test]
fn people_share_a_room_with_a_server_while_both_are_in_it() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            let there = server_name!("there.example");
            let (alice, one) = (alice(), user_id!("@one:there.example"));
            let users: [&UserId; 2] = [&alice, user_id!("@bob:example.org")];
            join(tx, a, &alice, 1).await?;
            assert!(tx.server_sharing_each(there, &users).await?.is_empty());
            join(tx, a, one, 2).await?;
            assert_eq!(
                tx.server_sharing_each(there, &users).await?,
                std::slice::from_ref(&alice)
            );
            leave(tx, a, &alice, 3).await?;
            assert!(tx.server_sharing_each(there, &users).await?.is_empty());
        });
    });
}
