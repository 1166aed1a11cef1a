//! Push rules, which decide what notifies whom, and the pushers that clients set.
//!
//! Start with [`rules`]. Nothing is pushed here.

pub mod change_rule;
pub mod notifications;
pub mod pushers;
pub mod rules;
