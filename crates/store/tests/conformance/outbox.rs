//! What other servers are still to be told.

use rohrpost_store::{
    Attempt, Destination, EventNid, NewOutboxEdu, NewOutboxEvent, NewToDevice, OutboxFigures, Result,
    RoomNid, Tx,
};
use ruma::{
    OwnedServerName, OwnedUserId, ServerName, UserId, device_id, events::room::member::MembershipState,
    server_name,
};

use crate::{
    memberships::{join, put},
    support::{alice, on_both, pos, put_event, room, tx},
};

const EVER: EventNid = EventNid(i64::MAX);

fn far() -> &'static ServerName {
    server_name!("far.example")
}

fn near() -> &'static ServerName {
    server_name!("near.example")
}

async fn event(tx: &mut Tx<'_>, to: &ServerName, room: RoomNid, event: i64, about_them: bool) -> Result<()> {
    let new = NewOutboxEvent {
        destination: to,
        room,
        event: EventNid(event),
        about_them,
    };
    tx.outbox_event_insert(&[new]).await
}

async fn edu(tx: &mut Tx<'_>, to: &ServerName, subject: &str, edu: &str, ts: i64) -> Result<()> {
    let new = NewOutboxEdu {
        destination: to,
        subject,
        edu,
    };
    tx.outbox_edu_insert(&[new], ts).await
}

async fn events(tx: &mut Tx<'_>, to: &ServerName) -> Result<Vec<i64>> {
    let found = tx.outbox_event_list(to, EVER, 100).await?;
    Ok(found.into_iter().map(|row| row.event.0).collect())
}

async fn edus(tx: &mut Tx<'_>, to: &ServerName) -> Result<Vec<String>> {
    let found = tx.outbox_edu_list(to, i64::MAX, 100).await?;
    Ok(found.into_iter().map(|row| row.edu).collect())
}

#[test]
fn rows_wait_in_order_until_they_are_taken() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for nid in [7, 5, 6, 5] {
                event(tx, far(), a, nid, false).await?;
            }
            event(tx, near(), a, 6, false).await?;
            edu(tx, far(), "", "one", 10).await?;
            edu(tx, far(), "", "two", 11).await?;
            assert_eq!(events(tx, far()).await?, [5, 6, 7]);
            assert_eq!(tx.outbox_event_list(far(), EventNid(6), 100).await?.len(), 2);
            assert_eq!(edus(tx, far()).await?, ["one", "two"]);
            assert_eq!(tx.outbox_destinations(10).await?, [far(), near()]);
            let figures = OutboxFigures {
                events: 4,
                edus: 2,
                failing: 0,
            };
            assert_eq!(tx.outbox_figures().await?, figures);
            let first = tx.outbox_edu_list(far(), i64::MAX, 1).await?[0].nid;
            tx.outbox_delete(far(), &[EventNid(5), EventNid(6)], &[first])
                .await?;
            tx.destination_answers(far(), 0).await?;
            assert_eq!(events(tx, far()).await?, [7]);
            assert_eq!(events(tx, near()).await?, [6]);
            assert_eq!(edus(tx, far()).await?, ["two"]);
            assert_eq!(tx.outbox_destinations(10).await?, [far(), near()]);
            tx.outbox_delete(near(), &[EventNid(6)], &[]).await?;
            tx.destination_answers(near(), 0).await?;
            assert_eq!(tx.outbox_destinations(10).await?, [far()]);
            assert_eq!(tx.outbox_edu_delete_old(12).await?, 1);
        });
    });
}

#[test]
fn news_of_the_same_subject_take_the_place_of_older_ones() {
    on_both(async |db| {
        tx!(db, |tx| {
            edu(tx, far(), "", "message", 1).await?;
            edu(tx, far(), "devices @a", "old", 2).await?;
            edu(tx, near(), "devices @a", "old", 2).await?;
            edu(tx, far(), "", "message", 3).await?;
            edu(tx, far(), "devices @a", "new", 4).await?;
            assert_eq!(edus(tx, far()).await?, ["message", "message", "new"]);
            assert_eq!(edus(tx, near()).await?, ["old"]);
        });
    });
}

#[test]
fn a_server_is_with_one_node_at_a_time_and_not_before_its_time() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            assert!(!tx.destination_any_due(100).await?);
            event(tx, far(), a, 1, false).await?;
            event(tx, near(), a, 1, false).await?;
            assert!(tx.destination_any_due(100).await?);
            assert_eq!(tx.destination_lease(100, 200, false, 1).await?, [far()]);
            assert_eq!(tx.destination_lease(100, 200, false, 5).await?, [near()]);
            assert!(!tx.destination_any_due(199).await?);
            tx.destination_lease_until(near(), 0).await?;
            assert_eq!(tx.destination_lease(101, 300, false, 5).await?, [near()]);
            // The first one was never given back.
            assert_eq!(tx.destination_lease(200, 300, false, 5).await?, [far()]);
            let failed = Destination {
                server: OwnedServerName::from(far()),
                retry_ts: 900,
                failing_since_ts: 250,
                failures: 1,
                attempt: Some(Attempt {
                    ts: 240,
                    event: Some(EventNid(1)),
                    edu: None,
                }),
            };
            tx.destination_fails(&failed).await?;
            assert_eq!(tx.destination_get(far()).await?.as_ref(), Some(&failed));
            assert_eq!(tx.destination_failing(5).await?, [failed]);
            assert!(!tx.destination_any_due(299).await?);
            tx.destination_retry_now(far()).await?;
            assert_eq!(tx.destination_lease(299, 400, true, 5).await?, [far()]);
            tx.destination_release_all().await?;
            assert_eq!(tx.destination_lease(299, 400, false, 5).await?, [near()]);
            assert_eq!(tx.destination_lease(299, 400, true, 5).await?, [far()]);
            tx.destination_answers(far(), 0).await?;
            let answers = tx.destination_get(far()).await?.unwrap();
            assert_eq!((answers.failures, answers.attempt), (0, None));
            assert_eq!(tx.destination_failing(5).await?, []);
        });
    });
}

