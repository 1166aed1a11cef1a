//! What events relate to, and threads.

use rohrpost_store::{EventNid, NewRelation, RelationQuery, Result, RoomNid, Tx};
use ruma::{EventId, UserId};

use crate::support::{alice, bob, event_id, on_both, pos, put_event, room, tx};

/// Keeps event `nid` by `sender`, which relates to event `parent`.
async fn child(
    tx: &mut Tx<'_>,
    room: RoomNid,
    nid: i64,
    parent: i64,
    rel_type: &str,
    sender: &UserId,
) -> Result<()> {
    put_event(tx, room, nid, |new| new.origin_server_ts = 1000 - nid).await?;
    let (parent_id, event_id) = (event_id(parent), event_id(nid));
    let new = NewRelation {
        parent_id: &parent_id,
        pos: pos(nid),
        event: EventNid(nid),
        event_id: &event_id,
        rel_type,
        kind: "m.room.message",
        sender,
        origin_server_ts: 1000 - nid,
        annotation: (rel_type == "m.annotation").then_some("\u{1f44d}"),
    };
    tx.relation_put(room, &new).await?;
    tx.relation_put(room, &new).await
}

fn all(parent_id: &EventId) -> RelationQuery<'_> {
    RelationQuery {
        parent_id,
        rel_type: "",
        kind: "",
        depth: 1,
        after: pos(i64::MIN),
        upto: pos(i64::MAX),
        is_backward: true,
        limit: 100,
    }
}

fn nids(numbers: &[i64]) -> Vec<EventNid> {
    numbers.iter().copied().map(EventNid).collect()
}

#[test]
fn children_are_listed_in_order_by_way_type_and_place() {
    on_both(async |db| {
        tx!(db, |tx| {
            let (a, b) = (room(tx, "a").await?, room(tx, "b").await?);
            put_event(tx, a, 1, |_| {}).await?;
            for (nid, parent, rel_type) in [
                (2, 1, "m.thread"),
                (3, 1, "m.annotation"),
                (4, 2, "m.annotation"),
                (5, 1, "m.thread"),
                (6, 4, "m.reference"),
                (7, 6, "m.reference"),
            ] {
                child(tx, a, nid, parent, rel_type, &alice()).await?;
            }
            let root = event_id(1);
            assert_eq!(tx.relation_list(a, &all(&root)).await?, nids(&[5, 3, 2]));
            assert_eq!(tx.relation_list(b, &all(&root)).await?, []);
            let forward = RelationQuery {
                is_backward: false,
                limit: 2,
                ..all(&root)
            };
            assert_eq!(tx.relation_list(a, &forward).await?, nids(&[2, 3]));
            let between = RelationQuery {
                after: pos(2),
                upto: pos(3),
                ..all(&root)
            };
            assert_eq!(tx.relation_list(a, &between).await?, nids(&[3]));
            let threads = RelationQuery {
                rel_type: "m.thread",
                depth: 3,
                ..all(&root)
            };
            assert_eq!(tx.relation_list(a, &threads).await?, nids(&[5, 2]));
            let kind = RelationQuery {
                kind: "m.sticker",
                ..all(&root)
            };
            assert_eq!(tx.relation_list(a, &kind).await?, []);
            let deep = RelationQuery {
                depth: 3,
                ..all(&root)
            };
            assert_eq!(tx.relation_list(a, &deep).await?, nids(&[6, 5, 4, 3, 2]));
        });
    });
}

#[test]
fn an_annotation_is_found_until_it_is_taken_back() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            child(tx, a, 2, 1, "m.annotation", &alice()).await?;
            let (parent, kind) = (event_id(1), "m.room.message");
            for (user, kind, key, found) in [
                (alice(), kind, "\u{1f44d}", true),
                (bob(), kind, "\u{1f44d}", false),
                (alice(), "m.reaction", "\u{1f44d}", false),
                (alice(), kind, "\u{1f44e}", false),
            ] {
                assert_eq!(
                    tx.relation_is_annotated(a, &parent, &user, kind, key).await?,
                    found
                );
            }
            tx.relation_delete(a, &parent, pos(2)).await?;
            assert!(
                !tx.relation_is_annotated(a, &parent, &alice(), kind, "\u{1f44d}")
                    .await?
            );
        });
    });
}

