//! What requests cost: the time until the answer is there, and the CPU time of the server.
//!
//! On a machine that does other work as well the first says little and the second much, so limits are put to that.

use std::time::{Duration, Instant};

use crate::{proc::cpu_time_now, server::Server, timing::Timings};

/// How long the server is given to finish what a request left behind, so that it isn't counted to the next one.
const SETTLE: Duration = Duration::from_millis(4);

/// What requests of one kind cost.
#[derive(Default)]
pub(super) struct Costs {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
}

/// The same, put in order.
pub(super) struct Cost {
    /// Until the answer was there.
    pub(super) wall: Timings,
    /// Of the server.
    pub(super) cpu: Timings,
}

impl Costs {
    /// Runs a request and notes what it costs.
    pub(super) async fn of<T>(
        &mut self,
        server: &Server,
        request: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        tokio::time::sleep(SETTLE).await;
        let (begun, cpu) = (Instant::now(), cpu_time_now(server.pid())?);
        let answer = request.await?;
        self.wall.push(begun.elapsed());
        self.cpu.push(cpu_time_now(server.pid())?.saturating_sub(cpu));
        Ok(answer)
    }

    /// Forgets what was noted.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    pub(super) fn add(&mut self, other: Self) {
        self.wall.extend(other.wall);
        self.cpu.extend(other.cpu);
    }

    pub(super) fn sorted(self) -> Cost {
        Cost {
            wall: Timings::new(self.wall),
            cpu: Timings::new(self.cpu),
        }
    }
}