#[test]
fn of_many_events_the_newest_of_each_room_is_left() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b, left) = (
                room(tx, "a").await?,
                room(tx, "b").await?,
                room(tx, "left").await?,
            );
            let them = OwnedUserId::try_from("@them:far.example").unwrap();
            join(tx, a, &them, 1).await?;
            join(tx, b, &them, 2).await?;
            for (room, nid, about_them) in [
                (a, 10, false),
                (a, 11, true),
                (b, 12, false),
                (a, 13, false),
                (left, 14, false),
                (left, 15, true),
            ] {
                event(tx, far(), room, nid, about_them).await?;
                event(tx, near(), room, nid, about_them).await?;
            }
            assert!(tx.outbox_event_more_than(far(), 5).await?);
            assert!(!tx.outbox_event_more_than(far(), 6).await?);
            assert_eq!(tx.outbox_event_thin(far()).await?, 2);
            assert_eq!(events(tx, far()).await?, [11, 12, 13, 15]);
            assert_eq!(events(tx, near()).await?.len(), 6);
        });
    });
}

#[test]
fn the_stream_is_followed_where_there_are_other_servers() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            let them = OwnedUserId::try_from("@them:far.example").unwrap();
            join(tx, a, &alice(), 1).await?;
            join(tx, b, &alice(), 2).await?;
            join(tx, a, &them, 3).await?;
            for (room, nid) in [(a, 10), (b, 11), (a, 12)] {
                put_event(tx, room, nid, |_| {}).await?;
            }
            put_event(tx, b, 13, |new| {
                new.kind = "m.room.member";
                new.state_key = Some("@them:far.example");
            })
            .await?;
            tx.outbox_pass(EventNid(12), true).await?;
            let own = server_name!("example.org");
            let found = tx.outbox_stream(own, pos(0), pos(20), 10).await?;
            let found: Vec<_> = found
                .iter()
                .map(|event| (event.nid.0, event.member.is_some(), event.passed_by_us))
                .collect();
            assert_eq!(
                found,
                [(10, false, None), (12, false, Some(true)), (13, true, None)]
            );
            tx.outbox_pass_forget(pos(12)).await?;
            put(tx, a, &them, &MembershipState::Leave, 14).await?;
            assert_eq!(tx.outbox_stream(own, pos(9), pos(20), 10).await?.len(), 3);
            let left = tx.room_servers_left_each(&[b, a]).await?;
            assert_eq!(left, [vec![], vec![(far().to_owned(), pos(3), pos(14))]]);
            tx.room_servers_left_forget(pos(13)).await?;
            assert_eq!(tx.room_servers_left_each(&[a]).await?[0].len(), 1);
            tx.room_servers_left_forget(pos(14)).await?;
            assert_eq!(tx.outbox_stream(own, pos(9), pos(20), 10).await?.len(), 1);
            assert_eq!(tx.outbox_stream(own, pos(9), pos(12), 10).await?.len(), 0);
            // Who of us leaves is nobody's business here.
            put(tx, a, &alice(), &MembershipState::Leave, 15).await?;
            assert_eq!(tx.room_servers_left_each(&[a]).await?, [vec![]]);
        });
    });
}

#[test]
fn what_was_told_of_devices_is_kept() {
    on_both(async |db| {
        tx!(db, |tx| {
            assert_eq!(tx.told_devices(&alice()).await?, (vec![], None));
            let told = [("A".to_owned(), Some(vec![1])), (String::new(), Some(vec![2]))];
            tx.told_devices_put(&alice(), &told, 7).await?;
            tx.told_devices_put(&alice(), &[("A".to_owned(), None)], 8)
                .await?;
            assert_eq!(
                tx.told_devices(&alice()).await?,
                (vec![(String::new(), vec![2])], Some(8))
            );
            assert!(tx.edu_message_insert(far(), "m1", 5).await?);
            assert!(!tx.edu_message_insert(far(), "m1", 6).await?);
            assert!(tx.edu_message_insert(near(), "m1", 6).await?);
            tx.edu_message_delete_old(6).await?;
            assert!(tx.edu_message_insert(far(), "m1", 7).await?);
            let (full, them) = (alice(), OwnedUserId::try_from("@a:far.example").unwrap());
            tx.device_insert(&full, device_id!("D"), None, 1).await?;
            for at in 1..=3 {
                let new = NewToDevice {
                    user_id: &full,
                    device_id: None,
                    sender: &them,
                    kind: "k",
                    content: "{}",
                };
                tx.to_device_insert(&[new], pos(at)).await?;
            }
            let users: [&UserId; 2] = [&full, &them];
            let other = OwnedUserId::try_from("@b:far.example").unwrap();
            let near = OwnedUserId::try_from("@a:near.example").unwrap();
            for (sender, most, is_full) in [
                (&them, (3, 9), true),
                (&them, (4, 9), false),
                (&other, (1, 3), true),
                (&other, (1, 4), false),
                (&near, (1, 1), false),
            ] {
                let found = tx.to_device_full_each(&users, sender, most).await?;
                assert_eq!(!found.is_empty(), is_full, "{sender} {most:?}");
            }
        });
    });
}
