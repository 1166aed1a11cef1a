//! `GET /_matrix/client/v3/capabilities`
//!
//! What users of this server may do. [Specification](https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3capabilities)

use rohrpost_core::{Result, oauth::manage::is_by_oauth};
use ruma::{
    RoomVersionId,
    api::client::discovery::get_capabilities::v3::{
        Capabilities, ProfileFieldsCapability, Request, RoomVersionStability, RoomVersionsCapability,
        ThirdPartyIdChangesCapability,
    },
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    call::Authed,
    rohrpost::own::{Answer, Answering},
};

/// `ruma` leaves out what has its default value. Some clients want to see it, so it is put in again.
const DEFAULTS: [(&str, bool); 3] = [
    ("m.change_password", true),
    ("m.set_displayname", true),
    ("m.set_avatar_url", true),
];

#[derive(Serialize)]
pub(crate) struct Described {
    capabilities: Value,
}

pub(crate) async fn capabilities(
    Authed { server, caller, .. }: Authed,
    _: Answering<Request, Described>,
) -> Result<Answer<Described>> {
    let versions = [RoomVersionId::V10, RoomVersionId::V11, RoomVersionId::V12];
    let available = versions
        .into_iter()
        .map(|version| (version, RoomVersionStability::Stable))
        .collect();
    let mut capabilities = Capabilities::new();
    capabilities.room_versions =
        RoomVersionsCapability::new(server.settings.default_room_version.clone(), available);
    capabilities.thirdparty_id_changes = ThirdPartyIdChangesCapability::new(server.settings.email.is_some());
    capabilities.profile_fields = Some(ProfileFieldsCapability::new(true));
    capabilities.account_moderation.lock = caller.administrator;
    capabilities.account_moderation.suspend = caller.administrator;
    // What a program that never sees the password can't do, its user does on the account page.
    let is_by_oauth = is_by_oauth(&server, &caller).await?;
    if is_by_oauth {
        capabilities.thirdparty_id_changes = ThirdPartyIdChangesCapability::new(false);
    }
    let mut capabilities = serde_json::to_value(capabilities)?;
    for (name, enabled) in DEFAULTS {
        capabilities[name] = json!({ "enabled": enabled });
    }
    capabilities["m.get_login_token"] = json!({ "enabled": server.settings.legacy_login && !is_by_oauth });
    if is_by_oauth {
        capabilities["m.change_password"] = json!({ "enabled": false });
    }
    let planned = json!({
        "max_delay_ms": server.settings.quotas.max_delay.as_millis() as u64,
        "max_scheduled": server.settings.quotas.delayed_events,
    });
    capabilities["m.delayed_events"] = planned.clone();
    capabilities["org.matrix.msc4140.delayed_events"] = planned;
    let web_push = json!({
        "enabled": !server.settings.push.gateways.is_empty(),
        "vapid": server.vapid_public_key(),
    });
    for name in ["m.webpush", "org.matrix.msc4174.webpush"] {
        capabilities[name] = web_push.clone();
    }
    Ok(Answer(Described { capabilities }))
}
