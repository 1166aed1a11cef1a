//! The roster, from its founding to its publication, by the commands that operators use.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{OFFICES, http, program::Program, server::Server};

/// The name of the federation.
pub(crate) const ROSTER_ID: &str = "demo.localhost";
/// How many of the signers have to sign.
pub(crate) const THRESHOLD: &str = "2";

/// Where the signers work.
fn desk(folder: &Path) -> PathBuf {
    folder.join("signers")
}

/// Where the signed roster lies.
pub(crate) fn published(folder: &Path) -> PathBuf {
    folder.join("roster.json")
}

/// Makes the first roster and the keys of its signers, one in each office; answers their public keys.
pub(crate) fn found(program: &Program, folder: &Path) -> anyhow::Result<Vec<String>> {
    let desk = desk(folder);
    std::fs::create_dir(&desk)?;
    let mut arguments = vec![
        "roster",
        "init",
        ".",
        "--id",
        ROSTER_ID,
        "--threshold",
        THRESHOLD,
        "--without-passphrase",
    ];
    for office in &OFFICES {
        arguments.extend(["--signer", office.title]);
    }
    program.run(&desk, &arguments, "")?;
    let shown = program.run(&desk, &["roster", "show", "roster-1.json", "--json"], "")?;
    let shown: Value = serde_json::from_str(&shown).context("rohrpost roster show")?;
    let signers = shown["roster"]["signers"]["keys"].as_array();
    let keys = signers.into_iter().flatten();
    let keys: Vec<String> = keys
        .filter_map(|signer| Some(signer["key"].as_str()?.to_owned()))
        .collect();
    if keys.len() != OFFICES.len() {
        bail!("there are {} signers instead of {}", keys.len(), OFFICES.len());
    }
    Ok(keys)
}

/// Adds the servers with the keys that they tell, lets two sign, and publishes.
pub(crate) fn publish(program: &Program, folder: &Path, servers: &[Server]) -> anyhow::Result<()> {
    let desk = desk(folder);
    for (office, server) in OFFICES.iter().zip(servers) {
        let place = &server.place;
        let (status, document) = http::ask(place.client, "GET", "/_matrix/key/v2/server", "", None)?;
        let keys = document["verify_keys"].as_object();
        let key = keys.and_then(|keys| keys.iter().next());
        let key = key.and_then(|(id, key)| Some(format!("{id}={}", key["key"].as_str()?)));
        let key = key.with_context(|| format!("{} doesn't tell its key: {status}", place.name()))?;
        let contact = format!("it@{}", office.host);
        let name = place.name();
        let arguments = [
            "roster",
            "add",
            "roster-1.json",
            &name,
            "--organisation",
            office.title,
            "--contact",
            &contact,
            "--classification",
            "restricted",
            "--key",
            &key,
        ];
        program.run(&desk, &arguments, "")?;
    }
    // Two of three: the town's signer is on holiday.
    for signer in ["ministerium.key.pem", "landesamt.key.pem"] {
        let arguments = ["roster", "sign", "roster-1.json", "--key", signer];
        program.run(&desk, &arguments, "")?;
    }
    let first = servers.first().context("there are no servers")?;
    let config = first.place.config();
    let config = config.to_str().context("the folder's name is no text")?;
    program.run(
        &desk,
        &["roster", "publish", "roster-1.json", "--config", config],
        "",
    )?;
    Ok(())
}
