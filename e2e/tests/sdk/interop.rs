//! Our server and Synapse, the server that most of the network runs, in rooms together.
//!
//! Every test starts both as their operators do, with certificates of an authority that only the two trust, and nearly
//! every one is run from either side: whoever makes a room, the people of the other server must be at home in it. Start
//! with [`joining`]; [`pair`] says what each test has around it. The Python that has Synapse is the one that
//! `ROHRPOST_TEST_SYNAPSE` names.

pub(crate) mod encryption;
pub(crate) mod history;
pub(crate) mod joining;
pub(crate) mod media;
pub(crate) mod moderation;
pub(crate) mod outage;
pub(crate) mod pair;
pub(crate) mod people;
mod person;
pub(crate) mod rooms;
mod synapse;
