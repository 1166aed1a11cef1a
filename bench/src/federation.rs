//! The federation benchmark: what goes from one server to another, and how rooms elsewhere are joined.
//!
//! Two servers of ours, each on SQLite, speak over TLS on this machine. Rooms of 100, 1,000 and 10,000 members are
//! made at one of them; somebody of the other joins each, and so does somebody of a Synapse, if there is one. Both join
//! the same rooms from the same server, one after the other, so the ratio says what joining costs and not what the machine
//! can. Members are made by an application service: their accounts have no passwords, which would take longer than
//! everything that is measured.

mod certificates;
mod joins;
mod members;
mod synapse;
mod transfer;

use std::path::Path;

use anyhow::Context as _;

use crate::{people::register, proc::load_average, report::Report, server::Server};

use self::{certificates::Certificates, joins::Large, members::Members, synapse::Synapse};

/// How many members the rooms have that are joined.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// A server of ours that others reach, and its name.
struct Place {
    server: Server,
    name: String,
}

/// Runs it and prints the table.
pub(crate) fn run(program: &Path) -> anyhow::Result<()> {
    let beside = program.parent().context("the server's program is in no folder")?;
    // Not in the system's temporary folder: that may be in memory, and then no disk would be waited for.
    let folder = tempfile::Builder::new().prefix("bench-").tempdir_in(beside)?;
    let load_before = load_average()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut report = Report::default();
    runtime.block_on(measure(program, folder.path(), &mut report))?;
    println!(
        "\n{report}\nSQLite on {} cores; load average {load_before} before, {} after.",
        std::thread::available_parallelism()?,
        load_average()?,
    );
    Ok(())
}

async fn measure(program: &Path, folder: &Path, report: &mut Report) -> anyhow::Result<()> {
    let certificates = Certificates::make(folder)?;
    let host = place(program, folder, "host", &certificates).await?;
    let guest = place(program, folder, "guest", &certificates).await?;
    let synapse = Synapse::start(folder, &certificates).await?;

    // All at once: names are numbers.
    let people = register(guest.server.address, 1 + SIZES.len()).await?;
    let others = match &synapse {
        Some(synapse) => register(synapse.address, SIZES.len()).await?,
        None => Vec::new(),
    };
    let (reader, people) = people.split_first().context("nobody was registered")?;
    transfer::measure(&host, &guest, reader, report).await?;

    let mut members = Members::new(&host)?;
    for (number, size) in SIZES.into_iter().enumerate() {
        println!("making a room of {size} members");
        let room = members.room(size).await?;
        let large = Large {
            host: &host,
            room,
            size,
        };
        let took = large.join_by(&guest, &people[number], report).await?;
        if let (Some(synapse), Some(other)) = (&synapse, others.get(number)) {
            large.join_by_synapse(synapse, other, took, report).await?;
        }
    }
    if synapse.is_none() {
        println!(
            "SKIPPED: nothing is compared with Synapse: {} is not set",
            synapse::VARIABLE
        );
    }
    Ok(())
}

async fn place(
    program: &Path,
    folder: &Path,
    name: &str,
    certificates: &Certificates,
) -> anyhow::Result<Place> {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder)?;
    let address = crate::server::free_address()?;
    let (certificate, key) = certificates.issue(&folder)?;
    let registration = members::write_registration(&folder)?;
    let settings = [
        ("SERVER__NAME", address.to_string()),
        ("LISTEN__FEDERATION", address.to_string()),
        ("TLS__CERTIFICATE", certificate.display().to_string()),
        ("TLS__KEY", key.display().to_string()),
        ("FEDERATION__MODE", "open".to_owned()),
        (
            "FEDERATION__EXTRA_CA",
            certificates.authority().display().to_string(),
        ),
        ("FEDERATION__ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
        ("POLICY__ENCRYPTION", "optional".to_owned()),
        ("APPSERVICES__REGISTRATIONS", registration.display().to_string()),
    ];
    let database = format!("sqlite:{}", folder.join("rohrpost.db").display());
    let server = Server::start_with(program, &folder, &database, &settings).await?;
    Ok(Place {
        server,
        name: address.to_string(),
    })
}
