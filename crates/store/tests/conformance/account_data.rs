//! What clients keep with us for their user.

use rohrpost_store::{AccountData, GLOBAL, RoomNid};

use crate::support::{alice, bob, on_both, pos, tx};

fn data(room: RoomNid, kind: &str, content: &str, at: i64) -> AccountData {
    AccountData {
        room,
        kind: kind.to_owned(),
        content: content.to_owned(),
        pos: pos(at),
    }
}

#[test]
fn account_data_is_replaced_where_it_stands() {
    on_both(async |db| {
        tx!(db, |tx| {
            let alice = alice();
            tx.account_data_put(&alice, &data(GLOBAL, "k", "{}", 1)).await?;
            tx.account_data_put(&alice, &data(RoomNid(7), "k", "{\"room\":7}", 2))
                .await?;
            tx.account_data_put(&alice, &data(GLOBAL, "k", "{\"new\":1}", 3))
                .await?;
            let found = tx.account_data_get(&alice, GLOBAL, "k").await?.unwrap();
            assert_eq!(
                (found.room, found.kind.as_str(), found.pos),
                (GLOBAL, "k", pos(3))
            );
            assert_eq!(found.content, "{\"new\":1}");
            let found = tx.account_data_get(&alice, RoomNid(7), "k").await?.unwrap();
            assert_eq!((found.content.as_str(), found.pos), ("{\"room\":7}", pos(2)));
            assert!(tx.account_data_get(&alice, GLOBAL, "K").await?.is_none());
            assert!(tx.account_data_get(&bob(), GLOBAL, "k").await?.is_none());
            assert_eq!(
                (
                    tx.account_data_count(&alice).await?,
                    tx.account_data_count(&bob()).await?
                ),
                (2, 0)
            );
            assert_eq!(
                (
                    tx.account_data_count_in(&alice, RoomNid(7)).await?,
                    tx.account_data_count_in(&alice, RoomNid(8)).await?,
                    tx.account_data_count_in(&bob(), RoomNid(7)).await?
                ),
                (1, 0, 0)
            );
        });
    });
}

#[test]
fn changes_are_listed_after_and_up_to_in_order() {
    on_both(async |db| {
        tx!(db, |tx| {
            for at in [5, 3, 4, 1, 2] {
                tx.account_data_put(&alice(), &data(GLOBAL, &format!("k{at}"), "{}", at))
                    .await?;
            }
            tx.account_data_put(&bob(), &data(GLOBAL, "k", "{}", 3)).await?;
            let listed = tx.account_data_list(&alice(), pos(1), pos(4)).await?;
            let at: Vec<_> = listed.iter().map(|data| data.pos.0).collect();
            assert_eq!(at, [2, 3, 4]);
            assert!(tx.account_data_list(&alice(), pos(4), pos(4)).await?.is_empty());
        });
    });
}

#[test]
fn all_of_a_users_data_can_go() {
    on_both(async |db| {
        tx!(db, |tx| {
            for user in [alice(), bob()] {
                tx.account_data_put(&user, &data(GLOBAL, "k", "{}", 1)).await?;
                tx.account_data_put(&user, &data(RoomNid(1), "k", "{}", 1))
                    .await?;
            }
            tx.account_data_delete_all(&alice()).await?;
            assert_eq!(
                (
                    tx.account_data_count(&alice()).await?,
                    tx.account_data_count(&bob()).await?
                ),
                (0, 2)
            );
        });
    });
}

#[test]
fn data_about_one_room_is_listed_in_order() {
    on_both(async |db| {
        tx!(db, |tx| {
            for (room, kind, at) in [(7, "b", 4), (7, "a", 2), (GLOBAL.0, "b", 3), (8, "b", 1)] {
                tx.account_data_put(&alice(), &data(RoomNid(room), kind, "{}", at))
                    .await?;
            }
            tx.account_data_put(&bob(), &data(RoomNid(7), "b", "{}", 5))
                .await?;
            let listed = tx.account_data_list_in(&alice(), RoomNid(7)).await?;
            assert_eq!(listed.iter().map(|data| data.pos.0).collect::<Vec<_>>(), [2, 4]);
            assert!(tx.account_data_list_in(&alice(), RoomNid(9)).await?.is_empty());
        });
    });
}
