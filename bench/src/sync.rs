//! The sync benchmark: accounts in many rooms, and many clients who wait.
//!
//! What it must show beside the figures: that news in one room cost the same whether somebody is in 200 rooms or in
//! 2,000. Both shapes of sync are measured, `/v3/sync` with lazily loaded members, and sliding sync as apps use it.

mod incremental;
mod initial;
mod waiting;

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::{
    http_client::Connection,
    people::{Person, register, room, segment},
    proc::{load_average, memory_mib},
    report::{Report, ms},
    server::Server,
    timing::Timings,
};

/// Rooms of the accounts that are measured.
const FEW: usize = 200;
const SOME: usize = 500;
const MANY: usize = 2_000;
/// Clients who wait, and the people they belong to.
const CLIENTS: usize = 2_000;
const OWNERS: usize = 50;
/// By how much news may be dearer in many rooms than in few: what two measurements of the same differ by.
const GROWTH: f64 = 1.5;

const SLIDING: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";

/// Runs it and prints the table.
pub(crate) fn run(program: &Path, postgres: Option<&str>) -> anyhow::Result<()> {
    let beside = program.parent().context("the server's program is in no folder")?;
    // Not in the system's temporary folder: that may be in memory, and then no disk would be waited for.
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let sqlite = || format!("sqlite:{}", folder.path().join("rohrpost.db").display());
    let database = postgres.map_or_else(sqlite, str::to_owned);
    let load_before = load_average()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let server = runtime.block_on(Server::start(program, folder.path(), &database))?;
    let mut report = Report::default();
    let ended = runtime
        .block_on(measure(&server, &mut report))
        .and_then(|()| server.stop())?;
    println!(
        "\n{report}\n{} on {} cores; load average {load_before} before, {} after; the server ended with {ended}.",
        if postgres.is_none() {
            "SQLite"
        } else {
            "PostgreSQL"
        },
        std::thread::available_parallelism()?,
        load_average()?,
    );
    Ok(())
}

/// Somebody in so many rooms, and the room that the writer is in as well.
struct Account<'a> {
    person: &'a Person,
    shared: String,
}

async fn measure(server: &Server, report: &mut Report) -> anyhow::Result<()> {
    println!("making {} people", OWNERS + 4);
    let people = register(server.address, OWNERS + 4).await?;
    let [writer, few, some, many, owners @ ..] = &people[..] else {
        anyhow::bail!("too few people")
    };
    let mut accounts = Vec::new();
    for (person, count) in [(few, FEW), (some, SOME), (many, MANY)] {
        println!("making {count} rooms");
        for _ in 1..count {
            room(server.address, &[person]).await?;
        }
        let shared = room(server.address, &[person, writer]).await?;
        accounts.push(Account { person, shared });
    }
    let [few, some, many] = &accounts[..] else {
        anyhow::bail!("too few accounts")
    };

    println!("beginning with {SOME} rooms");
    let initial = initial::measure(server, some).await?;
    report.tell("initial sync v3, 500 rooms, p50", ms(initial.v3.percentile(50)));
    report.tell(
        "initial sliding sync, window of 20, p50",
        ms(initial.window.percentile(50)),
    );
    report.tell(
        "initial sliding sync, all 500 rooms, p50",
        ms(initial.all.percentile(50)),
    );

    println!("hearing of one message in {MANY} and in {FEW} rooms");
    let (mut in_many, mut in_few) = (incremental::Heard::default(), incremental::Heard::default());
    // In turns, so that both meet the same load.
    for round in 0..incremental::ROUNDS {
        in_many.add(incremental::measure(server, writer, many, round).await?);
        in_few.add(incremental::measure(server, writer, few, round).await?);
    }
    let [v3_many, v3_few] = [in_many.v3, in_few.v3].map(Timings::new);
    let [sliding_many, sliding_few] = [in_many.sliding, in_few.sliding].map(Timings::new);
    report.tell("one message, v3, 200 rooms, p50", ms(v3_few.percentile(50)));
    compare(report, "one message, v3, 2,000 rooms, p50", &v3_many, &v3_few);
    report.tell("one message, v3, 2,000 rooms, p99", ms(v3_many.percentile(99)));
    report.tell(
        "one message, sliding, 200 rooms, p50",
        ms(sliding_few.percentile(50)),
    );
    compare(
        report,
        "one message, sliding, 2,000 rooms, p50",
        &sliding_many,
        &sliding_few,
    );
    report.tell(
        "one message, sliding, 2,000 rooms, p99",
        ms(sliding_many.percentile(99)),
    );

    println!("waiting with {CLIENTS} clients, {} s", waiting::SECONDS);
    let idle = waiting::measure(server, owners).await?;
    report.tell(
        "2,000 waiting clients, memory of each",
        format!("{:.1} KiB", idle.kib_per_client),
    );
    report.tell(
        "2,000 waiting clients, CPU while idle",
        format!("{:.2} %", idle.cpu_share * 100.0),
    );
    report.tell(
        "memory afterwards",
        format!("{:.1} MiB", memory_mib(server.pid())?),
    );
    Ok(())
}

