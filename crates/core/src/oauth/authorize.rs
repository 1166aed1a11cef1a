//! A client asks for a user's consent, and gets a code for it.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#authorisation-code-flow>

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rohrpost_store::{OAuthCode, StoreError, Tx, Work};
use ruma::OwnedDeviceId;

use super::{
    Client, OAuthRefusal, Parameters,
    client::AUTHORIZATION_CODE,
    metadata::issuer,
    page::{self, PageSecret},
    redirect::{self, Mode},
    register,
    scope::Scope,
};
use crate::{Refusal, Result, Server, random};

/// Longest `state`, in bytes.
const MAX_STATE_BYTES: usize = 1024;

/// What an authorization request came to.
pub enum Asked {
    /// Somebody is to be asked for their consent.
    Consent {
        /// Who asks.
        client: Box<Client>,
        /// Which device would be signed in.
        device_id: OwnedDeviceId,
    },
    /// The client made a mistake that it is told of: send the user back to it.
    Back {
        /// Where to.
        redirect_to: String,
    },
}

/// A request that was checked.
struct Checked {
    client_id: String,
    client: Client,
    redirect_uri: String,
    mode: Mode,
    state: Option<String>,
    /// What is asked for, or why the client is refused.
    wanted: Result<(Scope, String), OAuthRefusal>,
}

struct Unit {
    code: OAuthCode,
}

/// Looks an authorization request over. `query` is the query string that the client made.
///
/// # Errors
/// `InvalidParam` when the user must not be sent back: nobody knows such a client, or it didn't register that it may
/// be sent there.
pub async fn check(server: &Arc<Server>, query: &str) -> Result<Asked> {
    let checked = read(server, query).await?;
    match &checked.wanted {
        Ok((scope, _)) => Ok(Asked::Consent {
            device_id: scope.device_id.clone(),
            client: Box::new(checked.client),
        }),
        Err(refusal) => Ok(Asked::Back {
            redirect_to: refuse(server, &checked, refusal),
        }),
    }
}

/// The user decided. Answers where they are to be sent: back to the client, with a code if they consented.
///
/// # Errors
/// As [`check`]; `UnknownToken` when nobody is signed in to the page.
pub async fn decide(server: &Arc<Server>, query: &str, secret: &PageSecret, allow: bool) -> Result<String> {
    let caller = page::caller(server, secret).await?;
    let checked = read(server, query).await?;
    let (scope, challenge) = match &checked.wanted {
        Ok(wanted) if allow => wanted,
        Ok(_) => return Ok(refuse(server, &checked, &OAuthRefusal::AccessDenied)),
        Err(refusal) => return Ok(refuse(server, &checked, refusal)),
    };
    let mut bytes = [0; 32];
    server.rng.fill(&mut bytes);
    let code = URL_SAFE_NO_PAD.encode(bytes);
    let row = OAuthCode {
        hash: random::hash(&code),
        client_id: checked.client_id.clone(),
        redirect_uri: checked.redirect_uri.clone(),
        challenge: challenge.clone(),
        user_id: caller.user_id,
        device_id: scope.device_id.clone(),
        scope: scope.text.clone(),
        family: None,
        created_ts: server.now_ts(),
    };
    server.store.write(Unit { code: row }).await?;
    Ok(answer(server, &checked, &[("code", &code)]))
}

async fn read(server: &Arc<Server>, query: &str) -> Result<Checked> {
    if !server.settings.oauth {
        return Err(Refusal::Unrecognized);
    }
    let parameters = Parameters::parse(query.trim_start_matches('?').as_bytes()).map_err(stay)?;
    let client_id = parameters
        .need("client_id", "client_id is missing")
        .map_err(stay)?;
    let client = register::find(server, client_id).await.map_err(stay)?;
    let redirect_uri = parameters
        .need("redirect_uri", "redirect_uri is missing")
        .map_err(stay)?;
    if !redirect::is_registered(&client.redirect_uris, redirect_uri) {
        return Err(stay(OAuthRefusal::InvalidRedirectUri(
            "the program did not register that its users may be sent there",
        )));
    }
    let (mode, is_mode_known) = match parameters.get("response_mode") {
        None | Some("query") => (Mode::Query, true),
        Some("fragment") => (Mode::Fragment, true),
        Some(_) => (Mode::Query, false),
    };
    let state = parameters.get("state").map(str::to_owned);
    let wanted = if is_mode_known {
        wanted(&client, &parameters)
    } else {
        Err(OAuthRefusal::InvalidRequest(
            "response_mode must be query or fragment",
        ))
    };
    Ok(Checked {
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        client,
        mode,
        state,
        wanted,
    })
}

/// What is wrong before the redirect URI is known to be right is told to the user alone.
fn stay(refusal: OAuthRefusal) -> Refusal {
    match refusal {
        OAuthRefusal::Other(refusal) => refusal,
        refusal => Refusal::InvalidParam(refusal.to_string()),
    }
}

fn wanted(client: &Client, parameters: &Parameters) -> Result<(Scope, String), OAuthRefusal> {
    if parameters.get("response_type") != Some("code") {
        return Err(OAuthRefusal::UnsupportedResponseType);
    }
    if !client.may(AUTHORIZATION_CODE) {
        return Err(OAuthRefusal::UnauthorizedClient);
    }
    if parameters
        .get("state")
        .is_some_and(|state| state.len() > MAX_STATE_BYTES)
    {
        return Err(OAuthRefusal::InvalidRequest("state is too long"));
    }
    if parameters.get("code_challenge_method") != Some("S256") {
        return Err(OAuthRefusal::InvalidRequest("code_challenge_method must be S256"));
    }
    let challenge = parameters.need("code_challenge", "code_challenge is missing")?;
    // A SHA-256 in base64url.
    if URL_SAFE_NO_PAD
        .decode(challenge)
        .map_or(true, |hash| hash.len() != 32)
    {
        return Err(OAuthRefusal::InvalidRequest("code_challenge is malformed"));
    }
    let scope = Scope::parse(parameters.get("scope").unwrap_or_default())?;
    Ok((scope, challenge.to_owned()))
}

fn refuse(server: &Server, checked: &Checked, refusal: &OAuthRefusal) -> String {
    let text = refusal.to_string();
    answer(
        server,
        checked,
        &[("error", refusal.code()), ("error_description", &text)],
    )
}

/// The address of the client with an answer. It says who answers (RFC 9207), so that a client of several servers
/// doesn't take one for another.
fn answer(server: &Server, checked: &Checked, pairs: &[(&str, &str)]) -> String {
    let issuer = issuer(server);
    let mut pairs = pairs.to_vec();
    if let Some(state) = &checked.state {
        pairs.push(("state", state));
    }
    pairs.push(("iss", &issuer));
    redirect::build(&checked.redirect_uri, checked.mode, &pairs)
}

impl Work for Unit {
    type Out = ();
    type Error = StoreError;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        tx.oauth_code_insert(&self.code).await
    }
}
