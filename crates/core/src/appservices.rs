//! Application services: programs, such as bridges to other networks, that act for users of their own and are told what
//! happens to them.
//!
//! The operator registers them by files. [`registration`] says whose names are whose, [`act`] who makes a request with
//! the token of one, [`accounts`] makes their accounts, and [`transactions`] prepares what they are told; when that is
//! sent is left to the worker. While somebody waits, they are asked as well: [`query`] whether there should be a user or
//! a room, [`third_party`] what there is in their networks, [`ping`] whether they can be reached.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/>

pub mod accounts;
pub mod act;
pub(crate) mod ask;
pub mod ping;
pub mod query;
pub mod registration;
pub mod third_party;
pub mod transactions;

pub use self::registration::{Appservice, Appservices, Registration};
