//! The queries that run all the time must find what they want by an index, on both engines: none reads a whole table.
//!
//! SQLite says by its plan that it would; the plans of the most frequent queries are pinned in `sqlite/plans.rs`.
//! PostgreSQL plans by what tables hold, and small ones it reads as a whole. It is told to do so only where it has to,
//! and asked what it would do.

use ruma::{
    device_id, event_id,
    events::{StateEventType, room::member::MembershipState},
    owned_user_id, room_id, server_name, user_id,
};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::sqlite::plans::explained;
use crate::{AfterCommit, GLOBAL, RelationQuery, Result, RoomNews, RoomNid, Store, StreamPos, Tx, Wakes};

/// Runs each of the queries behind syncs, unread counts, relations, threads, search and the outbox once.
async fn ask_all(tx: &mut Tx<'_>) -> Result<()> {
    const ROOM: RoomNid = RoomNid(1);
    let (alice, phone) = (user_id!("@alice:example.org"), device_id!("A"));
    let (after, upto) = (StreamPos(1), StreamPos(2));
    let (event, others) = (event_id!("$a"), [owned_user_id!("@bob:example.org")]);

    // Both shapes of sync.
    tx.caller_get(&[0; 32]).await?;
    tx.membership_list(alice).await?;
    tx.membership_list_changed(alice, after, upto).await?;
    tx.membership_rooms_active(alice, after).await?;
    tx.membership_get(alice, ROOM).await?;
    tx.membership_get_each(ROOM, &[alice]).await?;
    tx.membership_sharing_each(alice, &others).await?;
    tx.membership_count(ROOM, &MembershipState::Join).await?;
    tx.membership_heroes(ROOM, alice, 5).await?;
    tx.membership_former_heroes(ROOM, alice, 5).await?;
    tx.membership_list_in(ROOM, &MembershipState::Join).await?;
    tx.room_get(room_id!("!a:example.org")).await?;
    tx.room_get_by_nid(ROOM).await?;
    tx.room_list_of(alice).await?;
    tx.room_list_some(alice, &[ROOM]).await?;
    tx.room_numbers(&[room_id!("!a:example.org")]).await?;
    tx.event_rooms_between(alice, after, upto).await?;
    tx.event_list_back(ROOM, after, upto, 10).await?;
    tx.event_list_forward(ROOM, after, upto, 10).await?;
    tx.event_list_state(ROOM, after, upto).await?;
    tx.event_get(ROOM, event).await?;
    tx.event_get_each(ROOM, [event]).await?;
    tx.event_get_many(ROOM, &[crate::EventNid(1)]).await?;
    tx.state_current(ROOM, &StateEventType::RoomName, "").await?;
    tx.state_current_list(ROOM, None).await?;
    tx.state_current_list(ROOM, Some(after)).await?;
    tx.state_current_kind(ROOM, &StateEventType::SpaceChild, 10)
        .await?;
    tx.state_current_events(ROOM, &[(StateEventType::RoomName, String::new())])
        .await?;
    tx.state_find(crate::StateNid(1), &StateEventType::RoomName, "")
        .await?;
    tx.room_news(RoomNews::Receipts, alice, after, upto).await?;
    tx.room_news_far(RoomNews::Receipts, alice, after, upto).await?;
    tx.receipt_list(ROOM, after, upto).await?;
    tx.room_news(RoomNews::Typing, alice, after, upto).await?;
    tx.room_news_far(RoomNews::Typing, alice, after, upto).await?;
    tx.typing_any(ROOM, after, upto).await?;
    tx.typing_list(ROOM, 1).await?;
    tx.account_data_list(alice, after, upto).await?;
    tx.account_data_list_in(alice, ROOM).await?;
    tx.account_data_get(alice, GLOBAL, "m.direct").await?;
    tx.device_list_changed(alice, after, upto).await?;
    tx.to_device_any(alice, phone, upto).await?;
    tx.to_device_list(alice, phone, upto, 10).await?;
    tx.one_time_key_counts(alice, phone).await?;
    tx.fallback_key_unused(alice, phone).await?;
    tx.sticky_event_list(ROOM, (after, upto), 1, 10).await?;
    tx.sticky_event_list_of(alice, (Some(after), upto), 1, 10).await?;
    tx.sticky_event_list_of(alice, (None, upto), 1, 10).await?;
    tx.profile_change_list(alice, after, upto, 10).await?;
    tx.profile_get_each(&others).await?;
    tx.thread_subscription_list(alice, after, upto, 10).await?;

    // Unread counts.
    tx.receipt_list_of(ROOM, alice).await?;
    tx.notified_list(alice, after, upto, 1, 10).await?;
    tx.notified_rooms(alice, 10).await?;

    // Relations and threads.
    let wanted = RelationQuery {
        parent_id: event,
        rel_type: "m.thread",
        kind: "",
        depth: 3,
        after,
        upto,
        is_backward: true,
        limit: 10,
    };
    tx.relation_list(ROOM, &wanted).await?;
    tx.relation_thread_parts(ROOM, &[event]).await?;
    tx.relation_replacements(ROOM, &[event]).await?;
    tx.relation_references(ROOM, &[event]).await?;
    tx.relation_thread_newest(ROOM, event, 10).await?;
    tx.relation_is_annotated(ROOM, event, alice, "m.reaction", "k")
        .await?;
    tx.thread_list(ROOM, upto, None, 10).await?;
    tx.thread_list(ROOM, upto, Some(alice), 10).await?;
    tx.thread_subscription_get(alice, ROOM, event).await?;

    // What other servers are told, and how it stands with them.
    let there = server_name!("there.example");
    tx.outbox_stream(there, after, upto, 10).await?;
    tx.room_servers(ROOM).await?;
    tx.room_servers_left_each(&[ROOM]).await?;
    tx.room_servers_of(alice, there).await?;
    tx.receipt_stream(after, upto, 10).await?;
    tx.typing_stream(after, upto, 10).await?;
    tx.device_list_stream(after, upto).await?;
    tx.destination_any_due(1).await?;
    tx.destination_lease(1, 2, false, 10).await?;
    tx.destination_get(there).await?;
    tx.destination_rest(there).await?;
    tx.outbox_event_list(there, crate::EventNid(1), 10).await?;
    tx.outbox_edu_list(there, 1, 10).await?;
    tx.outbox_event_more_than(there, 1).await?;
    tx.outbox_event_thin(there).await?;
    tx.to_device_full_each(&[alice], alice, (1, 1)).await?;

    // Search.
    tx.search_rooms(alice, 10).await?;
    tx.search_find(&[ROOM], ["a", "b", "c", "d"], upto, 10, 10)
        .await?;
    Ok(())
}

