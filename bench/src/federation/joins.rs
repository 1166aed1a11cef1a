//! How long a join of a room elsewhere takes, and how much memory.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::json;

use super::{Place, Synapse};
use crate::{
    http_client::Connection,
    people::{Person, register, segment},
    proc::{forget_peak, memory_mib, peak_mib},
    report::{Report, ms},
};

/// What one join took.
struct Join {
    took: Duration,
    /// More memory than before, at the most.
    grew_mib: f64,
}

pub(super) async fn measure(
    host: &Place,
    guest: &Place,
    synapse: Option<&Synapse>,
    room: &str,
    size: usize,
    report: &mut Report,
) -> anyhow::Result<()> {
    let names: [&'static str; 5] = match size {
        100 => [
            "join of a room of 100",
            "  memory",
            "  by Synapse",
            "  its memory",
            "  ours to Synapse's",
        ],
        1_000 => [
            "join of a room of 1,000",
            "  memory",
            "  by Synapse",
            "  its memory",
            "  ours to Synapse's",
        ],
        _ => [
            "join of a room of 10,000",
            "  memory",
            "  by Synapse",
            "  its memory",
            "  ours to Synapse's",
        ],
    };
    println!("joining it");
    let ours = join(guest.server.address, guest.server.pid(), &host.name, room).await?;
    report.tell(names[0], ms(ours.took));
    report.tell(names[1], format!("{:+.1} MiB", ours.grew_mib));
    if let Some(synapse) = synapse {
        let theirs = join(synapse.address, synapse.pid(), &host.name, room).await?;
        report.tell(names[2], ms(theirs.took));
        report.tell(names[3], format!("{:+.1} MiB", theirs.grew_mib));
        let ratio = ours.took.as_secs_f64() / theirs.took.as_secs_f64();
        report.hold(
            names[4],
            format!("{ratio:.2} times"),
            "at most 1 time".to_owned(),
            ratio <= 1.0,
        );
    }
    Ok(())
}

/// Somebody joins, and waits until their server says that they are in.
async fn join(address: SocketAddr, pid: u32, via: &str, room: &str) -> anyhow::Result<Join> {
    let people = register_anew(address).await?;
    let mut connection: Connection = people.connect(address).await?;
    let before = memory_mib(pid)?;
    forget_peak(pid)?;
    let begun = Instant::now();
    let via = segment(via);
    let path = format!(
        "/_matrix/client/v3/join/{}?via={via}&server_name={via}",
        segment(room)
    );
    connection.json(Method::POST, &path, &json!({})).await?;
    Ok(Join {
        took: begun.elapsed(),
        grew_mib: peak_mib(pid)? - before,
    })
}

async fn register_anew(address: SocketAddr) -> anyhow::Result<Person> {
    register(address, 1)
        .await?
        .pop()
        .ok_or_else(|| anyhow::anyhow!("nobody was registered"))
}
