//! Application services: programs, such as bridges to other networks, that act for users of their own and are told what
//! happens to them.
//!
//! The operator registers them by files. [`registration`] says whose names are whose, [`act`] who makes a request with
//! the token of one, [`accounts`] makes their accounts, and [`transactions`] prepares what they are told; sending it is
//! left to the worker.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/>

pub mod accounts;
pub mod act;
pub mod registration;
pub mod transactions;

pub use self::registration::{Appservice, Appservices, Registration};
