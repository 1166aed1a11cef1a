//! How SQLite goes about the queries that run all the time. A change here is a change of speed by orders of
//! magnitude on a large database: look twice before following it.

use futures_util::future::BoxFuture;
use ruma::{
    device_id, event_id,
    events::{StateEventType, room::member::MembershipState},
    room_id, server_name, user_id,
};

use super::*;
use crate::{EventNid, RoomNews, RoomNid, StreamPos};

const ROOM: RoomNid = RoomNid(1);
const AFTER: StreamPos = StreamPos(1);
const UPTO: StreamPos = StreamPos(2);

/// Each query that `calls` runs, with its steps as SQLite explains them.
pub(in crate::engine) fn explained(
    calls: impl for<'a> FnOnce(&'a mut Tx<'_>) -> BoxFuture<'a, Result<()>>,
) -> Vec<(String, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    let mut conn = open_writer(&folder.path().join("plan.db")).unwrap();
    conn.texts.clear();
    ready(calls(&mut Tx::new(TxEngine::Sqlite(&mut conn))))
        .unwrap()
        .unwrap();
    let mut texts: Vec<String> = conn.texts.values().map(ToString::to_string).collect();
    texts.sort();
    let mut explained = Vec::new();
    for text in texts {
        let mut statement = conn.conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let params = statement.parameter_count();
        let nulls = rusqlite::params_from_iter((0..params).map(|_| rusqlite::types::Null));
        let rows = statement.query_map(nulls, |row| row.get::<_, String>(3)).unwrap();
        let steps = rows.map(|step| step.unwrap()).collect();
        drop(statement);
        explained.push((text, steps));
    }
    explained
}

/// The steps of each query that `calls` runs, as SQLite explains them.
fn plan(calls: impl for<'a> FnOnce(&'a mut Tx<'_>) -> BoxFuture<'a, Result<()>>) -> Vec<String> {
    let explained = explained(calls).into_iter();
    explained.flat_map(|(_, steps)| steps).collect()
}

/// Compares the plan of one or more calls of resource methods with what it has to be.
macro_rules! plan {
    (|$tx:ident| $call:expr => $expected:expr) => {
        let steps = plan(|$tx| {
            Box::pin(async move {
                $call.await?;
                Ok(())
            })
        });
        let expected: &[&str] = &$expected;
        assert_eq!(steps, expected, "{}", stringify!($call));
    };
}

#[test]
fn timelines_are_read_by_room_and_position() {
    plan!(|tx| tx.event_list_back(ROOM, AFTER, UPTO, 10) => [
        "SEARCH events USING INDEX events_by_pos (room_nid=? AND pos>? AND pos<?)",
    ]);
    plan!(|tx| tx.event_list_forward(ROOM, AFTER, UPTO, 10) => [
        "SEARCH events USING INDEX events_by_pos (room_nid=? AND pos>? AND pos<?)",
    ]);
    plan!(|tx| tx.event_list_state(ROOM, AFTER, UPTO) => [
        "SEARCH events USING INDEX state_events_by_pos (room_nid=? AND pos>? AND pos<?)",
    ]);
    plan!(|tx| tx.event_get(ROOM, event_id!("$a")) => [
        "SEARCH events USING INDEX events_by_id (room_nid=? AND event_id=?)",
    ]);
    plan!(|tx| tx.event_get_many(ROOM, &[EventNid(1)]) => [
        "SEARCH events USING INTEGER PRIMARY KEY (rowid=?)",
    ]);
    plan!(|tx| tx.event_exists(room_id!("!a:b"), event_id!("$a")) => [
        "SEARCH r USING COVERING INDEX sqlite_autoindex_rooms_1 (room_id=?)",
        "SEARCH e USING COVERING INDEX events_by_id (room_nid=? AND event_id=?)",
    ]);
}

#[test]
fn the_current_state_is_read_by_key() {
    plan!(|tx| tx.state_current(ROOM, &StateEventType::RoomName, "") => [
        "SEARCH current_state USING PRIMARY KEY (room_nid=? AND kind=? AND state_key=?)",
    ]);
    plan!(|tx| tx.state_current_list(ROOM, None) => [
        "SEARCH current_state USING PRIMARY KEY (room_nid=?)",
    ]);
    plan!(|tx| tx.state_current_list(ROOM, Some(AFTER)) => [
        "SEARCH current_state USING INDEX current_state_by_pos (room_nid=? AND pos>?)",
    ]);
    plan!(|tx| tx.directory_state(&[ROOM], ["a", "b", "c", "d", "e", "f", "g", "h"]) => [
        "SEARCH c USING PRIMARY KEY (room_nid=? AND kind=? AND state_key=?)",
        "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)",
    ]);
}

