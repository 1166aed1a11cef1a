//! User-interactive authentication: a second look at who is asking, before operations that would hurt in the hands
//! of somebody who found an open screen.
//!
//! For an operation that needs it, first [`require`] a [`Proof`], then [`Proof::consume`] it in the unit of work
//! that does the operation. A handler passes on what it was given:
//!
//! ```ignore
//! let proof = uia::require(&server, UiaRequest {
//!     operation: call.operation.to_owned(), // and what the path names: format!("{} {device_id}", call.operation)
//!     body: &call.body,
//!     user: Some(&caller),
//!     auth: request.auth,
//!     flows: uia::by_password(),
//! }).await?;
//! ```
//!
//! While something is missing, `require` refuses with [`Refusal::Uiaa`], which becomes the 401 of the specification.
//! A session is good for one operation, one body, one user, once, for 15 minutes. Only a hash of its name is kept,
//! and the body only as a hash under that name, because there may be a password in it.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#user-interactive-authentication-api>

use std::sync::Arc;

use hmac::{Hmac, Mac};
use rohrpost_store::{EmailPurpose, StoreError, Tx, UiaSession, Work};
use ruma::{
    UserId,
    api::{
        client::uiaa::{AuthData, AuthFlow, AuthType, ThirdpartyIdCredentials, UiaaInfo, UserIdentifier},
        error::{ErrorKind, StandardErrorBody},
    },
};
use serde_json::{json, value::to_raw_value};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    Caller, Refusal, Result, Server,
    accounts::{invite, login, password::Password, username::known_user_id},
    email::validate::confirmed,
    oauth::{
        manage::{self, RESET_MS},
        metadata::{account_url, identity_reset_url},
    },
    random,
};

/// How long a session is good for.
const LIFETIME_MS: i64 = 15 * 60 * 1000;
/// Begins what the stage by e-mail leaves for the operation; the session and the address follow.
const EMAIL: &str = "email";
/// Length of a session's name; five bits for each character.
const NAME_LENGTH: usize = 32;

/// An operation that is to be confirmed.
pub struct UiaRequest<'a> {
    /// What is done: method and path, with what the path names. Sessions for one operation are worth nothing for
    /// another one.
    pub operation: String,
    /// The body as received. Empty where the body may change on the way, as in registration, where a session proves
    /// nothing about anybody.
    pub body: &'a [u8],
    /// Who asks. `None`: nobody is signed in.
    pub user: Option<&'a Caller>,
    /// The `auth` of the request.
    pub auth: Option<AuthData>,
    /// Ways to confirm it, each a list of stages.
    pub flows: Vec<AuthFlow>,
}

/// The way of everybody who is signed in: their password.
#[must_use]
pub fn by_password() -> Vec<AuthFlow> {
    vec![AuthFlow::new(vec![AuthType::Password])]
}

/// The way of those whom an OAuth 2.0 client signed in, who never showed it their password: they confirm on the account
/// page. Only for replacing an identity.
#[must_use]
pub fn by_account_page() -> Vec<AuthFlow> {
    vec![AuthFlow::new(vec![AuthType::OAuth])]
}

/// That an operation was confirmed. Comes from [`require`] only, and is used up by the operation.
#[must_use = "an operation is only confirmed when the proof is consumed in its unit of work"]
pub struct Proof {
    /// The hashed name of the session, if there was one.
    session: Option<String>,
    flows: Vec<AuthFlow>,
    param: String,
}

impl Proof {
    /// Of an operation that needs no further proof: on the account page, where whoever is signed in showed their
    /// password, or by an application service.
    pub(crate) fn of_page() -> Self {
        Self {
            session: None,
            flows: Vec::new(),
            param: String::new(),
        }
    }

    /// Uses the proof up, in the unit that does the operation: both happen or none.
    ///
    /// # Errors
    /// `Uiaa` when its session was used or has ended in the meantime.
    pub async fn consume(&self, tx: &mut Tx<'_>) -> Result<()> {
        let gone = || Refusal::Uiaa(Box::new(UiaaInfo::new(self.flows.clone())));
        if let Some(session) = &self.session
            && !tx.uia_delete(session).await?
        {
            return Err(gone());
        }
        if has_stage(&self.flows, &AuthType::OAuth) {
            let user_id = <&UserId>::try_from(self.param.as_str()).map_err(|_| gone())?;
            if !tx.oauth_identity_reset_use(user_id).await? {
                return Err(gone());
            }
        }
        Ok(())
    }

