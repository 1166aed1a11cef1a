//! How long a join of a room elsewhere takes, and how much memory.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::json;

use super::{Place, Synapse};
use crate::{
    people::{Person, segment},
    proc::{forget_peak, memory_mib, peak_mib},
    report::{Report, ms},
};

/// A room that is joined.
pub(super) struct Large<'a> {
    pub(super) host: &'a Place,
    pub(super) room: String,
    pub(super) size: usize,
}

/// What one join took.
struct Join {
    took: Duration,
    /// More memory than before, at the most.
    grew_mib: f64,
}

impl Large<'_> {
    fn names(&self) -> [&'static str; 4] {
        match self.size {
            100 => [
                "join of a room of 100",
                "  memory",
                "  by Synapse",
                "  its memory",
            ],
            1_000 => [
                "join of a room of 1,000",
                "  memory",
                "  by Synapse",
                "  its memory",
            ],
            _ => [
                "join of a room of 10,000",
                "  memory",
                "  by Synapse",
                "  its memory",
            ],
        }
    }

    /// Joined by a server of ours.
    pub(super) async fn join_by(
        &self,
        guest: &Place,
        person: &Person,
        report: &mut Report,
    ) -> anyhow::Result<Duration> {
        println!("joining it");
        let join = self
            .join(guest.server.address, guest.server.pid(), person)
            .await?;
        report.tell(self.names()[0], ms(join.took));
        report.tell(self.names()[1], format!("{:+.1} MiB", join.grew_mib));
        Ok(join.took)
    }

    /// Joined by Synapse, which answers before it has the members (partial state). `ours`: how long ours took.
    pub(super) async fn join_by_synapse(
        &self,
        synapse: &Synapse,
        person: &Person,
        ours: Duration,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        println!("joining it by Synapse");
        let join = self.join(synapse.address, synapse.pid(), person).await?;
        report.tell(self.names()[2], ms(join.took));
        report.tell(self.names()[3], format!("{:+.1} MiB", join.grew_mib));
        let ratio = ours.as_secs_f64() / join.took.as_secs_f64();
        report.tell("  ours to that of Synapse", format!("{ratio:.2} times"));
        Ok(())
    }

    /// Somebody joins, and waits until their server says that they are in.
    async fn join(&self, address: SocketAddr, pid: u32, person: &Person) -> anyhow::Result<Join> {
        let mut connection = person.connect(address).await?;
        let before = memory_mib(pid)?;
        forget_peak(pid)?;
        let begun = Instant::now();
        let via = segment(&self.host.name);
        let path = format!(
            "/_matrix/client/v3/join/{}?via={via}&server_name={via}",
            segment(&self.room)
        );
        connection.json(Method::POST, &path, &json!({})).await?;
        Ok(Join {
            took: begun.elapsed(),
            grew_mib: peak_mib(pid)? - before,
        })
    }
}
