//! The client-server API as a client sees it, on both engines. One module for each part.

mod rooms;
mod sync;