    /// The e-mail address that was shown to be theirs. Its session is used up by this.
    ///
    /// # Errors
    /// `Uiaa` when it was used or has ended in the meantime.
    pub(crate) async fn email(&self, tx: &mut Tx<'_>) -> Result<Option<String>> {
        let mut parts = self.param.split(' ');
        let (Some(EMAIL), Some(sid), Some(address)) = (parts.next(), parts.next(), parts.next()) else {
            return Ok(None);
        };
        if !tx.email_session_delete(sid).await? {
            return Err(Refusal::Uiaa(Box::new(UiaaInfo::new(self.flows.clone()))));
        }
        Ok(Some(address.to_owned()))
    }

    /// The hash of the invitation that was shown.
    pub(crate) fn invitation(&self) -> Option<[u8; 32]> {
        let mut hash = [0; 32];
        if self.param.len() != 64 {
            return None;
        }
        for (byte, digits) in hash.iter_mut().zip(self.param.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        Some(hash)
    }
}

/// A session, and the name its client knows it by.
struct Session {
    name: String,
    row: UiaSession,
    is_kept: bool,
}

/// What became of a stage.
enum Stage {
    Passed {
        stage: AuthType,
        param: Option<String>,
    },
    /// Nothing was tried; perhaps everything is done already.
    None,
    Failed(&'static str),
}

/// Looks whether an operation is confirmed.
///
/// A session for something else, or one that has ended, is answered with a new one, and what came with it isn't
/// looked at. Clients that know the way may leave the session out.
///
/// # Errors
/// `Uiaa` with what is still missing; with `M_FORBIDDEN` in it when the password or the token is wrong.
/// `LimitExceeded` after too many wrong passwords. `Forbidden` where the password would be asked for and the caller was
/// signed in by OAuth 2.0: such programs never see it.
pub async fn require(server: &Arc<Server>, request: UiaRequest<'_>) -> Result<Proof> {
    if let Some(caller) = request.user
        && has_stage(&request.flows, &AuthType::Password)
        && manage::is_by_oauth(server, caller).await?
    {
        // "The endpoints that depend on it for authentication can't be used when an access token is obtained with this
        // API."
        return Err(Refusal::Forbidden(format!(
            "this program doesn't know your password; please do this on your account page: {}",
            account_url(server)
        )));
    }
    let Some(auth) = &request.auth else {
        return Err(refuse(server, &request, begin(server, &request), None).await?);
    };
    let mut session = match auth.session() {
        None => begin(server, &request),
        Some(name) => match find(server, &request, name).await? {
            Some(session) => session,
            None => return Err(refuse(server, &request, begin(server, &request), None).await?),
        },
    };
    if auth
        .auth_type()
        .is_some_and(|stage| !has_stage(&request.flows, &stage))
    {
        let text = "this way to confirm is not offered here";
        return Err(refuse(server, &request, session, Some(text)).await?);
    }
    match try_stage(server, &request, auth).await? {
        Stage::Failed(text) => return Err(refuse(server, &request, session, Some(text)).await?),
        Stage::None => {}
        Stage::Passed { stage, param } => {
            let stage = stage.as_str().to_owned();
            if !session.row.completed.contains(&stage) {
                session.row.completed.push(stage);
            }
            if let Some(param) = param {
                session.row.param = param;
            }
        }
    }
    let done = |stage: &AuthType| session.row.completed.iter().any(|done| done == stage.as_str());
    if request.flows.iter().any(|flow| flow.stages.iter().all(done)) {
        let kept = session.is_kept.then_some(session.row.session);
        return Ok(Proof {
            session: kept,
            flows: request.flows,
            param: session.row.param,
        });
    }
    Err(refuse(server, &request, session, None).await?)
}

/// The same for operations that application services do for their users without a confirmation: they have no password.
///
/// <https://spec.matrix.org/v1.19/application-service-api/#device-management>
///
/// # Errors
/// Those of [`require`].
pub async fn require_of_people(server: &Arc<Server>, request: UiaRequest<'_>) -> Result<Proof> {
    match request.user {
        Some(Caller {
            appservice: Some(_), ..
        }) => Ok(Proof::of_page()),
        _ => require(server, request).await,
    }
}

fn has_stage(flows: &[AuthFlow], stage: &AuthType) -> bool {
    flows.iter().any(|flow| flow.stages.contains(stage))
}

async fn try_stage(server: &Arc<Server>, request: &UiaRequest<'_>, auth: &AuthData) -> Result<Stage> {
    let passed = |stage, param| Ok(Stage::Passed { stage, param });
    match auth {
        AuthData::Dummy(_) => passed(AuthType::Dummy, None),
        AuthData::Password(data) => {
            const WRONG: Stage = Stage::Failed("this is not your password; please try again");
            let Some(caller) = request.user else {
                return Ok(WRONG);
            };
            let named = match &data.identifier {
                UserIdentifier::Matrix(identifier) => known_user_id(&identifier.user, server.name()),
                _ => None,
            };
            if named.as_ref() != Some(&caller.user_id) {
                return Ok(WRONG);
            }
            let password = Password::new(data.password.clone());
            match login::verify(server, named.as_ref(), &password).await? {
                Some(_) => passed(AuthType::Password, None),
                None => Ok(WRONG),
            }
        }
        AuthData::EmailIdentity(data) => by_email(server, request, &data.thirdparty_id_creds).await,
        AuthData::RegistrationToken(data) => {
            let hash = random::hash(&data.token);
            if invite::is_valid(server, hash).await? {
                let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                return passed(AuthType::RegistrationToken, Some(hash));
            }
            Ok(Stage::Failed(
                "this invitation can't be used (any more); please ask for a new one",
            ))
        }
        AuthData::OAuth(_) | AuthData::FallbackAcknowledgement(_)
            if has_stage(&request.flows, &AuthType::OAuth) =>
        {
            let Some(caller) = request.user else {
                return Ok(Stage::None);
            };
            let (user_id, since_ts) = (caller.user_id.clone(), server.now_ts() - RESET_MS);
            let read = server.store.read(move |tx| {
                Box::pin(async move { tx.oauth_identity_reset_is_allowed(&user_id, since_ts).await })
            });
            if read.await? {
                return passed(AuthType::OAuth, Some(caller.user_id.to_string()));
            }
            Ok(Stage::Failed("please allow this on the account page first"))
        }
        _ => Ok(Stage::None),
    }
}

/// Somebody says that they followed the link in a mail.
async fn by_email(
    server: &Arc<Server>,
    request: &UiaRequest<'_>,
    creds: &ThirdpartyIdCredentials,
) -> Result<Stage> {
    // A link for one purpose is worth nothing for another one.
    let purpose = match request.operation.ends_with("/register") {
        true => EmailPurpose::Register,
        false => EmailPurpose::Password,
    };
    let (sid, secret) = (creds.sid.to_string(), creds.client_secret.to_string());
    let now_ts = server.now_ts();
    let found = server
        .store
        .read(move |tx| Box::pin(async move { confirmed(tx, purpose, &sid, &secret, now_ts).await }))
        .await;
    match found {
        Ok(session) => Ok(Stage::Passed {
            stage: AuthType::EmailIdentity,
            param: Some(format!("{EMAIL} {} {}", session.sid, session.address)),
        }),
        Err(Refusal::ThreepidAuthFailed) => Ok(Stage::Failed(
            "please open the link in the mail that was sent to you, then try again",
        )),
        Err(refusal) => Err(refusal),
    }
}

fn begin(server: &Arc<Server>, request: &UiaRequest<'_>) -> Session {
    let name = random::name(&*server.rng, NAME_LENGTH);
    let row = UiaSession {
        session: kept_name(&name),
        operation: request.operation.clone(),
        body_hash: body_hash(&name, request.body),
        user_id: user(request).to_owned(),
        completed: Vec::new(),
        param: String::new(),
    };
    Session {
        name,
        row,
        is_kept: false,
    }
}

async fn find(server: &Arc<Server>, request: &UiaRequest<'_>, name: &str) -> Result<Option<Session>> {
    let (session, since_ts) = (kept_name(name), server.now_ts() - LIFETIME_MS);
    let read = server
        .store
        .read(move |tx| Box::pin(async move { tx.uia_get(&session, since_ts).await }));
    let is_for_this = |row: &UiaSession| {
        row.operation == request.operation
            && row.user_id == user(request)
            && bool::from(row.body_hash.ct_eq(&body_hash(name, request.body)))
    };
    let row = read.await?.filter(is_for_this);
    Ok(row.map(|row| Session {
        name: name.to_owned(),
        row,
        is_kept: true,
    }))
}

fn user<'a>(request: &UiaRequest<'a>) -> &'a str {
    request.user.map_or("", |caller| caller.user_id.as_str())
}

