//! Somebody followed the link that they were sent, and a client says so.

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{EmailPurpose, EmailSession, Tx, Work};
use subtle::ConstantTimeEq;

use crate::{
    Refusal, Result, Server, accounts::address_key, email::request::LIFETIME_MS, limits::Kind, random,
};

struct Unit {
    sid: String,
    token_hash: [u8; 32],
    now_ts: i64,
}

/// Notes that the link was followed. Following it again changes nothing.
///
/// # Errors
/// `NotFound` for a link that is none or whose time is over, `LimitExceeded` after too many from one network address.
pub async fn validate(server: &Arc<Server>, sid: &str, token: &str, from: IpAddr) -> Result<()> {
    server.limit(Kind::LoginPerAddress, &address_key(from))?;
    let now_ts = server.now_ts();
    server
        .store
        .write(Unit {
            sid: sid.to_owned(),
            token_hash: random::hash(token),
            now_ts,
        })
        .await
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let session = tx.email_session_get(&self.sid, self.now_ts - LIFETIME_MS).await?;
        let is_it = |session: &EmailSession| bool::from(session.token_hash.ct_eq(&self.token_hash));
        if !session.as_ref().is_some_and(is_it) {
            return Err(Refusal::NotFound(
                "this link is not valid (any more); please ask for a new one".to_owned(),
            ));
        }
        tx.email_session_validate(&self.sid, self.now_ts).await?;
        Ok(())
    }
}

/// The session of a client who followed the link for this purpose.
///
/// # Errors
/// `ThreepidAuthFailed` in the same words for a session that isn't there, isn't the client's, is for something else,
/// or whose link was not followed yet.
pub(crate) async fn confirmed(
    tx: &mut Tx<'_>,
    purpose: EmailPurpose,
    sid: &str,
    client_secret: &str,
    now_ts: i64,
) -> Result<EmailSession> {
    let session = tx.email_session_get(sid, now_ts - LIFETIME_MS).await?;
    let secret_hash = random::hash(client_secret);
    session
        .filter(|session| bool::from(session.secret_hash.ct_eq(&secret_hash)))
        .filter(|session| session.purpose == purpose && session.validated_ts.is_some())
        .ok_or(Refusal::ThreepidAuthFailed)
}
