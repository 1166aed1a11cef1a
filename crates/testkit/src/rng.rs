//! Randomness that is the same each time a test runs.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use rohrpost_core::ports::Rng;
use sha2::{Digest, Sha256};

/// SHA-256 of a seed and a counter. Not secret, but it never repeats.
#[derive(Debug)]
pub struct SeededRng {
    seed: u64,
    counter: AtomicU64,
    rest: Mutex<Vec<u8>>,
}

impl SeededRng {
    /// The sequence that belongs to a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: AtomicU64::new(0),
            rest: Mutex::default(),
        }
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            if rest.is_empty() {
                let counter = self.counter.fetch_add(1, Ordering::Relaxed);
                let block = Sha256::new()
                    .chain_update(self.seed.to_be_bytes())
                    .chain_update(counter.to_be_bytes());
                rest.extend_from_slice(&block.finalize());
            }
            *byte = rest.pop().expect("a block was just added");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Rng as _, SeededRng};

    #[test]
    fn the_same_seed_gives_the_same_bytes_however_they_are_taken() {
        let (one, other) = (SeededRng::new(1), SeededRng::new(1));
        let (mut whole, mut parts) = ([0; 80], [0; 80]);
        one.fill(&mut whole);
        parts.chunks_mut(7).for_each(|part| other.fill(part));
        assert_eq!(whole, parts);
        SeededRng::new(2).fill(&mut parts);
        assert_ne!(whole, parts);
    }
}
