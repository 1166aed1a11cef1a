//! The sync benchmark: accounts in many rooms, and many clients who wait.
//!
//! What it must show beside the figures: that news in one room cost the same whether somebody is in 20 rooms or in
//! 2,000. Limits are put to the CPU time of the server, which other work on the machine changes little. Both shapes of sync are measured, `/v3/sync` with lazily loaded members, and sliding sync as apps use it.

mod cost;
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
};

use self::{
    cost::{Cost, Costs},
    waiting::Shape,
};

/// Rooms of the accounts that are measured.
const FEW: usize = 20;
const SOME: usize = 500;
const MANY: usize = 2_000;
/// Clients who wait, and the people they belong to: a device has eight connections of sliding sync at most.
const CLIENTS: usize = 2_000;
const OWNERS: usize = 250;
/// By how much news may be dearer in many rooms than in few: what two measurements of the same differ by.
const GROWTH: f64 = 1.5;
/// The CPU time that answers may take, in ms: two to three times of what was measured on a small virtual machine.
/// First answers about 500 rooms by v3, about a window of 20, and about 500 rooms by sliding sync; then one message.
/// PostgreSQL is asked over a socket, query by query.
const CPU_LIMITS_MS: [u64; 4] = [75, 10, 100, 2];
const CPU_LIMITS_POSTGRES_MS: [u64; 4] = [500, 30, 700, 5];
/// What a client may take that only waits, its connection and a request of two kinds included.
const KIB_PER_CLIENT: f64 = 64.0;
/// How much of one core all who wait may take together.
const IDLE_SHARE: f64 = 0.01;

const SLIDING: &str = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync";

