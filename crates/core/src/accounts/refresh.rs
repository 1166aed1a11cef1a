//! Exchanges a refresh token for new tokens.
//!
//! An answer may get lost, so an exchanged refresh token can be exchanged again until one of the new tokens was
//! used. Then it is revoked, and whoever still shows it after a while has a copy: the whole sign-in ends.

use std::sync::Arc;

use rohrpost_store::{TokenKind, Tx, UserState, Work};

use crate::{
    Refusal, Result, Server,
    accounts::{restrict::check_not_locked, sign_in::Tokens},
    random,
};

/// So long after its exchange a revoked refresh token is taken for a race of two windows, not for a theft.
const RACE_MS: i64 = 60_000;

/// A secret of a request. No `Debug`.
pub struct RefreshToken(pub String);

struct Unit {
    hash: [u8; 32],
    /// The OAuth 2.0 client that asks. `None`: it is asked as before OAuth 2.0.
    client: Option<String>,
    tokens: Tokens,
    now_ts: i64,
}

/// How an exchange ended. A revoked family is kept by the unit, so it is no error of it.
enum Exchange {
    Tokens { tokens: Tokens, scope: Option<String> },
    Refused { soft_logout: bool },
}

/// Exchanges a refresh token.
///
/// # Errors
/// `UnknownToken` when it isn't one, or not any more. When it was replaced by a token that was used, and that is
/// not just a moment ago, every token of its sign-in is revoked.
///
/// # Spec
/// <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh>
pub async fn refresh(server: &Arc<Server>, token: RefreshToken) -> Result<Tokens> {
    Ok(exchange(server, token, None).await?.0)
}

/// The same for an OAuth 2.0 client: it can exchange its own refresh tokens only. Answers what they are good for,
/// too.
///
/// # Errors
/// As [`refresh`]; `UnknownToken` also for a token of another client.
pub(crate) async fn refresh_of_client(
    server: &Arc<Server>,
    token: RefreshToken,
    client_id: String,
) -> Result<(Tokens, String)> {
    let (tokens, scope) = exchange(server, token, Some(client_id)).await?;
    Ok((tokens, scope.unwrap_or_default()))
}

async fn exchange(
    server: &Arc<Server>,
    token: RefreshToken,
    client: Option<String>,
) -> Result<(Tokens, Option<String>)> {
    let unit = Unit {
        hash: random::hash(&token.0),
        client,
        tokens: Tokens::new(&*server.rng, true),
        now_ts: server.now_ts(),
    };
    match server.store.write(unit).await? {
        Exchange::Tokens { tokens, scope } => Ok((tokens, scope)),
        Exchange::Refused { soft_logout } => Err(Refusal::UnknownToken { soft_logout }),
    }
}

impl Work for Unit {
    type Out = Exchange;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Exchange> {
        let token = tx
            .token_lock(&self.hash)
            .await?
            .filter(|token| token.kind == TokenKind::Refresh);
        let Some(token) = token else {
            return Ok(Exchange::Refused { soft_logout: false });
        };
        let user = tx.user_get(&token.user_id).await?;
        if !user.is_some_and(|user| user.state == UserState::Active) {
            return Ok(Exchange::Refused { soft_logout: false });
        }
        // A refresh token is worth nothing to another client than its own.
        let grant = tx.oauth_grant_get(&token.family).await?;
        if grant.as_ref().map(|grant| &grant.client_id) != self.client.as_ref() {
            return Ok(Exchange::Refused { soft_logout: false });
        }
        check_not_locked(tx, &token.user_id).await?;
        if token.expires_ts.is_some() {
            if token
                .used_ts
                .is_none_or(|used_ts| self.now_ts > used_ts + RACE_MS)
            {
                tx.token_delete_family(&token.family).await?;
                tx.wake_user(&token.user_id);
            }
            return Ok(Exchange::Refused { soft_logout: true });
        }
        if token.used_ts.is_some() {
            // The answer to the first exchange was lost, with the tokens in it.
            tx.token_delete_unused(&token.family).await?;
        } else {
            tx.token_set_used(&self.hash, self.now_ts).await?;
            tx.token_revoke_exchanged(&token.family, &self.hash, self.now_ts)
                .await?;
        }
        let tokens = self.tokens.of_family(token.family);
        tokens
            .keep(tx, &token.user_id, &token.device_id, self.now_ts)
            .await?;
        let scope = grant.map(|grant| grant.scope);
        Ok(Exchange::Tokens { tokens, scope })
    }
}
