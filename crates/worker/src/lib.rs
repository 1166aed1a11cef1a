//! Work beside the requests: pushes, mail, application services, other servers and the roster of the federation.
//!
//! Each module is one piece of work that looks at what is kept, does what is to be done and can be broken off at any
//! point: it has no input, does nothing twice, and runs when something was committed and every few seconds besides.
//! What is done stands in `rohrpost-core`; here is when, and how much at a time. The program starts and joins it;
//! tests call `turn` themselves.
//!
//! Start reading at [`push`].

pub mod appservices;
pub mod mail;
pub mod outbox;
pub mod push;
pub mod roster;
mod rounds;