#[test]
fn threads_are_told_by_root_and_sender() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            // More roots than one statement names.
            for root in 1..=40 {
                put_event(tx, a, root, |_| {}).await?;
            }
            for (nid, parent, sender) in [
                (50, 1, alice()),
                (51, 1, bob()),
                (52, 1, alice()),
                (53, 40, bob()),
            ] {
                child(tx, a, nid, parent, "m.thread", &sender).await?;
            }
            child(tx, a, 54, 2, "m.annotation", &alice()).await?;
            let ids: Vec<_> = (1..=40).map(event_id).collect();
            let roots: Vec<&EventId> = ids.iter().map(|id| &**id).collect();
            let mut parts: Vec<_> = tx
                .relation_thread_parts(a, &roots)
                .await?
                .into_iter()
                .map(|part| (part.root_id, part.sender, part.count, part.last))
                .collect();
            parts.sort();
            let expected = [
                (event_id(1), alice(), 2, pos(52)),
                (event_id(1), bob(), 1, pos(51)),
                (event_id(40), bob(), 1, pos(53)),
            ];
            assert_eq!(parts, expected);
            let newest = tx.relation_thread_newest(a, &event_id(1), 2).await?;
            assert_eq!(
                newest.iter().map(|child| child.pos.0).collect::<Vec<_>>(),
                [52, 51]
            );
            assert!(tx.relation_thread_parts(a, &[]).await?.is_empty());
        });
    });
}

#[test]
fn the_newest_replacement_is_by_time_and_by_the_same_sender() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for nid in 1..=3 {
                put_event(tx, a, nid, |_| {}).await?;
            }
            // Later events have earlier times here.
            child(tx, a, 11, 1, "m.replace", &alice()).await?;
            child(tx, a, 12, 1, "m.replace", &alice()).await?;
            child(tx, a, 10, 1, "m.replace", &bob()).await?;
            child(tx, a, 13, 2, "m.replace", &bob()).await?;
            child(tx, a, 14, 3, "m.replace", &alice()).await?;
            tx.event_redact(a, EventNid(3), "{}", &event_id(9)).await?;
            let ids = [event_id(1), event_id(2), event_id(3)];
            let parents: Vec<&EventId> = ids.iter().map(|id| &**id).collect();
            assert_eq!(
                tx.relation_replacements(a, &parents).await?,
                [(event_id(1), EventNid(11))]
            );
        });
    });
}

#[test]
fn references_come_in_the_order_of_the_timeline() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            put_event(tx, a, 1, |_| {}).await?;
            for nid in [4, 3, 5] {
                child(tx, a, nid, 1, "m.reference", &alice()).await?;
            }
            child(tx, a, 6, 1, "m.thread", &alice()).await?;
            let found = tx.relation_references(a, &[&event_id(1)]).await?;
            let found: Vec<_> = found.into_iter().map(|child| child.event_id).collect();
            assert_eq!(found, [event_id(3), event_id(4), event_id(5)]);
        });
    });
}

#[test]
fn threads_are_listed_by_their_newest_event() {
    on_both(async |db| {
        tx!(db, |tx| {
            let a = room(tx, "a").await?;
            for root in 1..=3 {
                put_event(tx, a, root, |new| {
                    if root == 3 {
                        new.kind = "m.sticker";
                    }
                })
                .await?;
            }
            for (nid, parent) in [(10, 1), (11, 2), (12, 3), (13, 1)] {
                child(tx, a, nid, parent, "m.thread", &bob()).await?;
                tx.thread_put(a, &event_id(parent), pos(nid)).await?;
            }
            let list = tx.thread_list(a, pos(i64::MAX), None, 10).await?;
            let expected = [(1, 13), (3, 12), (2, 11)].map(|(root, last)| (event_id(root), pos(last)));
            assert_eq!(list, expected);
            assert_eq!(tx.thread_list(a, pos(12), None, 1).await?, expected[1..2]);
            // Alice began them all; Bob wrote in them; nobody else had to do with them.
            let stranger = crate::support::user("carol");
            for (user, count) in [(alice(), 3), (bob(), 3), (stranger, 0)] {
                let list = tx.thread_list(a, pos(i64::MAX), Some(&user), 10).await?;
                assert_eq!(list.len(), count, "{user}");
            }
            for (parent, nid) in [(1, 13), (2, 11)] {
                tx.relation_delete(a, &event_id(parent), pos(nid)).await?;
                tx.thread_look_again(a, &event_id(parent)).await?;
            }
            let list = tx.thread_list(a, pos(i64::MAX), None, 10).await?;
            let expected = [(3, 12), (1, 10)].map(|(root, last)| (event_id(root), pos(last)));
            assert_eq!(list, expected);
        });
    });
}