/// The name a session is kept under: whoever reads the database can't go on with it.
fn kept_name(name: &str) -> String {
    random::hash(name)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// A hash of a body without its `auth`, under the name of the session: the body may hold a new password, and a plain
/// hash of that would be worth guessing at. No body is the same as an empty one, to which `auth` is added later.
fn body_hash(name: &str, body: &[u8]) -> [u8; 32] {
    let mut body: serde_json::Value =
        serde_json::from_slice(body).unwrap_or_else(|_| serde_json::Value::Object(serde_json::Map::new()));
    if let Some(body) = body.as_object_mut() {
        body.remove("auth");
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(name.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body.to_string().as_bytes());
    mac.finalize().into_bytes().into()
}

/// The refusal that says what is missing. Keeps the session.
async fn refuse(
    server: &Arc<Server>,
    request: &UiaRequest<'_>,
    session: Session,
    error: Option<&str>,
) -> Result<Refusal> {
    let mut info = UiaaInfo::new(request.flows.clone());
    info.completed = session
        .row
        .completed
        .iter()
        .map(|stage| AuthType::from(stage.as_str()))
        .collect();
    let params = if has_stage(&request.flows, &AuthType::OAuth) {
        json!({ "m.oauth": { "url": identity_reset_url(server) } })
    } else {
        json!({})
    };
    info.params = Some(to_raw_value(&params)?);
    info.session = Some(session.name);
    info.auth_error =
        error.map(|text| Box::new(StandardErrorBody::new(ErrorKind::Forbidden, text.to_owned())));
    // A session that is kept already only changes when a stage was passed.
    if !session.is_kept || error.is_none() {
        server
            .store
            .write(Keep {
                row: session.row,
                is_kept: session.is_kept,
                now_ts: server.now_ts(),
            })
            .await?;
    }
    Ok(Refusal::Uiaa(Box::new(info)))
}

struct Keep {
    row: UiaSession,
    is_kept: bool,
    now_ts: i64,
}

impl Work for Keep {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        if self.is_kept {
            return tx.uia_update(&self.row).await;
        }
        // Sessions are few and short-lived: whoever begins one removes those that have ended.
        tx.uia_delete_old(self.now_ts - LIFETIME_MS).await?;
        tx.uia_insert(&self.row, self.now_ts).await
    }
}

#[cfg(test)]
mod tests {
    use super::{body_hash, kept_name};

    #[test]
    fn a_body_is_the_same_whatever_its_order_and_auth() {
        let first = body_hash("s", br#"{"new_password":"x","logout_devices":true}"#);
        let second = body_hash(
            "s",
            br#"{"auth":{"session":"s"},"logout_devices":true, "new_password":"x"}"#,
        );
        assert_eq!(first, second);
        assert_ne!(
            first,
            body_hash("s", br#"{"new_password":"y","logout_devices":true}"#)
        );
        assert_ne!(
            first,
            body_hash("t", br#"{"new_password":"x","logout_devices":true}"#)
        );
    }

    #[test]
    fn a_session_is_not_kept_under_the_name_its_client_knows() {
        assert_ne!(kept_name("abc"), "abc");
        assert_eq!(kept_name("abc").len(), 64);
    }
}
