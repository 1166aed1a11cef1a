//! End-to-end encryption, as far as a server has part in it: it keeps and hands out public keys, carries messages
//! from device to device, and keeps backups it can't read.
//!
//! The server can't vouch for keys, clients check them. But it refuses what is plainly wrong: a key under another
//! person's name, a signature that doesn't hold. What is kept has been verified ([`signed`]), so that whoever asks
//! gets only signatures that mean something.
//!
//! Start reading at [`upload_keys`], then [`query_keys`] and [`claim_keys`]; [`upload_identity`] and
//! [`upload_signatures`] are cross-signing, [`dehydrated_device`] receives while nobody is signed in. Other servers are
//! told by [`for_servers`] and asked by `remote_keys`.

pub mod backup_keys;
pub mod backup_versions;
pub mod claim_keys;
pub mod dehydrated_device;
pub mod for_servers;
mod identity;
pub mod key_changes;
pub mod query_keys;
pub(crate) mod remote_keys;
pub mod send_to_device;
mod signed;
pub mod upload_identity;
pub mod upload_keys;
pub mod upload_signatures;
