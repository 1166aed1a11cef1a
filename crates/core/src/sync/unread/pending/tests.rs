use rohrpost_store::{ReceiptRow, RoomNid, StreamPos};
use ruma::{OwnedEventId, event_id, owned_event_id, user_id};

use super::{Counts, Marks, Pending};

fn receipt(kind: &str, thread: &str, at: i64) -> ReceiptRow {
    ReceiptRow {
        room: RoomNid(1),
        user_id: user_id!("@anna:example.org").to_owned(),
        kind: kind.to_owned(),
        thread: thread.to_owned(),
        event_id: owned_event_id!("$read"),
        event_pos: StreamPos(at),
        ts: 0,
        pos: StreamPos(at),
    }
}

fn root() -> OwnedEventId {
    owned_event_id!("$root")
}

#[test]
fn the_newest_of_public_and_private_receipts_counts() {
    let marks = Marks::new(
        StreamPos(5),
        &[receipt("m.read", "", 10), receipt("m.read.private", "", 20)],
    );
    assert_eq!(marks.main(), StreamPos(20));
    assert_eq!(marks.of(Some(&root())), StreamPos(20));
}

#[test]
fn a_receipt_from_before_the_join_moves_nothing() {
    let marks = Marks::new(
        StreamPos(50),
        &[receipt("m.read", "", 10), receipt("m.read", "main", 20)],
    );
    assert_eq!((marks.all(), marks.main()), (StreamPos(50), StreamPos(50)));
}

#[test]
fn a_receipt_of_a_thread_reads_that_thread_only() {
    let mut pending = Pending::default();
    pending.add(None, StreamPos(11), false);
    pending.add(Some(root()), StreamPos(12), true);
    pending.read(&Marks::new(StreamPos(0), &[receipt("m.read", "$root", 12)]));
    let counts = pending.counts();
    assert_eq!(
        counts.main,
        Counts {
            notifications: 1,
            highlights: 0
        }
    );
    assert!(counts.threads.is_empty());

    pending.add(Some(root()), StreamPos(13), true);
    pending.read(&Marks::new(StreamPos(0), &[receipt("m.read", "main", 20)]));
    let counts = pending.counts();
    assert_eq!(counts.main, Counts::default());
    assert_eq!(
        counts.total(),
        Counts {
            notifications: 1,
            highlights: 1
        }
    );
}

#[test]
fn writing_reads_the_thread_that_is_written_in() {
    let mut pending = Pending::default();
    pending.add(None, StreamPos(11), false);
    pending.add(Some(root()), StreamPos(12), false);
    pending.clear(Some(event_id!("$root")));
    assert_eq!(pending.counts().total().notifications, 1);
    pending.clear(None);
    assert_eq!(pending.counts().total(), Counts::default());
}
