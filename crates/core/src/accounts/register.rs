//! Makes an account.

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{Profile, ThirdPartyIdRow, Tx, UserRow, UserState, Work};
use ruma::{
    OwnedUserId,
    api::client::uiaa::{AuthData, AuthFlow, AuthType},
};

use crate::{
    Refusal, Result, Server,
    accounts::{
        address_key, guest,
        password::{self, Password},
        sign_in::{NewDevice, SignIn, SignedIn},
        uia::{self, Proof, UiaRequest},
        username::new_user_id,
    },
    devices::changed::changed,
    limits::Kind,
    random,
    settings::Registration,
};

/// Length of a name for somebody who didn't choose one.
const NAME_LENGTH: usize = 12;

/// Somebody who wants an account.
pub struct Register {
    /// The name they want. `None`: they get one.
    pub username: Option<String>,
    /// The access token of the guest who they were so far, if they were one: they keep that account.
    pub guest_token: Option<String>,
    /// Their password. May be missing while they find out what is asked for.
    pub password: Option<Password>,
    /// The device to sign in on. `None`: the account only.
    pub device: Option<NewDevice>,
    /// Where the request came from.
    pub address: IpAddr,
    /// Method and path.
    pub operation: &'static str,
    /// What they bring to be let in.
    pub auth: Option<AuthData>,
}

/// A new account.
pub struct Registered {
    /// Its user.
    pub user_id: OwnedUserId,
    /// The sign-in, if one was wanted.
    pub signed_in: Option<SignedIn>,
}

/// Makes an account for somebody who may have one: with an invitation, with an e-mail address of the organisation
/// where the operator wants that, or anybody where registration is open.
///
/// # Errors
/// `Forbidden` when registration is closed, the guest isn't one, or the invitation was used up by somebody else at this moment; `Uiaa` while
/// the invitation is missing; `InvalidUsername`, `UserInUse`, `WeakPassword`; `MissingParam` without a password;
/// `LimitExceeded` after too many requests from one address.
///
/// # Spec
/// <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register>
pub async fn register(server: &Arc<Server>, register: Register) -> Result<Registered> {
    let Register {
        username,
        guest_token,
        password,
        device,
        address,
        operation,
        auth,
    } = register;
    let stages = stages(server)?;
    let address = address_key(address);
    server.limit(Kind::General, &address)?;
    if let Some(password) = &password {
        password.check(&server.settings)?;
    }
    let is_guest = guest_token.is_some();
    let user_id = match (guest_token, username) {
        (Some(token), name) => guest::who_upgrades(server, &token, name.as_deref()).await?,
        (None, Some(name)) => available(server, &name).await?,
        (None, None) => new_user_id(
            &format!("u{}", random::name(&*server.rng, NAME_LENGTH)),
            server.name(),
        )?,
    };
    // The form may be filled in after the first request, so the session isn't bound to it: nobody is signed in here,
    // and a session proves nothing about anybody.
    let flows = stages
        .iter()
        .map(|stage| AuthFlow::new(vec![stage.clone()]))
        .collect();
    let request = UiaRequest {
        operation: operation.to_owned(),
        body: &[],
        user: None,
        auth,
        flows,
    };
    let proof = uia::require(server, request).await?;
    let password = password.ok_or_else(|| Refusal::MissingParam("password is missing".to_owned()))?;
    server.limit(Kind::Registration, &address)?;
    let account = NewAccount::new(server, user_id, Some(&password)).await?;
    let account = NewAccount { is_guest, ..account };
    let sign_in = device.map(|device| SignIn::new(server, device)).transpose()?;
    server
        .store
        .write(Unit {
            account,
            sign_in,
            proof,
        })
        .await
}

/// Whether a name is free; answers the user id it would make.
///
/// # Errors
/// `InvalidUsername`, `UserInUse`.
pub async fn available(server: &Arc<Server>, name: &str) -> Result<OwnedUserId> {
    let user_id = new_user_id(name, server.name())?;
    if server.settings.appservices.keep_user(&user_id, None) {
        return Err(Refusal::Exclusive);
    }
    let wanted = user_id.clone();
    let taken = server
        .store
        .read(move |tx| Box::pin(async move { tx.user_get(&wanted).await }))
        .await?;
    if taken.is_some() {
        Err(Refusal::UserInUse)
    } else {
        Ok(user_id)
    }
}

