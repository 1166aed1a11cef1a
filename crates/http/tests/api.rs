//! The client-server API as a client sees it, on both engines. One module for each part.

mod accounts;
mod backup;
mod cross_signing;
mod devices;
mod directory;
mod invitations;
mod joining;
mod keys;
mod listen;
mod media;
mod oauth;
mod personal;
mod profile;
mod push_rules;
mod relations;
mod requests;
mod rooms;
mod sessions;
mod signing;
mod spaces;
mod sync;
mod to_device;
mod uia;
mod upgrades;
mod web;
