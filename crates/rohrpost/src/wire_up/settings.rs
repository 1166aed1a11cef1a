//! From the operator's words to the core's settings.

use std::time::Duration;

use super::{appservices::appservices, federation::federation};
use anyhow::Context as _;
use rohrpost_config::{
    self as config, Config, DefaultRoomVersion, EncryptionPolicy, Limits, RegistrationMode,
};
use rohrpost_core::{
    limits::{Kind, Rates},
    media::preview::{HostPattern, PreviewSettings},
    push::gateways::{Gateway, PushSettings},
    rtc::{livekit::Livekit, turn::Turn},
    settings::{
        EmailSettings, Guests, Notices, OutboxSettings, PasswordCost, PeopleSearch, Quotas, Rate,
        Registration, Settings, SharedSecret, Support,
    },
};
use rohrpost_room::Encryption;
use ruma::{RoomVersionId, ServerName, UserId};

pub(super) fn settings(config: &Config) -> anyhow::Result<Settings> {
    let password = &config.password;
    let server_name = ServerName::parse(&config.server.name).context("[server] name is not a server name")?;
    Ok(Settings {
        server_name: server_name.clone(),
        public_url: config.public_url(),
        registration: match config.registration.mode {
            RegistrationMode::Invite => Registration::Invite,
            RegistrationMode::Email => Registration::Email,
            RegistrationMode::Open => Registration::Open,
            RegistrationMode::Closed => Registration::Closed,
        },
        guests: config.registration.guests.then_some(Guests {
            max: config.registration.max_guests,
            unused_days: config.registration.guest_unused_days,
        }),
        oauth: config.oauth.enabled,
        legacy_login: config.oauth.legacy_login,
        query_tokens: config.client_api.query_tokens,
        shared_secret: config
            .registration
            .shared_secret
            .as_ref()
            .map(|secret| SharedSecret::new(secret.expose().into())),
        encryption: match config.policy.encryption {
            EncryptionPolicy::Required => Encryption::Required,
            EncryptionPolicy::Default => Encryption::Default,
            EncryptionPolicy::Optional => Encryption::Optional,
        },
        default_room_version: match config.rooms.default_version {
            DefaultRoomVersion::V10 => RoomVersionId::V10,
            DefaultRoomVersion::V11 => RoomVersionId::V11,
            DefaultRoomVersion::V12 => RoomVersionId::V12,
        },
        password_min_length: password.min_length as usize,
        password_cost: PasswordCost {
            memory_kib: password.argon2_memory_kib,
            iterations: password.argon2_iterations,
            parallelism: password.argon2_parallelism,
        },
        max_upload_bytes: config.media.max_upload_bytes,
        thumbnail_max_pixels: config.media.thumbnail_max_pixels,
        federation: federation(config)?,
        outbox: outbox(&config.federation),
        appservices: appservices(&config.appservices.registrations, &server_name)?,
        presence: config.presence.enabled,
        livekit: livekit(&config.rtc),
        turn: turn(&config.turn),
        push: PushSettings {
            event_id_only: config.push.event_id_only,
            gateways: gateways(&config.push.allowed_gateways)?,
            contact: config.push.vapid.clone().unwrap_or_else(|| config.public_url()),
        },
        email: config.email.smtp_url.as_ref().map(|_| EmailSettings {
            domains: lower(&config.registration.email_domains),
            notices: config.email.notices,
        }),
        people_search: match config.user_directory.search {
            rohrpost_config::PeopleSearch::Everybody => PeopleSearch::Everybody,
            rohrpost_config::PeopleSearch::SharedRooms => PeopleSearch::SharedRooms,
            rohrpost_config::PeopleSearch::Nobody => PeopleSearch::Nobody,
        },
        notices: Notices {
            localpart: config.server_notices.localpart.clone(),
            display_name: config.server_notices.display_name.clone(),
            room_name: config.server_notices.room_name.clone(),
        },
        support: support(&config.support)?,
        quotas: quotas(&config.limits),
        url_preview: config
            .url_preview
            .enabled
            .then(|| url_preview(&config.url_preview)),
        limits: config.limits.enabled.then(|| rates(&config.limits)),
    })
}

