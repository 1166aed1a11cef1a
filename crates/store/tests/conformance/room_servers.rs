//! Which servers are in a room.

use rohrpost_store::{Result, RoomNid, RoomServer, Tx};
use ruma::{OwnedUserId, events::room::member::MembershipState, server_name};

use crate::{
    memberships::{join, put},
    support::{alice, on_both, pos, room, tx},
};

fn user(name: &str) -> OwnedUserId {
    OwnedUserId::try_from(name).unwrap()
}

async fn servers(tx: &mut Tx<'_>, room: RoomNid) -> Result<Vec<(String, i64, i64)>> {
    let row = |row: RoomServer| (row.server.to_string(), row.joined, row.since.0);
    Ok(tx.room_servers(room).await?.into_iter().map(row).collect())
}

fn row(server: &str, joined: i64, since: i64) -> (String, i64, i64) {
    (server.to_owned(), joined, since)
}

#[test]
fn a_server_is_in_a_room_from_its_first_join_to_its_last_leave() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let (one, other) = (user("@one:far.example:8448"), user("@other:far.example:8448"));
            join(tx, a, &alice(), 1).await?;
            put(tx, a, &one, &MembershipState::Invite, 2).await?;
            assert_eq!(servers(tx, a).await?, [row("example.org", 1, 1)]);
            join(tx, a, &one, 3).await?;
            join(tx, a, &other, 4).await?;
            // A new name is no other membership.
            join(tx, a, &one, 5).await?;
            let both = [row("example.org", 1, 1), row("far.example:8448", 2, 3)];
            assert_eq!(servers(tx, a).await?, both);
            // Everything anew comes to the same, but for who of them was the first.
            tx.room_servers_recount(a).await?;
            assert_eq!(servers(tx, a).await?, both);
            put(tx, a, &one, &MembershipState::Leave, 6).await?;
            put(tx, a, &one, &MembershipState::Ban, 7).await?;
            let found = tx.room_server_get(a, server_name!("far.example:8448")).await?;
            assert_eq!(found.map(|found| (found.joined, found.since)), Some((1, pos(3))));
            assert_eq!(
                tx.room_server_get(b, server_name!("far.example:8448")).await?,
                None
            );
            put(tx, a, &other, &MembershipState::Leave, 8).await?;
            assert_eq!(servers(tx, a).await?, [row("example.org", 1, 1)]);
            join(tx, a, &other, 9).await?;
            assert_eq!(servers(tx, a).await?[1], row("far.example:8448", 1, 9));
        });
    });
}

#[test]
fn servers_are_found_by_the_rooms_of_a_user() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for (room, who, at) in [
                (a, "@x:one.example", 1),
                (b, "@x:one.example", 2),
                (b, "@y:two.example", 3),
            ] {
                join(tx, room, &user(who), at).await?;
            }
            join(tx, a, &alice(), 4).await?;
            let own = server_name!("example.org");
            assert_eq!(tx.room_servers_of(&alice(), own).await?, ["one.example"]);
            join(tx, b, &alice(), 5).await?;
            put(tx, a, &alice(), &MembershipState::Leave, 6).await?;
            assert_eq!(
                tx.room_servers_of(&alice(), own).await?,
                ["one.example", "two.example"]
            );
        });
    });
}
