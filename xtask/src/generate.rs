//! `cargo xtask gen`: writes the files that are made from code. A test beside each source fails when its file is stale.

use std::path::Path;

use anyhow::Context as _;

/// Writes `docs/configuration.md`.
pub(crate) fn run() -> anyhow::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .with_file_name("docs")
        .join("configuration.md");
    std::fs::write(&path, rohrpost_config::reference())
        .with_context(|| format!("can't write {}", path.display()))?;
    println!("wrote docs/configuration.md");
    Ok(())
}
