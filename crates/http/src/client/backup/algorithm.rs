//! A version of the key backup as clients get it.

use rohrpost_core::{Result, encryption::backup_versions::Version};
use ruma::{api::client::backup::BackupAlgorithm, serde::Raw};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Algorithm and auth data of a version.
pub(super) fn algorithm(version: &Version) -> Result<Raw<BackupAlgorithm>> {
    #[derive(Serialize)]
    struct Algorithm<'a> {
        algorithm: &'a str,
        auth_data: &'a RawValue,
    }
    let auth_data = serde_json::from_str(&version.auth_data)?;
    let algorithm = Algorithm {
        algorithm: &version.algorithm,
        auth_data,
    };
    Ok(Raw::from_json(to_raw_value(&algorithm)?))
}
