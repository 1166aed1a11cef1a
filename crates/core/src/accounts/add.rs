//! Makes an account without asking: for the operator's command line and for programs with the shared secret.

use std::sync::Arc;

use rohrpost_store::{Tx, Work};
use ruma::OwnedUserId;

use crate::{
    Refusal, Result, Server,
    accounts::{
        password::Password,
        register::{NewAccount, Registered},
        sign_in::{NewDevice, SignIn},
        username::new_user_id,
    },
};

/// An account that an operator wants to make.
pub struct AddUser {
    /// The name.
    pub username: String,
    /// The password. `None`: nobody signs in by password until one is set.
    pub password: Option<Password>,
    /// Whether it may administer the server.
    pub administrator: bool,
    /// The device to sign in on.
    pub device: Option<NewDevice>,
}

struct Unit {
    account: NewAccount,
    administrator: bool,
    sign_in: Option<SignIn>,
}

/// Makes an account.
///
/// # Errors
/// `InvalidUsername`, `UserInUse`, `WeakPassword`.
pub async fn add(server: &Arc<Server>, new: AddUser) -> Result<Registered> {
    let AddUser {
        username,
        password,
        administrator,
        device,
    } = new;
    if let Some(password) = &password {
        password.check(&server.settings)?;
    }
    let user_id: OwnedUserId = new_user_id(&username, server.name())?;
    let account = NewAccount::new(server, user_id, password.as_ref()).await?;
    let sign_in = device.map(|device| SignIn::new(server, device)).transpose()?;
    server
        .store
        .write(Unit {
            account,
            administrator,
            sign_in,
        })
        .await
}

impl Work for Unit {
    type Out = Registered;
    type Error = Refusal;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Registered> {
        self.account.run(tx, self.administrator).await?;
        let user_id = self.account.user_id().clone();
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