#[test]
fn memberships_are_read_by_user_or_by_room() {
    let alice = user_id!("@alice:example.org");
    plan!(|tx| tx.membership_list(alice) => [
        "SEARCH memberships USING PRIMARY KEY (user_id=?)",
    ]);
    plan!(|tx| tx.membership_list_of(alice, &MembershipState::Join) => [
        "SEARCH memberships USING PRIMARY KEY (user_id=?)",
    ]);
    plan!(|tx| tx.membership_list_changed(alice, AFTER, UPTO) => [
        "SEARCH memberships USING INDEX memberships_by_pos (user_id=? AND pos>? AND pos<?)",
    ]);
    plan!(|tx| tx.membership_rooms_active(alice, AFTER) => [
        "SEARCH m USING PRIMARY KEY (user_id=?)",
        "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)",
    ]);
    plan!(|tx| tx.membership_list_in(ROOM, &MembershipState::Join) => [
        "SEARCH memberships USING INDEX memberships_by_room (room_nid=? AND membership=?)",
    ]);
    plan!(|tx| tx.membership_local_joined(ROOM) => [
        "SEARCH memberships USING INDEX memberships_by_room (room_nid=? AND membership=?)",
    ]);
    plan!(|tx| tx.membership_local_sharing(alice) => [
        "SEARCH a USING PRIMARY KEY (user_id=?)",
        "SEARCH b USING INDEX memberships_by_room (room_nid=? AND membership=?)",
        "USE TEMP B-TREE FOR DISTINCT",
    ]);
    plan!(|tx| tx.membership_is_sharing(alice, alice) => [
        "SEARCH a USING PRIMARY KEY (user_id=?)",
        "SEARCH b USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
    ]);
}

#[test]
fn rooms_of_other_servers_are_read_by_name() {
    let (there, alice) = (server_name!("there.example"), user_id!("@alice:example.org"));
    plan!(|tx| tx.server_room_of_event(there, event_id!("$a")) => [
        "SEARCH s USING COVERING INDEX room_servers_by_server (server=?)",
        "SEARCH e USING COVERING INDEX events_by_id (room_nid=? AND event_id=?)",
    ]);
    plan!(|tx| tx.server_sharing_each(there, &[alice]) => [
        "SEARCH m USING PRIMARY KEY (user_id=?)",
        "SEARCH s USING COVERING INDEX room_servers_by_server (server=? AND room_nid=?)",
    ]);
    plan!(|tx| tx.remote_keys_list_valid(&[alice.to_owned()], there, 0) => [
        "SEARCH r USING PRIMARY KEY (user_id=?)",
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH c USING PRIMARY KEY (user_id=?)",
        "CORRELATED SCALAR SUBQUERY 2",
        "SEARCH m USING PRIMARY KEY (user_id=?)",
        "SEARCH s USING PRIMARY KEY (room_nid=? AND server=?)",
    ]);
    plan!(|tx| tx.server_people_in(ROOM, there, 10) => [
        "SEARCH memberships USING COVERING INDEX memberships_by_room (room_nid=?)",
    ]);
}

