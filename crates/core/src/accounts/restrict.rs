//! Locks and suspends accounts, for administrators. Both can be taken back.
//!
//! <https://spec.matrix.org/v1.19/client-server-api/#account-locking>

use std::sync::Arc;

use rohrpost_store::{Restrictions, Tx, UserRow, UserState, Work};
use ruma::{OwnedUserId, UserId};

use crate::{Refusal, Result, Server};

/// What is taken from an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// It can't be used at all.
    Locked,
    /// It may read, but not take part.
    Suspended,
}

struct Unit {
    user_id: OwnedUserId,
    restriction: Restriction,
    on: bool,
}

/// Whether an account is restricted.
///
/// # Errors
/// `InvalidParam` for people of other servers, `NotFound`, `Forbidden` for administrators.
pub async fn get(server: &Arc<Server>, user_id: OwnedUserId, restriction: Restriction) -> Result<bool> {
    check_local(server, &user_id)?;
    let reading = server.store.read(move |tx| {
        Box::pin(async move {
            check(tx.user_get(&user_id).await?)?;
            let restrictions = tx.user_restrictions(&user_id).await?;
            Ok::<_, Refusal>(match restriction {
                Restriction::Locked => restrictions.locked,
                Restriction::Suspended => restrictions.suspended,
            })
        })
    });
    reading.await
}

/// Restricts an account, or lifts that.
///
/// # Errors
/// `InvalidParam` for people of other servers, `NotFound`, `Forbidden` for administrators, oneself among them.
pub async fn set(
    server: &Arc<Server>,
    user_id: OwnedUserId,
    restriction: Restriction,
    on: bool,
) -> Result<()> {
    check_local(server, &user_id)?;
    server
        .store
        .write(Unit {
            user_id,
            restriction,
            on,
        })
        .await
}

fn check_local(server: &Server, user_id: &UserId) -> Result<()> {
    if server.is_local(user_id) {
        return Ok(());
    }
    Err(Refusal::InvalidParam(
        "this is no account of this server".to_owned(),
    ))
}

fn check(user: Option<UserRow>) -> Result<()> {
    let user = user.filter(|user| user.state == UserState::Active);
    if user.ok_or_else(|| Refusal::not_found("account"))?.administrator {
        return Err(Refusal::Forbidden(
            "administrators can't be locked or suspended; take that right from them first".to_owned(),
        ));
    }
    Ok(())
}

impl Work for Unit {
    type Out = ();
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<()> {
        check(tx.user_lock(&self.user_id).await?)?;
        let before = tx.user_restrictions(&self.user_id).await?;
        let mut after = before;
        match self.restriction {
            Restriction::Locked => after.locked = self.on,
            Restriction::Suspended => after.suspended = self.on,
        }
        if after == before {
            return Ok(());
        }
        tx.user_restrict(&self.user_id, after).await?;
        // Requests that wait shall notice.
        tx.wake_user(&self.user_id);
        Ok(())
    }
}

/// Checks that somebody who proved who they are may sign in.
///
/// # Errors
/// `UserLocked`.
pub(crate) async fn check_not_locked(tx: &mut Tx<'_>, user_id: &UserId) -> Result<()> {
    let Restrictions { locked, .. } = tx.user_restrictions(user_id).await?;
    match locked {
        true => Err(Refusal::UserLocked),
        false => Ok(()),
    }
}
