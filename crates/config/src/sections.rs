//! One file per section of `rohrpost.toml`.

pub(crate) mod appservices;
pub(crate) mod client_api;
pub(crate) mod database;
pub(crate) mod email;
pub(crate) mod federation;
pub(crate) mod limits;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod media;
pub(crate) mod oauth;
pub(crate) mod password;
pub(crate) mod policy;
pub(crate) mod presence;
pub(crate) mod push;
pub(crate) mod registration;
pub(crate) mod rooms;
pub(crate) mod rtc;
pub(crate) mod server;
pub(crate) mod server_notices;
pub(crate) mod support;
pub(crate) mod tls;
pub(crate) mod turn;
pub(crate) mod url_preview;
pub(crate) mod user_directory;
