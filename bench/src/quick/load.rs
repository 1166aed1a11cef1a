//! Many callers in many rooms, each of whom waits for their own answer and goes on at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{CALLERS, ROOMS, Scene};
use crate::{
    messages::Sender,
    proc::{cpu_time, cpu_time_of_all},
    server::Server,
    timing::Timings,
};

const WARM_UP: Duration = Duration::from_secs(1);
/// How long it is measured, in seconds.
pub(super) const SECONDS: u64 = 6;

/// What the load brought.
pub(super) struct Load {
    pub(super) sends: Timings,
    pub(super) sends_per_second: f64,
    pub(super) cpu_per_send: Duration,
    /// Cores that neither the server nor this program kept busy.
    pub(super) cores_of_others: f64,
    /// Cores that this program kept busy.
    pub(super) cores_of_this: f64,
}

/// CPU time of the server, of this program and of all programs so far.
struct Cpu {
    server: Duration,
    this: Duration,
    all: Duration,
}

impl Cpu {
    fn now(server: &Server) -> anyhow::Result<Self> {
        Ok(Self {
            server: cpu_time(server.pid())?,
            this: cpu_time(std::process::id())?,
            all: cpu_time_of_all()?,
        })
    }
}

pub(super) async fn measure(server: &Server, scene: &Scene) -> anyhow::Result<Load> {
    let (measuring, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let (person, room) = (&scene.people[caller], &scene.rooms[caller % ROOMS]);
        let mut sender = Sender::connect(server.address, person, room, "load").await?;
        let (measuring, stop) = (Arc::clone(&measuring), Arc::clone(&stop));
        callers.spawn(async move {
            let mut durations = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let sent = Instant::now();
                sender.send().await?;
                if measuring.load(Ordering::Relaxed) {
                    durations.push(sent.elapsed());
                }
            }
            anyhow::Ok(durations)
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let (begun, before) = (Instant::now(), Cpu::now(server)?);
    measuring.store(true, Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    measuring.store(false, Ordering::Relaxed);
    let (took, after) = (begun.elapsed(), Cpu::now(server)?);
    stop.store(true, Ordering::Relaxed);
    let mut durations = Vec::new();
    while let Some(done) = callers.join_next().await {
        durations.extend(done??);
    }
    let count = u32::try_from(durations.len())?.max(1);
    let [server, this, all] = [
        after.server - before.server,
        after.this - before.this,
        after.all - before.all,
    ];
    let cores = |cpu: Duration| cpu.as_secs_f64() / took.as_secs_f64();
    Ok(Load {
        sends_per_second: f64::from(count) / took.as_secs_f64(),
        cpu_per_send: server / count,
        cores_of_others: cores(all.saturating_sub(server + this)),
        cores_of_this: cores(this),
        sends: Timings::new(durations),
    })
}
