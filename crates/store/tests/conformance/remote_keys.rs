//! Keys of people of other servers.

use rohrpost_store::{Result, Tx};
use ruma::{OwnedUserId, events::room::member::MembershipState, server_name, user_id};

use crate::{
    memberships::{join, put},
    support::{alice, on_both, pos, room, tx},
};

async fn valid(tx: &mut Tx<'_>, after_ts: i64) -> Result<usize> {
    let users = [user_id!("@one:there.example").to_owned(), alice()];
    let found = tx
        .remote_keys_list_valid(&users, server_name!("example.org"), after_ts)
        .await?;
    Ok(found.len())
}

#[test]
fn keys_hold_while_the_room_is_shared_and_nothing_changed() {
    on_both(async |db| {
        tx!(db, |tx| {
            let own = server_name!("example.org");
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let one: OwnedUserId = user_id!("@one:there.example").to_owned();
            let keys = [(one.clone(), "{}".to_owned())];
            tx.remote_keys_put(&keys, own, (pos(1), 100)).await?;
            assert_eq!(
                tx.remote_keys_list_each(std::slice::from_ref(&one)).await?,
                [None]
            );
            join(tx, a, &alice(), 2).await?;
            join(tx, a, &one, 3).await?;
            tx.remote_keys_put(&keys, own, (pos(4), 100)).await?;
            let kept = tx.remote_keys_list_each(&[one.clone(), alice()]).await?;
            assert_eq!(kept, [Some("{}".to_owned()), None]);
            assert_eq!((valid(tx, 99).await?, valid(tx, 100).await?), (1, 0));
            // What was asked for before that doesn't take its place.
            tx.remote_keys_put(&[(one.clone(), "old".to_owned())], own, (pos(3), 200))
                .await?;
            let kept = tx.remote_keys_list_each(std::slice::from_ref(&one)).await?;
            assert_eq!(kept, [Some("{}".to_owned())]);

            tx.device_list_touch(&one, pos(5)).await?;
            assert_eq!(valid(tx, 0).await?, 0, "something changed");
            tx.remote_keys_put(&keys, own, (pos(6), 100)).await?;
            assert_eq!(valid(tx, 0).await?, 1);
            // Somebody else of this server stays.
            join(tx, a, user_id!("@bob:example.org"), 7).await?;
            put(tx, a, &alice(), &MembershipState::Leave, 8).await?;
            assert_eq!(valid(tx, 0).await?, 1);
            put(tx, a, user_id!("@bob:example.org"), &MembershipState::Leave, 9).await?;
            assert_eq!(valid(tx, 0).await?, 0, "nobody here heard of changes");
            join(tx, a, &alice(), 10).await?;
            assert_eq!(valid(tx, 0).await?, 0, "or did in between");
            tx.remote_keys_put(&keys, own, (pos(11), 100)).await?;
            put(tx, a, &one, &MembershipState::Leave, 12).await?;
            join(tx, b, &alice(), 13).await?;
            join(tx, b, &one, 14).await?;
            assert_eq!(valid(tx, 0).await?, 0, "another room, since later");
            tx.remote_keys_delete_old(101).await?;
            assert_eq!(tx.remote_keys_list_each(&[one]).await?, [None]);
        });
    });
}
