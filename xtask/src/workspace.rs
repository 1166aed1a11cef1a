//! Where things are in this checkout.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use cargo_metadata::{Metadata, MetadataCommand};

/// The checkout.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// What cargo knows of our own crates.
pub(crate) fn metadata() -> anyhow::Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo can't read the workspace")
}

/// Whether the workspace has a crate of that name.
pub(crate) fn has_crate(name: &str) -> anyhow::Result<bool> {
    Ok(metadata()?
        .packages
        .iter()
        .any(|package| package.name.as_str() == name))
}

/// A program that cargo built.
pub(crate) fn built(profile: &str, name: &str) -> anyhow::Result<PathBuf> {
    Ok(metadata()?
        .target_directory
        .as_std_path()
        .join(profile)
        .join(name))
}

/// A variable of the environment, for the few that steer a test run.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name)
        .and_then(|value| value.into_string().ok())
        .filter(|value| !value.is_empty())
}

/// The path of a program in PATH.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