#[test]
fn what_is_new_is_read_from_the_stream() {
    let alice = user_id!("@alice:example.org");
    plan!(|tx| tx.event_rooms_between(alice, AFTER, UPTO) => [
        "SEARCH e USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "SEARCH m USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
        "USE TEMP B-TREE FOR DISTINCT",
        "SEARCH l USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        "SEARCH m USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
        "USE TEMP B-TREE FOR DISTINCT",
    ]);
    plan!(|tx| tx.room_news(RoomNews::Receipts, alice, AFTER, UPTO) => [
        "SEARCH n USING COVERING INDEX receipts_by_pos (pos>? AND pos<?)",
        "SEARCH m USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
        "USE TEMP B-TREE FOR DISTINCT",
    ]);
    plan!(|tx| tx.room_news(RoomNews::Typing, alice, AFTER, UPTO) => [
        "SEARCH n USING COVERING INDEX typing_by_pos (pos>? AND pos<?)",
        "SEARCH m USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
        "USE TEMP B-TREE FOR DISTINCT",
    ]);
    plan!(|tx| tx.room_news_far(RoomNews::Receipts, alice, AFTER, UPTO) => [
        "SEARCH m USING PRIMARY KEY (user_id=?)",
        "SEARCH n EXISTS USING COVERING INDEX receipts_by_room_pos (room_nid=? AND pos>? AND pos<?)",
    ]);
    plan!(|tx| tx.room_news_far(RoomNews::Typing, alice, AFTER, UPTO) => [
        "SEARCH m USING PRIMARY KEY (user_id=?)",
        "SEARCH n EXISTS USING PRIMARY KEY (room_nid=?)",
    ]);
    plan!(|tx| tx.sticky_event_list_of(alice, (Some(AFTER), UPTO), 1, 10) => [
        "SEARCH s USING INDEX sticky_events_by_nid (nid>? AND nid<?)",
        "SEARCH m USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
    ]);
    plan!(|tx| tx.sticky_event_list_of(alice, (None, UPTO), 1, 10) => [
        "SEARCH m USING PRIMARY KEY (user_id=?)",
        "SEARCH s USING PRIMARY KEY (room_nid=? AND nid>? AND nid<?)",
        "USE TEMP B-TREE FOR ORDER BY",
    ]);
    plan!(|tx| tx.profile_change_list(alice, AFTER, UPTO, 10) => [
        "SEARCH c USING COVERING INDEX profile_changes_by_pos (pos>? AND pos<?)",
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH a USING PRIMARY KEY (user_id=?)",
        "SEARCH b USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
    ]);
    plan!(|tx| tx.thread_subscription_list(alice, AFTER, UPTO, 10) => [
        "SEARCH t USING INDEX thread_subscriptions_by_pos (user_id=? AND pos>? AND pos<?)",
        "SEARCH r USING INTEGER PRIMARY KEY (rowid=?)",
    ]);
    plan!(|tx| tx.account_data_list(alice, AFTER, UPTO) => [
        "SEARCH account_data USING INDEX account_data_by_pos (user_id=? AND pos>? AND pos<?)",
    ]);
    plan!(|tx| tx.device_list_changed(alice, AFTER, UPTO) => [
        "MERGE (UNION)",
        "LEFT",
        "SEARCH d USING COVERING INDEX device_list_changes_by_pos (pos>? AND pos<?)",
        "CORRELATED SCALAR SUBQUERY 1",
        "SEARCH a USING PRIMARY KEY (user_id=?)",
        "SEARCH b USING COVERING INDEX memberships_by_room (room_nid=? AND membership=? AND user_id=?)",
        "USE TEMP B-TREE FOR ORDER BY",
        "RIGHT",
        "SEARCH s USING COVERING INDEX signed_user_changes_by_pos (signer_user=? AND pos>? AND pos<?)",
        "USE TEMP B-TREE FOR ORDER BY",
    ]);
    plan!(|tx| tx.receipt_list(ROOM, AFTER, UPTO) => [
        "SEARCH receipts USING INDEX receipts_by_room_pos (room_nid=? AND pos>? AND pos<?)",
    ]);
    plan!(|tx| tx.to_device_list(alice, device_id!("A"), UPTO, 10) => [
        "SEARCH to_device USING INDEX sqlite_autoindex_to_device_1 (user_id=? AND device_id=? AND pos<?)",
    ]);
}

#[test]
fn requests_are_told_apart_by_key() {
    let alice = user_id!("@alice:example.org");
    plan!(|tx| tx.caller_get(&[0; 32]) => [
        "SEARCH t USING INDEX sqlite_autoindex_tokens_1 (hash=?)",
        "SEARCH d USING INDEX sqlite_autoindex_devices_1 (user_id=? AND device_id=?)",
        "SEARCH u USING INDEX sqlite_autoindex_users_1 (user_id=?)",
    ]);
    plan!(|tx| tx.txn_get(alice, device_id!("A"), "e", "t") => [
        "SEARCH txns USING PRIMARY KEY (user_id=? AND device_id=? AND endpoint=? AND txn_id=?)",
    ]);
    plan!(|tx| tx.room_lock(room_id!("!a:b")) => [
        "SEARCH rooms USING INDEX sqlite_autoindex_rooms_1 (room_id=?)",
    ]);
    plan!(|tx| tx.room_extremities(ROOM) => [
        "SEARCH forward_extremities USING PRIMARY KEY (room_nid=?)",
    ]);
}
