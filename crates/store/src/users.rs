//! Accounts of this server.

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, StoreError, Tx,
    value::{Row, Value, params},
};

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// It may.
    Active,
    /// It is closed for good; its name is never given to anybody else.
    Deactivated,
}

impl UserState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "active" => Ok(Self::Active),
            "deactivated" => Ok(Self::Deactivated),
            _ => Err(StoreError::inconsistent("users", "state", "unknown state")),
        }
    }
}

/// What an administrator took from an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restrictions {
    /// It can't be used at all.
    pub locked: bool,
    /// It may read, but not take part.
    pub suspended: bool,
}

/// An account.
#[derive(Clone)]
pub struct UserRow {
    /// Full identifier.
    pub user_id: OwnedUserId,
    /// Argon2id in PHC form. `None`: can't sign in by password.
    pub password_hash: Option<String>,
    /// May administer this server.
    pub administrator: bool,
    /// Whether the account may be used.
    pub state: UserState,
    /// When it was made, ms since the epoch.
    pub created_ts: i64,
}

const COLUMNS: &str =
    "SELECT user_id, password_hash, administrator, state, created_ts FROM users WHERE user_id = $1";

fn user(row: &Row) -> Result<UserRow> {
    Ok(UserRow {
        user_id: row.get(0)?,
        password_hash: row.get(1)?,
        administrator: row.get(2)?,
        state: UserState::parse(&row.get::<String>(3)?)?,
        created_ts: row.get(4)?,
    })
}

impl Tx<'_> {
    /// The account of a user.
    pub async fn user_get(&mut self, user_id: &UserId) -> Result<Option<UserRow>> {
        self.query_opt(COLUMNS, params![user_id])
            .await?
            .as_ref()
            .map(user)
            .transpose()
    }

    /// Which of these users have an account here, of whatever state; the answer has the order of `user_ids`.
    pub async fn user_is_known_each(&mut self, user_ids: &[OwnedUserId]) -> Result<Vec<bool>> {
        let keys: Vec<Vec<Value<'_>>> = user_ids.iter().map(|user_id| vec![user_id.into()]).collect();
        let found = self
            .query_each("SELECT 1 FROM users WHERE user_id = $1", &keys)
            .await?;
        Ok(found.iter().map(|rows| !rows.is_empty()).collect())
    }

    /// The same as [`Tx::user_get`], keeping others from changing the account until the commit.
    pub async fn user_lock(&mut self, user_id: &UserId) -> Result<Option<UserRow>> {
        let sql = self.choose(
            COLUMNS,
            "SELECT user_id, password_hash, administrator, state, created_ts FROM users WHERE user_id = $1 FOR UPDATE",
        );
        self.query_opt(sql, params![user_id])
            .await?
            .as_ref()
            .map(user)
            .transpose()
    }

    /// Removes what an account keeps for itself: account data, filters, its identity and the backup of its keys.
    /// Devices and memberships have methods of their own.
    pub async fn user_delete_belongings(&mut self, user_id: &UserId) -> Result<()> {
        let who: &[_] = params![user_id];
        self.execute_all(&[
            ("DELETE FROM account_data WHERE user_id = $1", who),
            ("DELETE FROM filters WHERE user_id = $1", who),
            ("DELETE FROM cross_signing_keys WHERE user_id = $1", who),
            ("DELETE FROM key_signatures WHERE target_user = $1", who),
            ("DELETE FROM backup_keys WHERE user_id = $1", who),
            ("DELETE FROM backup_versions WHERE user_id = $1", who),
            ("DELETE FROM delayed_events WHERE user_id = $1", who),
            ("DELETE FROM short_tokens WHERE user_id = $1", who),
            ("DELETE FROM pushers WHERE user_id = $1", who),
            ("DELETE FROM notified WHERE user_id = $1", who),
            ("DELETE FROM third_party_ids WHERE user_id = $1", who),
            ("DELETE FROM thread_subscriptions WHERE user_id = $1", who),
        ])
        .await
    }

    /// Makes an account. `false`: the name is taken, nothing was changed.
    pub async fn user_insert(&mut self, new: &UserRow) -> Result<bool> {
        let sql = "INSERT INTO users (user_id, password_hash, administrator, state, kind, created_ts) \
                   VALUES ($1, $2, $3, $4, 'user', $5) ON CONFLICT (user_id) DO NOTHING";
        let state = new.state.as_str();
        let touched = self
            .execute(
                sql,
                params![
                    &new.user_id,
                    new.password_hash.as_ref(),
                    new.administrator,
                    state,
                    new.created_ts
                ],
            )
            .await?;
        Ok(touched == 1)
    }

    /// Sets or removes the password.
    pub async fn user_set_password(&mut self, user_id: &UserId, hash: Option<&str>) -> Result<()> {
        let sql = "UPDATE users SET password_hash = $2 WHERE user_id = $1";
        self.execute(sql, params![user_id, hash]).await?;
        Ok(())
    }

    /// Opens or closes an account.
    pub async fn user_set_state(&mut self, user_id: &UserId, state: UserState) -> Result<()> {
        let sql = "UPDATE users SET state = $2 WHERE user_id = $1";
        self.execute(sql, params![user_id, state.as_str()]).await?;
        Ok(())
    }

    /// What was taken from an account; nothing when there is none.
    pub async fn user_restrictions(&mut self, user_id: &UserId) -> Result<Restrictions> {
        let sql = "SELECT locked, suspended FROM users WHERE user_id = $1";
        let Some(row) = self.query_opt(sql, params![user_id]).await? else {
            return Ok(Restrictions::default());
        };
        Ok(Restrictions {
            locked: row.get(0)?,
            suspended: row.get(1)?,
        })
    }

    /// Takes something from an account or gives it back.
    pub async fn user_restrict(&mut self, user_id: &UserId, restrictions: Restrictions) -> Result<()> {
        let sql = "UPDATE users SET locked = $2, suspended = $3 WHERE user_id = $1";
        self.execute(sql, params![user_id, restrictions.locked, restrictions.suspended])
            .await?;
        Ok(())
    }

    /// Gives or takes the right to administer this server.
    pub async fn user_set_administrator(&mut self, user_id: &UserId, administrator: bool) -> Result<()> {
        let sql = "UPDATE users SET administrator = $2 WHERE user_id = $1";
        self.execute(sql, params![user_id, administrator]).await?;
        Ok(())
    }

    /// Accounts in the order of their names, those after `after`.
    pub async fn user_list(&mut self, after: &str, limit: u32) -> Result<Vec<UserRow>> {
        let sql = "SELECT user_id, password_hash, administrator, state, created_ts FROM users \
                   WHERE user_id > $1 ORDER BY user_id LIMIT $2";
        self.query(sql, params![after, limit])
            .await?
            .iter()
            .map(user)
            .collect()
    }

    /// Closed accounts that are still in rooms or invited to some.
    pub async fn user_list_closed_in_rooms(&mut self, limit: u32) -> Result<Vec<OwnedUserId>> {
        let sql = "SELECT DISTINCT u.user_id FROM users u JOIN memberships m ON m.user_id = u.user_id \
                   WHERE u.state = 'deactivated' AND m.membership IN ('join', 'invite', 'knock') LIMIT $1";
        self.query(sql, params![limit])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect()
    }

    /// How many accounts there are, closed ones included.
    pub async fn user_count(&mut self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) FROM users", &[]).await?.get(0)
    }
}
