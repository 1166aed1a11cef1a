//! What an operator of a laboratory would set.

use rohrpost_core::{
    appservices::Appservices,
    federation::Federation,
    push::gateways::{Gateway, PushSettings},
    settings::{
        Notices, OutboxSettings, PasswordCost, PeopleSearch, Quotas, Registration, Settings, Support,
    },
};
use rohrpost_room::Encryption;
use ruma::{OwnedServerName, RoomVersionId};

/// The name of a test server.
pub const SERVER_NAME: &str = "test.example";

/// No limits, open registration, encryption where a client wants it, passwords hashed cheaply.
#[must_use]
pub fn open_settings() -> Settings {
    Settings {
        server_name: OwnedServerName::try_from(SERVER_NAME).expect("a server name"),
        public_url: format!("https://{SERVER_NAME}"),
        registration: Registration::Open,
        guests: None,
        oauth: true,
        legacy_login: true,
        query_tokens: false,
        shared_secret: None,
        encryption: Encryption::Optional,
        default_room_version: RoomVersionId::V12,
        password_min_length: 8,
        password_cost: PasswordCost {
            memory_kib: 8,
            iterations: 1,
            parallelism: 1,
        },
        max_upload_bytes: 1024 * 1024,
        thumbnail_max_pixels: 4_000_000,
        federation: Federation::default(),
        outbox: OutboxSettings::default(),
        appservices: Appservices::default(),
        presence: false,
        livekit: None,
        turn: None,
        push: PushSettings {
            event_id_only: true,
            gateways: Gateway::parse("https://push.example").into_iter().collect(),
            contact: format!("https://{SERVER_NAME}"),
        },
        email: None,
        people_search: PeopleSearch::Everybody,
        notices: Notices {
            localpart: "notices".to_owned(),
            display_name: "Hausmitteilung".to_owned(),
            room_name: "Mitteilungen".to_owned(),
        },
        support: Support::default(),
        quotas: Quotas::default(),
        url_preview: None,
        limits: None,
    }
}
