//! Messages as an encrypting client sends them.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use http::Method;
use serde_json::Value;

use crate::{
    http_client::Connection,
    people::{Person, segment},
};

/// Letters of the ciphertext: as many as a sentence of some fifty words has once it is encrypted.
const CIPHERTEXT: usize = 420;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Sends to one room, over one connection.
pub(crate) struct Sender {
    connection: Connection,
    /// Everything of the path but the number of the transaction.
    path: String,
    number: u64,
}

impl Sender {
    /// `series` makes the transaction ids different from those of other senders on the same device.
    pub(crate) async fn connect(
        address: SocketAddr,
        person: &Person,
        room_id: &str,
        series: &str,
    ) -> anyhow::Result<Self> {
        let connection = person.connect(address).await?;
        let room_id = segment(room_id);
        let path = format!("/_matrix/client/v3/rooms/{room_id}/send/m.room.encrypted/{series}");
        Ok(Self {
            connection,
            path,
            number: 0,
        })
    }

    /// Sends the next message; answers its event id.
    pub(crate) async fn send(&mut self) -> anyhow::Result<String> {
        self.number += 1;
        let path = format!("{}{}", self.path, self.number);
        let (status, answer) = self
            .connection
            .ask(Method::PUT, &path, encrypted(self.number))
            .await?;
        if status != 200 {
            bail!(
                "a send was refused with {status}: {}",
                String::from_utf8_lossy(&answer)
            );
        }
        let answer: Value = serde_json::from_slice(&answer)?;
        answer["event_id"]
            .as_str()
            .map(str::to_owned)
            .context("a send answers no event_id")
    }
}

/// The content of an `m.room.encrypted` event, about 600 bytes, different for each number.
fn encrypted(number: u64) -> String {
    let mut random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = || {
        // Xorshift: cheap, and not compressible.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        char::from(LETTERS[(random >> 58) as usize])
    };
    let ciphertext: String = (0..CIPHERTEXT).map(|_| letter()).collect();
    format!(
        r#"{{"algorithm":"m.megolm.v1.aes-sha2","ciphertext":"{ciphertext}","device_id":"ABCDEFGHIJ","sender_key":"IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn/8mLqMjA","session_id":"nm6HMkHYL5zAPcFHkTVG8YHKVDPf0Uo2Bh7yTtQkO1c"}}"#
    )
}
