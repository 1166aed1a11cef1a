//! The addresses of an account.

use std::sync::Arc;

use rohrpost_store::{EmailPurpose, ThirdPartyIdRow, Tx, Work};

use crate::{
    Caller, Refusal, Result, Server,
    accounts::uia::Proof,
    email::{request::normalize, validate::confirmed},
};

/// Addresses of one account.
const MAX_ADDRESSES: usize = 10;

/// The addresses of the caller.
///
/// # Errors
/// Those of the store.
pub async fn list(server: &Arc<Server>, caller: &Caller) -> Result<Vec<ThirdPartyIdRow>> {
    let user_id = caller.user_id.clone();
    server
        .store
        .read(move |tx| Box::pin(async move { Ok::<_, Refusal>(tx.third_party_id_list(&user_id).await?) }))
        .await
}

struct Add {
    caller: Caller,
    sid: String,
    client_secret: String,
    proof: Proof,
    now_ts: i64,
}

/// Adds an address to the caller's account, which they have shown to be theirs. The address is the one the link was
/// sent to: the request can't name another.
///
/// # Errors
/// `ThreepidAuthFailed` when they haven't, `ThreepidInUse` when it belongs to another account by now.
pub async fn add(
    server: &Arc<Server>,
    caller: Caller,
    sid: String,
    client_secret: String,
    proof: Proof,
) -> Result<()> {
    let now_ts = server.now_ts();
    server
        .store
        .write(Add {
            caller,
            sid,
            client_secret,
            proof,
            now_ts,
        })
        .await
}

impl Work for Add {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        let user_id = &self.caller.user_id;
        let session = confirmed(tx, EmailPurpose::Add, &self.sid, &self.client_secret, self.now_ts).await?;
        self.proof.consume(tx).await?;
        tx.email_session_delete(&session.sid).await?;
        if tx.third_party_id_list(user_id).await?.len() >= MAX_ADDRESSES {
            return Err(Refusal::TooLarge(format!(
                "an account may have {MAX_ADDRESSES} addresses; please remove one first"
            )));
        }
        let new = ThirdPartyIdRow {
            address: session.address,
            validated_ts: session.validated_ts.unwrap_or(self.now_ts),
            added_ts: self.now_ts,
        };
        match tx.third_party_id_put(user_id, &new).await? {
            true => Ok(()),
            false => Err(Refusal::ThreepidInUse),
        }
    }
}

struct Delete {
    caller: Caller,
    address: String,
}

/// Takes an address from the caller's account, with the notices that are sent to it. One that isn't there is none.
///
/// # Errors
/// Those of the store.
pub async fn delete(server: &Arc<Server>, caller: Caller, address: &str) -> Result<()> {
    let Some(address) = normalize(address) else {
        return Ok(());
    };
    server.store.write(Delete { caller, address }).await
}

impl Work for Delete {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        tx.third_party_id_delete(&self.caller.user_id, &self.address)
            .await?;
        Ok(())
    }
}
