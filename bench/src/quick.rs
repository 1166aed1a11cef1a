//! The quick benchmark: memory, single sends, sends under load, and the way from a send to its reader.
//!
//! Other programs on the same computer change every figure, so the load is printed with them, and the server's rate
//! is held against what the store alone does in the same minute. Everything is bounded in count and in time.

mod load;
mod send_to_sync;
mod single;

use std::{path::Path, time::Duration};

use anyhow::Context as _;

use crate::{
    append,
    people::{Person, register, room},
    proc::{load_average, memory_mib},
    report::{Report, ms},
    server::Server,
    timing::Timings,
};

const CALLERS: usize = 32;
const ROOMS: usize = 16;
/// How long the store alone is measured, before and again after the load.
const APPEND_SECONDS: f64 = 2.0;
/// Rounds of single sends and of sends to a reader.
const ROUNDS: usize = 4;
/// How long a server that has just started is left alone before its memory is looked at.
const SETTLE: Duration = Duration::from_millis(500);

/// People and rooms: caller `n` sends to room `n % ROOMS`, whose other members are the callers next to them.
struct Scene {
    people: Vec<Person>,
    rooms: Vec<String>,
}

/// Runs it and prints the table.
pub(crate) fn run(program: &Path, postgres: Option<&str>) -> anyhow::Result<()> {
    let beside = program.parent().context("the server's program is in no folder")?;
    // Not in the system's temporary folder: that may be in memory, and then no disk would be waited for.
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let sqlite = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    let database = postgres.map_or_else(|| sqlite("rohrpost.db"), str::to_owned);
    // On PostgreSQL both share a database: there it is the server that is waited for, not the file.
    let bare = postgres.map_or_else(|| sqlite("append.db"), str::to_owned);
    let load_before = load_average()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;

    let server = runtime.block_on(Server::start(program, folder.path(), &database))?;
    std::thread::sleep(SETTLE);
    let empty_mib = memory_mib(server.pid())?;
    println!("making {} people and {ROOMS} rooms", CALLERS);
    let scene = runtime.block_on(Scene::make(&server))?;
    println!("appending without a server, {APPEND_SECONDS} s");
    let appends_before = append::rate(&bare, APPEND_SECONDS)?;
    println!("sending with {CALLERS} callers, {} s", load::SECONDS);
    let load = runtime.block_on(load::measure(&server, &scene))?;
    println!("appending without a server, {APPEND_SECONDS} s");
    let appends = f64::midpoint(appends_before, append::rate(&bare, APPEND_SECONDS)?);
    println!("sending with one caller, and to somebody who waits");
    let (mut single, mut reached) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same load.
    for round in 0..ROUNDS {
        single.extend(runtime.block_on(single::measure(&server, &scene, round))?);
        reached.extend(runtime.block_on(send_to_sync::measure(&server, &scene, round))?);
    }
    let (single, reached) = (Timings::new(single), Timings::new(reached));
    let after_mib = memory_mib(server.pid())?;
    let ended = server.stop()?;

    let mut report = Report::default();
    report.hold(
        "empty server, memory",
        mib(empty_mib),
        "below 50 MiB".to_owned(),
        empty_mib < 50.0,
    );
    report.tell("send, one caller, p50", ms(single.percentile(50)));
    report.tell("send, one caller, p99", ms(single.percentile(99)));
    report.tell(
        "sends, 32 callers, 16 rooms",
        format!("{:.0}/s", load.sends_per_second),
    );
    report.tell("store alone, appends", format!("{appends:.0}/s"));
    let share = load.sends_per_second / appends;
    let share_target = "at least 20 % on SQLite".to_owned();
    if postgres.is_none() {
        report.hold("sends : appends", percent(share), share_target, share >= 0.2);
    } else {
        report.tell("sends : appends", percent(share));
    }
    let cpu_target = Duration::from_micros(500);
    let cpu_target_text = format!("at most {}", ms(cpu_target));
    report.hold(
        "CPU of the server per send",
        ms(load.cpu_per_send),
        cpu_target_text,
        load.cpu_per_send <= cpu_target,
    );
    report.tell("send, 32 callers, p50", ms(load.sends.percentile(50)));
    report.tell("send, 32 callers, p99", ms(load.sends.percentile(99)));
    let (way, way_target) = (reached.percentile(50), 2 * single.percentile(50));
    let way_target_text = format!("at most twice the send p50, {}", ms(way_target));
    report.hold("send to sync, p50", ms(way), way_target_text, way <= way_target);
    report.tell("send to sync, p99", ms(reached.percentile(99)));
    report.tell("memory afterwards", mib(after_mib));
    println!(
        "\n{report}\n{} on {} cores; load average {load_before} before, {} after; under load other programs kept {:.1} \
         cores busy, this one {:.1}.\n{} single sends, {} under load, {} to a reader; the server ended with {ended}.",
        if postgres.is_none() {
            "SQLite"
        } else {
            "PostgreSQL"
        },
        std::thread::available_parallelism()?,
        load_average()?,
        load.cores_of_others,
        load.cores_of_this,
        single.count(),
        load.sends.count(),
        reached.count(),
    );
    Ok(())
}

impl Scene {
    async fn make(server: &Server) -> anyhow::Result<Self> {
        let people = register(server.address, CALLERS).await?;
        let mut rooms = Vec::with_capacity(ROOMS);
        for number in 0..ROOMS {
            let next = (number + 1) % ROOMS;
            let members = [number, number + ROOMS, next, next + ROOMS].map(|member| &people[member]);
            rooms.push(room(server.address, &members).await?);
        }
        Ok(Self { people, rooms })
    }
}

fn mib(mib: f64) -> String {
    format!("{mib:.1} MiB")
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