/// Runs it and prints the table.
pub(crate) fn run(program: &Path, postgres: Option<&str>) -> anyhow::Result<()> {
    let beside = program.parent().context("the server's program is in no folder")?;
    // Not in the system's temporary folder: that may be in memory, and then no disk would be waited for.
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let sqlite = || format!("sqlite:{}", folder.path().join("rohrpost.db").display());
    let database = postgres.map_or_else(sqlite, str::to_owned);
    let limits = postgres.map_or(CPU_LIMITS_MS, |_| CPU_LIMITS_POSTGRES_MS);
    let load_before = load_average()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut report = Report::default();
    runtime.block_on(async {
        let server = Server::start(program, folder.path(), &database).await?;
        let people = measure(&server, limits, &mut report).await?;
        server.stop()?;
        for (shape, names) in [
            (
                Shape::V3,
                ["2,000 clients wait with v3, memory of each", "  CPU of all"],
            ),
            (
                Shape::Sliding,
                ["2,000 clients wait with sliding, memory of each", "  CPU of all"],
            ),
        ] {
            // Another process each time: what one has had of memory it keeps.
            let server = Server::start(program, folder.path(), &database).await?;
            wait(&server, &people, shape, names, &mut report).await?;
            server.stop()?;
        }
        anyhow::Ok(())
    })?;
    println!(
        "\n{report}\n{} on {} cores; load average {load_before} before, {} after; CPU is the server's.",
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

async fn measure(server: &Server, limits: [u64; 4], report: &mut Report) -> anyhow::Result<Vec<Person>> {
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
    tell(
        report,
        ["initial v3, 500 rooms, p50", "  CPU", "  p99"],
        &initial.v3,
        limits[0],
    );
    tell(
        report,
        ["initial sliding, window of 20, p50", "  CPU", "  p99"],
        &initial.window,
        limits[1],
    );
    tell(
        report,
        ["initial sliding, all 500 rooms, p50", "  CPU", "  p99"],
        &initial.all,
        limits[2],
    );

    println!("hearing of one message in {MANY} and in {FEW} rooms");
    let (mut in_many, mut in_few) = (incremental::Heard::default(), incremental::Heard::default());
    // In turns, so that both meet the same load.
    for round in 0..incremental::ROUNDS {
        in_many.add(incremental::measure(server, writer, many, round).await?);
        in_few.add(incremental::measure(server, writer, few, round).await?);
    }
    let [v3_many, v3_few] = [in_many.v3, in_few.v3].map(Costs::sorted);
    let [sliding_many, sliding_few] = [in_many.sliding, in_few.sliding].map(Costs::sorted);
    tell(
        report,
        ["one message, v3, 20 rooms, p50", "  CPU", "  p99"],
        &v3_few,
        limits[3],
    );
    tell(
        report,
        ["one message, v3, 2,000 rooms, p50", "  CPU", "  p99"],
        &v3_many,
        limits[3],
    );
    compare(report, "  CPU of 2,000 rooms to that of 20", &v3_many, &v3_few);
    tell(
        report,
        ["one message, sliding, 20 rooms, p50", "  CPU", "  p99"],
        &sliding_few,
        limits[3],
    );
    tell(
        report,
        ["one message, sliding, 2,000 rooms, p50", "  CPU", "  p99"],
        &sliding_many,
        limits[3],
    );
    compare(
        report,
        "  CPU of 2,000 rooms to that of 20",
        &sliding_many,
        &sliding_few,
    );

    report.tell("memory then", format!("{:.1} MiB", memory_mib(server.pid())?));
    for person in owners {
        room(server.address, &[person]).await?;
    }
    Ok(people)
}

async fn wait(
    server: &Server,
    people: &[Person],
    shape: Shape,
    [memory, cpu]: [&'static str; 2],
    report: &mut Report,
) -> anyhow::Result<()> {
    println!("waiting with {CLIENTS} clients, {} s", waiting::SECONDS);
    let idle = waiting::measure(server, &people[people.len() - OWNERS..], shape).await?;
    report.hold(
        memory,
        format!("{:.1} KiB", idle.kib_per_client),
        format!("at most {KIB_PER_CLIENT:.0} KiB"),
        idle.kib_per_client <= KIB_PER_CLIENT,
    );
    report.hold(
        cpu,
        format!("{:.2} %", idle.cpu_share * 100.0),
        format!("at most {:.0} % of a core", IDLE_SHARE * 100.0),
        idle.cpu_share <= IDLE_SHARE,
    );
    Ok(())
}

/// Time and CPU of requests of one kind.
fn tell(report: &mut Report, [wall, cpu, worst]: [&'static str; 3], cost: &Cost, cpu_limit_ms: u64) {
    report.tell(wall, ms(cost.wall.percentile(50)));
    report.tell(worst, ms(cost.wall.percentile(99)));
    let (used, limit) = (cost.cpu.percentile(50), Duration::from_millis(cpu_limit_ms));
    report.hold(cpu, ms(used), format!("at most {cpu_limit_ms} ms"), used <= limit);
}

fn compare(report: &mut Report, name: &'static str, many: &Cost, few: &Cost) {
    let [many, few] = [many, few].map(|cost| cost.cpu.percentile(50).as_secs_f64());
    let ratio = many / few;
    let target = format!("at most {GROWTH} times");
    report.hold(name, format!("{ratio:.2} times"), target, ratio <= GROWTH);
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
    timeout: Duration,
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
        "conn_id": &connection.conn_id,
        "lists": { "all_rooms": {
            "ranges": [[0, rooms.saturating_sub(1)]], "timeline_limit": 1, "required_state": state, "filters": {},
        } },
        "extensions": {
            "account_data": { "enabled": true }, "receipts": { "enabled": true, "rooms": ["*"] },
            "typing": { "enabled": true },
        },
    });
    let pos = pos
        .map(|pos| format!("&pos={}", segment(pos)))
        .unwrap_or_default();
    let path = format!("{SLIDING}?timeout={}{pos}", timeout.as_millis());
    let answer = connection.json(http::Method::POST, &path, &body).await?;
    let next = answer["pos"]
        .as_str()
        .context("a sliding sync without pos")?
        .to_owned();
    Ok((answer, next))
}
