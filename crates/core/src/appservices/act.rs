//! Who makes a request with the token of an application service: itself, or one of its users.
//!
//! <https://spec.matrix.org/v1.19/application-service-api/#identity-assertion>

use std::sync::Arc;

use rohrpost_store::{Restrictions, UserState};
use ruma::{OwnedDeviceId, OwnedUserId, UserId};

use crate::{
    Caller, Refusal, Result, Server,
    appservices::{Appservice, accounts::make_sender},
};

/// Begins the name of a device that there isn't; none can begin so.
pub(crate) const NO_DEVICE: &str = "\u{1}appservice:";

/// As whom a service wants to act.
#[derive(Clone, Debug, Default)]
pub struct ActAs {
    /// As this user. `None`: as itself.
    pub user_id: Option<String>,
    /// On this device. `None`: on none.
    pub device_id: Option<OwnedDeviceId>,
}

/// The caller that a service acts as.
///
/// # Errors
/// `Forbidden` for users that aren't its own or have no account; `UnknownDevice` for devices that they don't have.
pub(crate) async fn caller(
    server: &Arc<Server>,
    service: &Arc<Appservice>,
    act_as: &ActAs,
    token_hash: [u8; 32],
) -> Result<(Caller, Restrictions)> {
    let refused = || {
        Refusal::Forbidden(
            "an application service acts as users of its own names that it registered".to_owned(),
        )
    };
    let user_id: OwnedUserId = match &act_as.user_id {
        Some(user_id) => UserId::parse(user_id).map_err(|_| refused())?,
        None => service.sender.clone(),
    };
    if !server.is_local(&user_id) || !service.owns_user(&user_id) {
        return Err(refused());
    }
    let (wanted, device) = (user_id.clone(), act_as.device_id.clone());
    let found = server
        .store
        .look_up(move |tx| {
            Box::pin(async move {
                let user = tx.user_get(&wanted).await?;
                let has_device = match &device {
                    Some(device) => tx.device_get(&wanted, device).await?.is_some(),
                    None => true,
                };
                let restrictions = tx.user_restrictions(&wanted).await?;
                Ok::<_, Refusal>((user, restrictions, has_device))
            })
        })
        .await?;
    let restrictions = match found {
        (Some(user), restrictions, has_device) if user.state == UserState::Active => {
            if !has_device {
                return Err(Refusal::UnknownDevice);
            }
            restrictions
        }
        (None, ..) if user_id == service.sender && act_as.device_id.is_none() => {
            make_sender(server, service).await?;
            Restrictions::default()
        }
        _ => return Err(refused()),
    };
    // Where no device is named, what devices have is kept under a name that none can have.
    let device_id = act_as
        .device_id
        .clone()
        .unwrap_or_else(|| format!("{NO_DEVICE}{}", service.id).into());
    let caller = Caller {
        user_id,
        device_id,
        administrator: false,
        guest: false,
        suspended: restrictions.suspended,
        appservice: Some(Arc::clone(&service.id)),
        token_hash,
    };
    Ok((caller, restrictions))
}
