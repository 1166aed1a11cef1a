//! Push rules, which decide what notifies whom, and pushers, by which devices are told.
//!
//! Start with [`rules`]. [`walk`] finds out behind the commits whom an event notifies, [`deliver`] tells their
//! pushers. Connections are made by whoever implements [`Egress`](crate::ports::Egress).

pub mod activate;
pub mod change_rule;
pub mod deliver;
pub mod gateways;
mod message;
pub mod notifications;
mod pusher;
pub mod pushers;
pub mod rules;
pub mod walk;
pub mod web_push;
