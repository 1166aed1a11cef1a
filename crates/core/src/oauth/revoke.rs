//! A client signs its user out (RFC 7009).
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#token-revocation>

use std::{net::IpAddr, sync::Arc};

use rohrpost_store::{Tx, Work};

use super::{OAuthRefusal, Parameters, admit};
use crate::{Refusal, Result, Server, devices::changed::changed, random};

struct Unit {
    hash: [u8; 32],
}

/// Revokes an access or refresh token: the whole sign-in ends and its device goes. Whoever has a token may do so,
/// whichever client it belongs to, so that a token that was found can be made harmless. A token that isn't one is no
/// error.
///
/// # Errors
/// `InvalidRequest` without a token.
pub async fn revoke(
    server: &Arc<Server>,
    address: IpAddr,
    parameters: &Parameters,
) -> Result<(), OAuthRefusal> {
    admit(server, address)?;
    let token = parameters.need("token", "token is missing")?;
    let hash = random::hash(token);
    Ok(server.store.write(Unit { hash }).await?)
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let Some(token) = tx.token_lock(&self.hash).await? else {
            return Ok(());
        };
        tx.token_delete_family(&token.family).await?;
        if tx.device_delete(&token.user_id, &token.device_id).await? {
            changed(tx, &token.user_id).await?;
        }
        Ok(())
    }
}