fn compare(report: &mut Report, name: &'static str, many: &Timings, few: &Timings) {
    let (many, limit) = (many.percentile(50), few.percentile(50).mul_f64(GROWTH));
    let target = format!("at most {GROWTH} times that of 200 rooms, {}", ms(limit));
    report.hold(name, ms(many), target, many <= limit);
}

/// One `/v3/sync`; answers it and its `next_batch`.
async fn v3(
    connection: &mut Connection,
    since: Option<&str>,
    timeout: Duration,
) -> anyhow::Result<(Value, String)> {
    let filter = segment(r#"{"room":{"state":{"lazy_load_members":true}}}"#);
    let since = since
        .map(|since| format!("&since={}", segment(since)))
        .unwrap_or_default();
    let path = format!(
        "/_matrix/client/v3/sync?timeout={}&filter={filter}{since}",
        timeout.as_millis()
    );
    let answer = connection.json(http::Method::GET, &path, &Value::Null).await?;
    let next = answer["next_batch"]
        .as_str()
        .context("a sync without next_batch")?
        .to_owned();
    Ok((answer, next))
}

/// One request of sliding sync for the first `rooms` rooms; answers it and its position.
async fn sliding(
    connection: &mut Connection,
    pos: Option<&str>,
    rooms: usize,
) -> anyhow::Result<(Value, String)> {
    let state = json!([
        ["m.room.name", ""],
        ["m.room.encryption", ""],
        ["m.room.member", "$LAZY"],
        ["m.room.member", "$ME"],
        ["m.room.topic", ""],
        ["m.room.avatar", ""],
        ["m.room.canonical_alias", ""],
        ["m.room.power_levels", ""],
        ["org.matrix.msc3401.call.member", "*"],
        ["m.room.join_rules", ""],
        ["m.room.tombstone", ""],
        ["m.room.create", ""],
        ["m.room.history_visibility", ""],
        ["m.space.parent", "*"],
        ["m.space.child", "*"],
    ]);
    let body = json!({
        "conn_id": "room-list",
        "lists": { "all_rooms": {
            "ranges": [[0, rooms.saturating_sub(1)]], "timeline_limit": 1, "required_state": state, "filters": {},
        } },
        "extensions": {
            "account_data": { "enabled": true }, "receipts": { "enabled": true, "rooms": ["*"] },
            "typing": { "enabled": true },
        },
    });
    let pos = pos
        .map(|pos| format!("?pos={}", segment(pos)))
        .unwrap_or_default();
    let answer = connection
        .json(http::Method::POST, &format!("{SLIDING}{pos}"), &body)
        .await?;
    let next = answer["pos"]
        .as_str()
        .context("a sliding sync without pos")?
        .to_owned();
    Ok((answer, next))
}