fn outbox(federation: &config::Federation) -> OutboxSettings {
    OutboxSettings {
        first_retry: Duration::from_millis(federation.first_retry_ms),
        max_retry: Duration::from_millis(federation.max_retry_ms),
        patience: Duration::from_millis(federation.request_timeout_ms),
        catch_up_events: federation.catch_up_events,
    }
}

fn quotas(limits: &Limits) -> Quotas {
    Quotas {
        daily_upload_bytes: limits.daily_upload_bytes,
        pending_uploads: limits.pending_uploads,
        delayed_events: limits.delayed_events,
        max_delay: Duration::from_secs(u64::from(limits.delayed_events_max_hours) * 60 * 60),
        account_data_bytes: limits.account_data_bytes,
        account_data_entries: limits.account_data_entries,
        account_data_entries_per_room: limits.account_data_entries_per_room,
    }
}

fn url_preview(preview: &config::UrlPreview) -> PreviewSettings {
    let hosts = |hosts: &[String]| hosts.iter().map(|host| HostPattern::new(host)).collect();
    PreviewSettings {
        allowed_hosts: hosts(&preview.allowed_hosts),
        denied_hosts: hosts(&preview.denied_hosts),
        allowed_ports: preview.allowed_ports.clone(),
        max_page_bytes: preview.max_page_bytes as usize,
        max_picture_bytes: preview.max_picture_bytes as usize,
        timeout: Duration::from_secs(preview.timeout_s.into()),
    }
}

fn livekit(rtc: &config::Rtc) -> Option<Livekit> {
    Some(Livekit {
        url: rtc.livekit_url.clone()?,
        key: rtc.key.clone()?,
        secret: SharedSecret::new(rtc.secret.as_ref()?.expose().to_owned()),
    })
}

fn turn(turn: &config::Turn) -> Option<Turn> {
    (!turn.uris.is_empty()).then_some(())?;
    Some(Turn {
        uris: turn.uris.clone(),
        secret: SharedSecret::new(turn.secret.as_ref()?.expose().to_owned()),
        lifetime: Duration::from_secs(turn.lifetime_s),
    })
}

fn gateways(allowed: &[String]) -> anyhow::Result<Vec<Gateway>> {
    let read = |text: &String| {
        Gateway::parse(text).with_context(|| {
            format!("[push] allowed_gateways: \"{text}\" is not https://HOST or https://*.DOMAIN")
        })
    };
    allowed.iter().map(read).collect()
}

fn lower(domains: &[String]) -> Vec<String> {
    domains.iter().map(|domain| domain.to_ascii_lowercase()).collect()
}

fn support(support: &rohrpost_config::Support) -> anyhow::Result<Support> {
    let admin_user = support.admin_user.as_ref().map(UserId::parse).transpose();
    Ok(Support {
        page: support.page.clone(),
        admin_email: support.admin_email.clone(),
        admin_user: admin_user.context("[support] admin_user is not an account's address")?,
        security_email: support.security_email.clone(),
        policy_server_key: support.policy_server_key.clone(),
    })
}

fn rates(limits: &Limits) -> Rates {
    let all = [
        (Kind::LoginPerAddress, limits.login_per_address()),
        (Kind::LoginPerAccount, limits.login_per_account()),
        (Kind::Registration, limits.registration()),
        (Kind::Email, limits.emails()),
        (Kind::Message, limits.messages()),
        (Kind::RoomCreation, limits.room_creation()),
        (Kind::Invite, limits.invites()),
        (Kind::Join, limits.joins()),
        (Kind::Upload, limits.uploads()),
        (Kind::KeyClaim, limits.key_claims()),
        (Kind::ToDevice, limits.to_device()),
        (Kind::UrlPreview, limits.url_previews()),
        (Kind::Federation, limits.federation()),
        (Kind::General, limits.general()),
    ];
    Rates::new(all.into_iter().filter_map(|(kind, rate)| {
        let rate = rate?;
        Some((
            kind,
            Rate {
                per_second: rate.per_second,
                burst: rate.burst,
            },
        ))
    }))
}
