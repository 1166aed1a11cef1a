//! Files of people at the other server.

use anyhow::ensure;
use matrix_sdk::reqwest::StatusCode;

use super::pair::{Pair, SIDES};

pub(crate) async fn a_file_is_had_from_the_other_server(pair: &mut Pair) -> anyhow::Result<()> {
    for side in SIDES {
        let sender = pair.person(side, "sender").await?;
        let reader = pair.person(side.other(), "reader").await?;
        let file: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
        let address = sender.upload(&file, "application/octet-stream").await?;
        // Twice: from there, and from what is kept here.
        for _ in 0..2 {
            let (status, got) = reader.download(&address).await?;
            ensure!(status.is_success(), "{side:?}: {status}");
            ensure!(got == file, "{side:?}: {} bytes of {}", got.len(), file.len());
        }
        let (status, _) = reader.download(&format!("{address}nothing")).await?;
        ensure!(status == StatusCode::NOT_FOUND, "{side:?}: {status}");
    }
    Ok(())
}
