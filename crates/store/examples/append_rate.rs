//! The bare append rate of the store: how many event commits a second, durable, without a server around it.
//!
//! `cargo run --release -p rohrpost-store --example append_rate [SECONDS [URL]]` prints the rate and the CPU time
//! for one append. Without a URL it runs on SQLite in a temporary folder. The benchmark of the whole server
//! includes this file and prints its rate beside the server's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use rohrpost_store::{
    AfterCommit, Committed, EventNid, EventStatus, NewEventRow, NewRoom, RoomRow, StateNid, Store,
    StoreError, StreamPos, Tx, Wakes, Work,
};
use ruma::{EventId, OwnedRoomId, RoomVersionId, device_id, user_id};

const CALLERS: usize = 64;
const ROOMS: usize = 16;

/// Commits of one realistic event each second: 64 callers over 16 rooms, each waiting for its own commit.
///
/// # Errors
/// When the store refuses.
pub async fn append_rate(store: &Store, seconds: f64) -> Result<f64, StoreError> {
    let (done, took) = append_for(store, seconds).await?;
    Ok(done as f64 / took.as_secs_f64())
}

/// Appends until the time is over; returns how many, and in how much time.
async fn append_for(store: &Store, seconds: f64) -> Result<(i64, Duration), StoreError> {
    let rooms: Arc<[RoomRow]> = store.write(MakeRooms).await?.into();
    let (done, stop) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for caller in 0..CALLERS {
        let (store, rooms, done, stop) = (store.clone(), rooms.clone(), done.clone(), stop.clone());
        callers.spawn(async move {
            let room = &rooms[caller % ROOMS];
            while !stop.load(Ordering::Relaxed) {
                store.write(Append(room.clone(), content())).await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Ok::<_, StoreError>(())
        });
    }
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(result) = callers.join_next().await {
        match result {
            Ok(result) => result?,
            Err(_panicked) => return Err(StoreError::Stopped),
        }
    }
    Ok((done.load(Ordering::Relaxed), begun.elapsed()))
}

/// As long as an encrypted message with its hashes and signatures.
fn content() -> String {
    format!(
        "{{\"content\":{{\"ciphertext\":\"{}\"}},\"type\":\"m.room.encrypted\"}}",
        "A".repeat(900)
    )
}

struct MakeRooms;

impl Work for MakeRooms {
    type Out = Vec<RoomRow>;
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Vec<RoomRow>, StoreError> {
        let mut rooms = Vec::new();
        // Random names, so that the same database can be measured again.
        let run = std::process::id();
        let begun = tx.pos_now().await?.0;
        for number in 0..ROOMS {
            let Ok(room_id) = OwnedRoomId::try_from(format!("!append-{run}-{begun}-{number}:example.org"))
            else {
                continue;
            };
            let (version, kind) = (RoomVersionId::V12, None);
            let nid = tx
                .room_insert(&NewRoom {
                    room_id,
                    version,
                    kind,
                    is_public: false,
                })
                .await?;
            rooms.extend(tx.room_get_by_nid(nid).await?);
        }
        Ok(rooms)
    }
}

/// What sending one message writes.
struct Append(RoomRow, String);

impl Work for Append {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        let Self(room, json) = self;
        let pos = tx.pos_next().await?;
        let event = EventNid(pos.0);
        // Forty-four characters, as the specification's hashes have.
        let event_id = format!(
            "${:043}",
            pos.0.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed())
        );
        let Ok(event_id) = <&EventId>::try_from(event_id.as_str()) else {
            return Ok(());
        };
        let (sender, device, txn_id) = (
            user_id!("@alice:example.org"),
            device_id!("DEVICE"),
            pos.0.to_string(),
        );
        tx.event_insert(
            room.nid,
            &NewEventRow {
                nid: event,
                event_id,
                pos: Some(pos),
                kind: "m.room.encrypted",
                state_key: None,
                sender,
                origin_server_ts: 1_800_000_000_000,
                state_before: StateNid(1),
                status: EventStatus::Accepted,
                txn: Some((device, &txn_id)),
                replaces: None,
                json,
            },
        )
        .await?;
        let head = RoomRow {
            tag: pos.0,
            depth: pos.0,
            last_pos: pos,
            ..room.clone()
        };
        tx.room_advance(&head, event, event_id).await?;
        let endpoint = format!("send/{}/m.room.encrypted", room.room_id);
        tx.txn_insert(
            sender,
            device,
            &endpoint,
            &txn_id,
            event_id.as_str(),
            1_800_000_000_000,
        )
        .await?;
        Ok(())
    }
}

struct Nobody;

impl Committed for Nobody {
    fn committed(&self, _: Wakes) {}
}

/// User and system CPU time of this process so far, from the kernel's accounts.
fn cpu_time() -> Duration {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else {
        return Duration::ZERO;
    };
    // Counted from behind the program's name, which may contain spaces: the 12th and 13th fields, in 1/100 s.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let seconds: f64 = args.next().map_or(Ok(5.0), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let url = args
        .next()
        .unwrap_or_else(|| format!("sqlite:{}", folder.path().join("append.db").display()));
    let store = Store::open(&url, 16, Arc::new(AfterCommit), Arc::new(Nobody)).await?;
    append_for(&store, 0.5).await?;
    let before = cpu_time();
    let (done, took) = append_for(&store, seconds).await?;
    let cpu = cpu_time() - before;
    println!(
        "{}: {:.0} appends/s, {:.1} us CPU each, {CALLERS} callers, {done} in {took:.2?}",
        store.engine_name(),
        done as f64 / took.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / done as f64,
    );
    let newest = store.read(|tx| Box::pin(async { tx.pos_now().await })).await;
    let StreamPos(newest) = newest.map_err(|error: StoreError| error)?;
    assert!(newest >= done, "acknowledged appends are missing");
    store.close().await;
    Ok(())
}