/// The same for whoever asks before they register; counted by address.
///
/// # Errors
/// As [`available`]; `Forbidden` when registration is closed, whatever the name; `LimitExceeded`.
pub async fn ask_available(server: &Arc<Server>, name: &str, address: IpAddr) -> Result<()> {
    stages(server)?;
    server.limit(Kind::General, &address_key(address))?;
    available(server, name).await.map(drop)
}

/// What is asked of people who want an account, one of these. An invitation is good for more than to be let in: it
/// may make an administrator, so it is taken where nobody needs one, too.
fn stages(server: &Server) -> Result<&'static [AuthType]> {
    match server.settings.registration {
        Registration::Open => Ok(&[AuthType::Dummy, AuthType::RegistrationToken]),
        Registration::Email if server.settings.email.is_some() => {
            Ok(&[AuthType::EmailIdentity, AuthType::RegistrationToken])
        }
        Registration::Invite | Registration::Email => Ok(&[AuthType::RegistrationToken]),
        Registration::Closed => Err(Refusal::Forbidden(
            "accounts are made by the administrators of this server; please ask them for one".to_owned(),
        )),
    }
}

/// An account that is prepared: its password is hashed.
pub(crate) struct NewAccount {
    row: UserRow,
    /// It is that of a guest so far.
    is_guest: bool,
}

impl NewAccount {
    pub(crate) async fn new(
        server: &Arc<Server>,
        user_id: OwnedUserId,
        password: Option<&Password>,
    ) -> Result<Self> {
        let password_hash = match password {
            Some(password) => Some(password::hash(server, password).await?),
            None => None,
        };
        let state = UserState::Active;
        let created_ts = server.now_ts();
        Ok(Self {
            row: UserRow {
                user_id,
                password_hash,
                administrator: false,
                state,
                created_ts,
            },
            is_guest: false,
        })
    }

    pub(crate) fn user_id(&self) -> &OwnedUserId {
        &self.row.user_id
    }

    /// Makes the account.
    ///
    /// # Errors
    /// `UserInUse` when somebody was faster.
    pub(crate) async fn run(&self, tx: &mut Tx<'_>, administrator: bool) -> Result<()> {
        let row = UserRow {
            administrator,
            ..self.row.clone()
        };
        if self.is_guest {
            let hash = row.password_hash.as_deref();
            return match tx.guest_upgrade(&row.user_id, hash, administrator).await? {
                true => Ok(()),
                false => Err(Refusal::UserInUse),
            };
        }
        if !tx.user_insert(&row).await? {
            return Err(Refusal::UserInUse);
        }
        let display_name = Some(row.user_id.localpart().to_owned());
        tx.profile_put(
            &row.user_id,
            &Profile {
                display_name,
                avatar_url: None,
            },
        )
        .await?;
        Ok(())
    }
}

struct Unit {
    account: NewAccount,
    sign_in: Option<SignIn>,
    proof: Proof,
}

impl Work for Unit {
    type Out = Registered;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Registered> {
        self.proof.consume(tx).await?;
        let mut administrator = false;
        if let Some(hash) = self.proof.invitation() {
            let now_ts = self.account.row.created_ts;
            let invitation = tx.invitation_get(&hash, now_ts).await?;
            if !tx.invitation_use(&hash, now_ts).await? {
                return Err(Refusal::Forbidden(
                    "this invitation was used up a moment ago; please ask for a new one".to_owned(),
                ));
            }
            administrator = invitation.is_some_and(|invitation| invitation.administrator);
        }
        let address = self.proof.email(tx).await?;
        self.account.run(tx, administrator).await?;
        let user_id = self.account.user_id().clone();
        if let Some(address) = address {
            let now_ts = self.account.row.created_ts;
            let new = ThirdPartyIdRow {
                address,
                validated_ts: now_ts,
                added_ts: now_ts,
            };
            if !tx.third_party_id_put(&user_id, &new).await? {
                return Err(Refusal::ThreepidInUse);
            }
        }
        if self.account.is_guest {
            // What was good for looking around is not good for the account: where it lay, nobody took care of it.
            let keep = self.sign_in.as_ref().map(SignIn::device_id);
            if tx.device_delete_all(&user_id, keep).await? > 0 {
                changed(tx, &user_id).await?;
            }
        }
        let signed_in = match &self.sign_in {
            Some(sign_in) => {
                sign_in.run(tx, &user_id).await?;
                Some(sign_in.signed_in(user_id.clone()))
            }
            None => None,
        };
        Ok(Registered { user_id, signed_in })
    }
}
