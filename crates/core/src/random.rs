//! Random names and secrets.

use sha2::{Digest, Sha256};

use crate::ports::Rng;

const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
const CAPITALS: &[u8; 32] = b"ABCDEFGHIJKLMNPQRSTUVWXYZ2345678";

fn pick(rng: &dyn Rng, from: &[u8; 32], length: usize) -> String {
    let mut bytes = vec![0; length];
    rng.fill(&mut bytes);
    // 32 divides 256, so every letter is as likely as any other.
    bytes
        .iter()
        .map(|byte| char::from(from[usize::from(byte % 32)]))
        .collect()
}

/// A random name of lower-case letters and digits; five bits for each character.
pub(crate) fn name(rng: &dyn Rng, length: usize) -> String {
    pick(rng, LETTERS, length)
}

/// A device id: ten capitals and digits.
pub(crate) fn device_id(rng: &dyn Rng) -> String {
    pick(rng, CAPITALS, 10)
}

/// A random number, for marking versions of things.
pub(crate) fn tag(rng: &dyn Rng) -> i64 {
    let mut bytes = [0; 8];
    rng.fill(&mut bytes);
    i64::from_be_bytes(bytes)
}

/// The hash a secret is kept and looked up under.
pub(crate) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}
