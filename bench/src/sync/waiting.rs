//! Many clients who wait for news that don't come.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{CLIENTS, sliding, v3};
use crate::{
    people::Person,
    proc::{cpu_time, memory_mib},
    server::Server,
};

/// How long they are watched, in seconds.
pub(super) const SECONDS: u64 = 10;
/// How long they are given to begin to wait.
const SETTLE: Duration = Duration::from_secs(5);
/// Longer than everything else takes.
const TIMEOUT: Duration = Duration::from_secs(110);

/// Which of the two syncs they wait with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    V3,
    Sliding,
}

/// What clients cost that only wait.
pub(super) struct Idle {
    /// Connection and request included.
    pub(super) kib_per_client: f64,
    /// Of one core.
    pub(super) cpu_share: f64,
}

pub(super) async fn measure(server: &Server, owners: &[Person], shape: Shape) -> anyhow::Result<Idle> {
    let mut tokens = Vec::new();
    for person in owners {
        let mut connection = person.connect(server.address).await?;
        tokens.push(v3(&mut connection, None, Duration::ZERO).await?.1);
    }
    let before = memory_mib(server.pid())?;
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let owner = number % owners.len();
        let mut connection = owners[owner].connect(server.address).await?;
        // A client of sliding sync has been told what there is first. Each is a connection of its own.
        connection.conn_id = format!("c{}", number / owners.len());
        let since = match shape {
            Shape::V3 => tokens[owner].clone(),
            Shape::Sliding => sliding(&mut connection, None, 20, Duration::ZERO).await?.1,
        };
        clients.spawn(async move {
            match shape {
                Shape::V3 => v3(&mut connection, Some(&since), TIMEOUT).await.map(|_| ()),
                Shape::Sliding => sliding(&mut connection, Some(&since), 20, TIMEOUT)
                    .await
                    .map(|_| ()),
            }
        });
    }
    tokio::time::sleep(SETTLE).await;
    let (begun, cpu) = (Instant::now(), cpu_time(server.pid())?);
    tokio::time::sleep(Duration::from_secs(SECONDS)).await;
    let (took, cpu) = (begun.elapsed(), cpu_time(server.pid())? - cpu);
    let after = memory_mib(server.pid())?;
    anyhow::ensure!(clients.try_join_next().is_none(), "a client did not wait");
    let count = u32::try_from(CLIENTS)?;
    Ok(Idle {
        kib_per_client: (after - before) * 1024.0 / f64::from(count),
        cpu_share: cpu.as_secs_f64() / took.as_secs_f64(),
    })
}
