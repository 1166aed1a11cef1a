//! Sends somebody a link, by which they show that they can read mail at an address.
//!
//! The answer is the same whether an account has the address or not, and takes the same time: mail is only written
//! down here.

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{EmailPurpose, EmailSession, Tx, UserState, Work};

use crate::{
    Refusal, Result, Server,
    accounts::address_key,
    email::texts,
    limits::Kind,
    random,
    settings::{EmailSettings, Registration},
};

/// How long a link is good for, and what it opened: 24 hours, in ms.
pub(crate) const LIFETIME_MS: i64 = 24 * 60 * 60 * 1000;
/// Longest address, in bytes.
const MAX_ADDRESS_BYTES: usize = 254;
/// Length of the name of a session; five bits for each character.
const SID_LENGTH: usize = 26;
/// Length of what stands in the link.
const TOKEN_LENGTH: usize = 40;
/// The page that a link opens.
const PAGE: &str = "/_rohrpost/client/v1/email/confirm";

/// Somebody who wants a link.
pub struct RequestToken {
    /// What for.
    pub purpose: EmailPurpose,
    /// The address.
    pub address: String,
    /// What the client will be known again by.
    pub client_secret: String,
    /// Another number: send the mail again.
    pub send_attempt: i64,
    /// Where the request came from.
    pub from: IpAddr,
}

struct Unit {
    server: Arc<Server>,
    session: EmailSession,
    token: String,
}

/// Begins a session and writes the mail down; answers the session's name. The same attempt again changes nothing.
///
/// # Errors
/// `NotOffered` where there is no mail server, or accounts aren't made by mail, or the address is none of the
/// organisation; `InvalidParam` for what is no address; `LimitExceeded`.
pub async fn request(server: &Arc<Server>, wanted: RequestToken) -> Result<String> {
    let settings = settings(server)?;
    let address = normalize(&wanted.address)
        .ok_or_else(|| Refusal::InvalidParam("this is no e-mail address; please check it".to_owned()))?;
    if wanted.purpose == EmailPurpose::Register {
        check_registration(server, settings, &address)?;
    }
    server.limit(Kind::Email, &address_key(wanted.from))?;
    server.limit(Kind::Email, &address)?;
    let rng = &*server.rng;
    let token = random::name(rng, TOKEN_LENGTH);
    let session = EmailSession {
        sid: random::name(rng, SID_LENGTH),
        purpose: wanted.purpose,
        address,
        secret_hash: random::hash(&wanted.client_secret),
        token_hash: random::hash(&token),
        send_attempt: wanted.send_attempt,
        validated_ts: None,
        created_ts: server.now_ts(),
    };
    server
        .store
        .write(Unit {
            server: Arc::clone(server),
            session,
            token,
        })
        .await
}

/// What the operator decided about mail.
///
/// # Errors
/// `NotOffered` where there is no mail server.
pub(crate) fn settings(server: &Server) -> Result<&EmailSettings> {
    server.settings.email.as_ref().ok_or_else(|| {
        Refusal::NotOffered("this server sends no e-mail; please ask its administrators".to_owned())
    })
}

fn check_registration(server: &Server, settings: &EmailSettings, address: &str) -> Result<()> {
    if server.settings.registration != Registration::Email {
        let text = "accounts are not made by e-mail here; please ask for an invitation";
        return Err(Refusal::NotOffered(text.to_owned()));
    }
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    if !settings.domains.iter().any(|allowed| allowed == domain) {
        let text = "accounts are for addresses of this organisation; please use your address at work";
        return Err(Refusal::NotOffered(text.to_owned()));
    }
    Ok(())
}

/// An address in the form it is kept in. `None`: it is none. What mail servers take besides, such as quotes, nobody
/// uses, and it would be a way to write one address in two forms.
#[must_use]
pub fn normalize(address: &str) -> Option<String> {
    let address = address.trim();
    let (local, domain) = address.rsplit_once('@')?;
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let fits = address.len() <= MAX_ADDRESS_BYTES && (1..=64).contains(&local.len());
    let is_address = local.chars().all(is_local)
        && local.split('.').all(|part| !part.is_empty())
        && domain.contains('.')
        && domain.split('.').all(is_label);
    (fits && is_address).then(|| address.to_ascii_lowercase())
}

impl Work for Unit {
    type Out = String;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<String> {
        let session = &self.session;
        let since_ts = session.created_ts - LIFETIME_MS;
        tx.email_session_delete_old(since_ts).await?;
        let old = tx
            .email_session_find(session.purpose, &session.address, &session.secret_hash, since_ts)
            .await?;
        if let Some(old) = old
            && old.send_attempt >= session.send_attempt
        {
            return Ok(old.sid);
        }
        tx.email_session_put(session).await?;
        let owner = match tx.third_party_id_owner(&session.address).await? {
            Some(owner) => tx.user_get(&owner).await?,
            None => None,
        };
        let has_account = owner.is_some_and(|owner| owner.state == UserState::Active);
        let settings = &self.server.settings;
        let text = match (session.purpose, has_account) {
            (EmailPurpose::Password, false) => None,
            (EmailPurpose::Add | EmailPurpose::Register, true) => Some(texts::in_use(settings)),
            (EmailPurpose::Password, true) | (EmailPurpose::Add | EmailPurpose::Register, false) => {
                let (url, sid, token) = (&settings.public_url, &session.sid, &self.token);
                Some(texts::link(
                    settings,
                    &format!("{url}{PAGE}?sid={sid}&token={token}"),
                ))
            }
        };
        if let Some(text) = text {
            tx.mail_insert(&session.address, &text.subject, &text.body, session.created_ts)
                .await?;
        }
        Ok(session.sid.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::normalize;

    #[test]
    fn an_address_is_kept_in_one_form() {
        assert_eq!(
            normalize(" Anna.Beck+x@Amt.Example ").as_deref(),
            Some("anna.beck+x@amt.example")
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "@",
            "anna",
            "anna@",
            "@amt.example",
            "anna@amt",
            "a b@amt.example",
            "anna@amt..example",
            "anna@-amt.example",
            "anna@amt.example\r\nBcc: x@y.example",
            "anna@x.example,b@y.example",
            "<anna@amt.example>",
            ".anna@amt.example",
            "anna@amt.example@evil.example",
            "änna@amt.example",
        ] {
            assert_eq!(normalize(wrong), None, "{wrong}");
        }
    }
}
