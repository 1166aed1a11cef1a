//! Who is typing.

use rohrpost_store::RoomNews;
use ruma::events::room::member::MembershipState;

use crate::{
    memberships::{join, put},
    support::{alice, bob, on_both, pos, room, tx, user},
};

#[test]
fn somebody_types_until_the_time_said() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            tx.typing_put(a, &alice(), 100, pos(1)).await?;
            assert!(tx.typing_is(a, &alice(), 99).await?);
            assert!(!tx.typing_is(a, &alice(), 100).await?);
            assert!(!tx.typing_is(b, &alice(), 99).await?);
            assert!(!tx.typing_is(a, &bob(), 99).await?);
            tx.typing_put(a, &alice(), 0, pos(2)).await?;
            assert!(!tx.typing_is(a, &alice(), 1).await?, "stopped");
        });
    });
}

#[test]
fn typists_are_listed_in_order() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for (name, until) in [
                ("a_b", 100),
                ("ab", 100),
                ("a-b", 100),
                ("gone", 50),
                ("late", 51),
            ] {
                tx.typing_put(a, &user(name), until, pos(1)).await?;
            }
            assert_eq!(
                tx.typing_list(a, 50).await?,
                [user("a-b"), user("a_b"), user("ab"), user("late")]
            );
            assert!(tx.typing_list(a, 100).await?.is_empty());
        });
    });
}

#[test]
fn rooms_where_somebody_began_or_stopped() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            for nid in [a, b] {
                tx.typing_put(nid, &alice(), 100, pos(1)).await?;
                tx.typing_put(nid, &bob(), 100, pos(2)).await?;
            }
            join(tx, a, &bob(), 1).await?;
            put(tx, b, &bob(), &MembershipState::Leave, 1).await?;
            assert_eq!(
                tx.room_news(RoomNews::Typing, &bob(), pos(0), pos(2)).await?,
                [a],
                "each room once"
            );
            assert_eq!(tx.room_news(RoomNews::Typing, &bob(), pos(1), pos(2)).await?, [a]);
            assert!(
                tx.room_news(RoomNews::Typing, &bob(), pos(2), pos(9))
                    .await?
                    .is_empty()
            );
            tx.typing_put(a, &bob(), 0, pos(3)).await?;
            assert_eq!(
                tx.room_news(RoomNews::Typing, &bob(), pos(2), pos(3)).await?,
                [a],
                "stopping counts"
            );
            for (after, upto) in [(0, 3), (1, 2), (2, 3), (3, 9)] {
                let near = tx
                    .room_news(RoomNews::Typing, &bob(), pos(after), pos(upto))
                    .await?;
                let far = tx
                    .room_news_far(RoomNews::Typing, &bob(), pos(after), pos(upto))
                    .await?;
                assert_eq!(near, far, "{after} {upto}");
                assert_eq!(tx.typing_any(a, pos(after), pos(upto)).await?, near == [a]);
            }
        });
    });
}

#[test]
fn those_who_stopped_without_saying_so_are_found() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for (name, until) in [("said", 0), ("expired", 50), ("now", 100), ("types", 101)] {
                tx.typing_put(a, &user(name), until, pos(1)).await?;
            }
            let mut expired = tx.typing_expired(100, 10).await?;
            expired.sort();
            assert_eq!(expired, [(a, user("expired")), (a, user("now"))]);
            assert_eq!(tx.typing_expired(100, 1).await?.len(), 1);
        });
    });
}

#[test]
fn typing_is_extended_quietly_and_stopped_together() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            assert_eq!(tx.typing_until(a, &alice()).await?, None);
            tx.typing_extend(a, &alice(), 100).await?;
            assert_eq!(tx.typing_until(a, &alice()).await?, None, "never typed");
            join(tx, a, &bob(), 1).await?;
            for (nid, user_id) in [(a, alice()), (a, bob()), (b, alice())] {
                tx.typing_put(nid, &user_id, 100, pos(1)).await?;
            }
            tx.typing_extend(a, &alice(), 200).await?;
            assert_eq!(tx.typing_until(a, &alice()).await?, Some(200));
            assert!(
                tx.room_news(RoomNews::Typing, &bob(), pos(1), pos(9))
                    .await?
                    .is_empty(),
                "nobody sees a difference"
            );
            let who = [(a, alice()), (b, alice()), (b, bob())];
            tx.typing_stop(&who, 99, pos(2)).await?;
            assert_eq!(tx.typing_until(a, &alice()).await?, Some(200), "goes on");
            tx.typing_stop(&who, 300, pos(2)).await?;
            assert_eq!(
                (
                    tx.typing_until(a, &alice()).await?,
                    tx.typing_until(b, &bob()).await?
                ),
                (Some(0), None)
            );
            assert_eq!(
                (tx.typing_list(a, 50).await?, tx.typing_list(b, 50).await?),
                (vec![bob()], vec![])
            );
            assert_eq!(tx.room_news(RoomNews::Typing, &bob(), pos(1), pos(2)).await?, [a]);
            assert!(tx.typing_expired(1_000, 10).await?.contains(&(a, bob())));
        });
    });
}
