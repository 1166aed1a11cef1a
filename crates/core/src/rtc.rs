//! What calls need of this server beside their events: tokens for the SFU (LiveKit), and credentials for a relay (TURN).
//!
//! Media never passes through here.

pub mod livekit;
pub mod turn;
