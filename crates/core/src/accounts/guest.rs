//! Guests: accounts for the moment, without a password, where the operator lets people look around.
//!
//! What guests may call is listed where requests come in; which rooms take them is looked at in
//! `rooms::guest_access`. Here they come, become people with an account, and go.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#guest-access>

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{Profile, Tx, UserRow, UserState, Work};
use ruma::OwnedUserId;

use crate::{
    Refusal, Result, Server,
    accounts::{
        address_key,
        deactivate::{Traces, deactivate_other},
        register::Registered,
        sign_in::{NewDevice, SignIn},
        username::known_user_id,
    },
    appservices::act::ActAs,
    caller::authenticate_guest_too,
    limits::Kind,
};

/// Guests have numbers for names, which nobody else may have. So many are enough that nobody meets another one's.
const NAMES: u64 = 1_000_000_000_000_000;
/// How long somebody waits at least when there are too many guests: an hour, in ms.
const FULL_RETRY_MS: u64 = 60 * 60 * 1000;
/// Guests that are removed in one turn.
const TIDY_AT_ONCE: u32 = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

struct Unit {
    row: UserRow,
    sign_in: SignIn,
    max: u32,
}

/// Makes a guest and signs them in. Of what clients may wish for, only the name of the device counts.
///
/// # Errors
/// `GuestAccessForbidden` where the operator wants no guests; `LimitExceeded` after too many from one address, or when
/// there are too many.
///
/// # Spec
/// <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register>
pub async fn register(
    server: &Arc<Server>,
    device_name: Option<String>,
    address: IpAddr,
) -> Result<Registered> {
    let guests = server.settings.guests.ok_or(Refusal::GuestAccessForbidden)?;
    server.limit(Kind::Registration, &address_key(address))?;
    let mut bytes = [0; 8];
    server.rng.fill(&mut bytes);
    let name = u64::from_be_bytes(bytes) % NAMES;
    let user_id = OwnedUserId::try_from(format!("@{name:015}:{}", server.name()))
        .map_err(|error| Refusal::Internal(error.to_string()))?;
    if server.settings.appservices.keep_user(&user_id, None) {
        return Err(Refusal::Exclusive);
    }
    let device = NewDevice {
        display_name: device_name,
        ..NewDevice::default()
    };
    let row = UserRow {
        user_id,
        password_hash: None,
        administrator: false,
        state: UserState::Active,
        created_ts: server.now_ts(),
    };
    let sign_in = SignIn::new(server, device)?;
    let max = guests.max;
    server.store.write(Unit { row, sign_in, max }).await
}

impl Work for Unit {
    type Out = Registered;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Registered> {
        if tx.guest_count().await? >= i64::from(self.max) {
            return Err(Refusal::LimitExceeded {
                retry_after_ms: FULL_RETRY_MS,
            });
        }
        let user_id = &self.row.user_id;
        if !tx.user_insert(&self.row).await? {
            return Err(Refusal::UserInUse);
        }
        tx.guest_set(user_id).await?;
        tx.profile_put(user_id, &Profile::default()).await?;
        self.sign_in.run(tx, user_id).await?;
        Ok(Registered {
            user_id: user_id.clone(),
            signed_in: Some(self.sign_in.signed_in(user_id.clone())),
        })
    }
}

/// The guest who shows this token and wants an account of this name, which must be the one they have.
///
/// # Errors
/// `Forbidden` when it is not the token of a guest; `MissingParam` without a name, `InvalidUsername` with another one.
pub(super) async fn who_upgrades(
    server: &Arc<Server>,
    token: &str,
    name: Option<&str>,
) -> Result<OwnedUserId> {
    let caller = match authenticate_guest_too(server, token, &ActAs::default()).await {
        Err(Refusal::Store(error)) => return Err(Refusal::Store(error)),
        found => found.ok().filter(|caller| caller.guest),
    };
    let Some(caller) = caller else {
        return Err(Refusal::Forbidden(
            "guest_access_token is not the token of a guest".to_owned(),
        ));
    };
    let name = name.ok_or_else(|| Refusal::MissingParam("username is missing".to_owned()))?;
    if known_user_id(name, server.name()).as_ref() != Some(&caller.user_id) {
        return Err(Refusal::InvalidUsername(
            "a guest keeps their name: username must be the one they have".to_owned(),
        ));
    }
    Ok(caller.user_id)
}

/// Closes the accounts of guests whom nobody uses any more, and of all when the operator wants no guests any more. For
/// every hour; harmless to repeat.
///
/// # Errors
/// The first one, after all the others were tried.
pub async fn tidy(server: &Arc<Server>) -> Result<()> {
    let before_ts = match server.settings.guests {
        // Devices know the day of their last use, so it is whole days that passed since then.
        Some(guests) => (server.now_ts() / DAY_MS - i64::from(guests.unused_days)) * DAY_MS,
        // In the future: the day of their last use doesn't matter.
        None => server.now_ts() + 2 * DAY_MS,
    };
    let unused = server
        .store
        .read(move |tx| Box::pin(async move { tx.guest_list_unused(before_ts, TIDY_AT_ONCE).await }))
        .await?;
    let mut first = Ok(());
    for user_id in unused {
        first = first.and(deactivate_other(server, user_id, Traces::Keep).await);
    }
    first
}
