//! Runs three authorities on this computer until Ctrl-C.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use rohrpost_demo::{Demo, Ports, ROOM};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

/// How often it is looked whether the servers are still running.
const LOOK: Duration = Duration::from_secs(1);

/// Three authorities on one computer.
#[derive(Parser)]
#[command(name = "cargo xtask demo")]
struct Arguments {
    /// The server's program
    #[arg(long)]
    program: PathBuf,
    /// A new folder that is kept; without it, everything is gone at the end
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(Arguments::parse()))
}

async fn run(arguments: Arguments) -> anyhow::Result<()> {
    // From here on Ctrl-C is ours: the servers are ended in order, and a temporary folder is removed.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let temporary = match arguments.folder {
        Some(_) => None,
        None => Some(tempfile::tempdir().context("can't make a temporary folder")?),
    };
    let folder = match (&arguments.folder, &temporary) {
        (Some(folder), _) => folder.as_path(),
        (None, Some(temporary)) => temporary.path(),
        (None, None) => unreachable!("one of them is there"),
    };
    let mut demo = Demo::start(&arguments.program, folder, Ports::Usual, &mut |line| {
        println!("- {line}")
    })?;
    println!("\nThree authorities on this computer:\n\n{}\n", demo.describe());
    println!("  They are in a room together: {ROOM}");
    println!(
        "  Their roster: {} (rohrpost roster show FILE)",
        folder.join("roster.json").display()
    );
    println!("\nOpen two of the addresses, in two browsers or a private window. Ctrl-C ends everything.");
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = looks.tick() => demo.check()?,
        }
    }
    println!("\nending the servers");
    demo.stop()?;
    match temporary {
        Some(temporary) => temporary.close().context("can't remove the temporary folder")?,
        None => println!("everything is kept in {}", folder.display()),
    }
    Ok(())
}