#[test]
fn sqlite_reads_no_table_as_a_whole() {
    let explained = explained(|tx| Box::pin(ask_all(tx)));
    assert!(explained.len() > 50, "{} queries", explained.len());
    for (text, steps) in explained {
        // What is made within the query may be gone through.
        let scans = steps.iter().filter_map(|step| step.strip_prefix("SCAN "));
        let tables: Vec<_> = scans.filter(|of| !is_made(of)).collect();
        assert!(tables.is_empty(), "{text}\n{steps:#?}");
    }
}

/// A row without a table, a recursion, a query within the query.
fn is_made(scanned: &str) -> bool {
    let made = ["CONSTANT ROW", "p", "related", "w", "replacement"];
    scanned.starts_with("(subquery") || made.contains(&scanned)
}

struct Nobody;

impl crate::Committed for Nobody {
    fn committed(&self, _: Wakes) {}
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test environment says where PostgreSQL is"
)]
async fn postgres_reads_no_table_as_a_whole() {
    let Some(server) = std::env::var("ROHRPOST_TEST_POSTGRES")
        .ok()
        .filter(|url| !url.is_empty())
    else {
        return;
    };
    let name = format!("rohrpost_plans_{}", std::process::id());
    let base = server.rsplit_once('/').unwrap().0;
    let url = format!("{base}/{name}");
    let maintenance = connect(&server).await;
    maintenance
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0"))
        .await
        .unwrap();
    let store = Store::open(
        &url,
        1,
        std::sync::Arc::new(AfterCommit),
        std::sync::Arc::new(Nobody),
    )
    .await
    .unwrap();
    store.close().await;
    let client = connect(&url).await;
    client
        .batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    let mut faults = Vec::new();
    for (text, _) in explained(|tx| Box::pin(ask_all(tx))) {
        // SQLite's way of writing parameters.
        let text = text.replace('?', "$");
        let params = (1..20)
            .filter(|number| text.contains(&format!("${number}")))
            .count();
        let nulls = vec!["NULL"; params].join(", ");
        let arguments = if params == 0 {
            String::new()
        } else {
            format!("({nulls})")
        };
        let sql = format!("PREPARE asked AS {text}; EXPLAIN EXECUTE asked{arguments}; DEALLOCATE asked");
        let mut steps = Vec::new();
        for message in client.simple_query(&sql).await.unwrap() {
            if let SimpleQueryMessage::Row(row) = message {
                steps.push(row.get(0).unwrap_or_default().to_owned());
            }
        }
        assert!(!steps.is_empty(), "{text}");
        if steps.iter().any(|step| step.contains("Seq Scan")) {
            faults.push(format!("{text}\n{}", steps.join("\n")));
        }
    }
    drop(client);
    maintenance
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .unwrap();
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    // It ends with its client, or with the runtime.
    drop(tokio_util::task::TaskTracker::new().spawn(connection));
    client
}
