//! `[password]`: what a password must be and how it is kept.

use crate::section::{Check, section};
use crate::source::Source;

section! {
    /// What a password must be, and how costly it is to guess one (Argon2id).
    pub struct Password in "password" {
        /// How many letters a password has at least.
        pub min_length: u32 = 12;
        /// Memory for checking one password, in KiB.
        pub argon2_memory_kib: u32 = 19_456;
        /// How often that memory is passed over.
        pub argon2_iterations: u32 = 2;
        /// How many lanes that memory has.
        pub argon2_parallelism: u32 = 1;
    }
}

impl Check for Password {
    fn check(&self, source: &mut Source) {
        if self.min_length == 0 {
            source.refuse(
                "password",
                "min_length",
                "must be at least 1: an empty password protects nothing",
            );
        }
        if self.argon2_iterations == 0 {
            source.refuse("password", "argon2_iterations", "must be at least 1");
        }
        if !(1..=MAX_LANES).contains(&self.argon2_parallelism) {
            source.refuse(
                "password",
                "argon2_parallelism",
                &format!("must be between 1 and {MAX_LANES}"),
            );
        }
        let least = self.argon2_parallelism.saturating_mul(MIN_KIB_PER_LANE);
        if !(least..=MAX_MEMORY_KIB).contains(&self.argon2_memory_kib) {
            source.refuse(
                "password",
                "argon2_memory_kib",
                &format!(
                    "must be between {least} ({MIN_KIB_PER_LANE} for each lane) and {MAX_MEMORY_KIB} (4 GiB)"
                ),
            );
        }
    }
}

/// Argon2 itself asks for eight blocks of 1 KiB per lane.
const MIN_KIB_PER_LANE: u32 = 8;
const MAX_LANES: u32 = 64;
const MAX_MEMORY_KIB: u32 = 4 * 1024 * 1024;
