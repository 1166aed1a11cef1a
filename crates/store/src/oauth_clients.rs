//! Programs that registered themselves as OAuth 2.0 clients, and the sign-ins that belong to them.

use crate::{
    Result, Tx,
    value::{Row, params},
};

/// A registered program.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    /// Its identifier.
    pub client_id: String,
    /// Its metadata, JSON, as it was checked.
    pub metadata: String,
}

/// To which client a sign-in belongs.
#[derive(Clone, Debug)]
pub struct OAuthGrant {
    /// The family of its tokens.
    pub family: [u8; 16],
    /// The client.
    pub client_id: String,
    /// What was granted, space-separated.
    pub scope: String,
}

fn grant(row: &Row) -> Result<OAuthGrant> {
    Ok(OAuthGrant {
        family: row
            .get::<Vec<u8>>(0)?
            .try_into()
            .map_err(|_| crate::StoreError::inconsistent("oauth_grants", "family", "wrong length"))?,
        client_id: row.get(1)?,
        scope: row.get(2)?,
    })
}

impl Tx<'_> {
    /// Keeps a client, or notes that it registered again.
    pub async fn oauth_client_put(&mut self, new: &OAuthClient, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO oauth_clients (client_id, metadata, registered_ts) VALUES ($1, $2, $3) \
                   ON CONFLICT (client_id) DO UPDATE SET registered_ts = excluded.registered_ts";
        self.execute(sql, params![&new.client_id, &new.metadata, now_ts])
            .await?;
        Ok(())
    }

    /// A client.
    pub async fn oauth_client_get(&mut self, client_id: &str) -> Result<Option<OAuthClient>> {
        let sql = "SELECT client_id, metadata FROM oauth_clients WHERE client_id = $1";
        let Some(row) = self.query_opt(sql, params![client_id]).await? else {
            return Ok(None);
        };
        Ok(Some(OAuthClient {
            client_id: row.get(0)?,
            metadata: row.get(1)?,
        }))
    }

    /// How many clients there are.
    pub async fn oauth_client_count(&mut self) -> Result<i64> {
        self.query_one("SELECT COUNT(*) FROM oauth_clients", &[])
            .await?
            .get(0)
    }

    /// Removes clients that registered before `before_ts` and that nobody is signed in with.
    pub async fn oauth_client_delete_unused(&mut self, before_ts: i64) -> Result<u64> {
        let sql = "DELETE FROM oauth_clients WHERE registered_ts < $1 AND NOT EXISTS \
                   (SELECT 1 FROM oauth_grants g WHERE g.client_id = oauth_clients.client_id)";
        self.execute(sql, params![before_ts]).await
    }

    /// Says that the tokens of a family belong to a client.
    pub async fn oauth_grant_insert(&mut self, new: &OAuthGrant, now_ts: i64) -> Result<()> {
        let sql = "INSERT INTO oauth_grants (family, client_id, scope, created_ts) VALUES ($1, $2, $3, $4)";
        let family: &[u8] = &new.family;
        self.execute(sql, params![family, &new.client_id, &new.scope, now_ts])
            .await?;
        Ok(())
    }

    /// To which client the tokens of a family belong. `None`: to none, they came from another kind of sign-in.
    pub async fn oauth_grant_get(&mut self, family: &[u8; 16]) -> Result<Option<OAuthGrant>> {
        let sql = "SELECT family, client_id, scope FROM oauth_grants WHERE family = $1";
        let family: &[u8] = family;
        self.query_opt(sql, params![family])
            .await?
            .as_ref()
            .map(grant)
            .transpose()
    }

    /// To which client the token with this hash belongs.
    pub async fn oauth_grant_of_token(&mut self, hash: &[u8; 32]) -> Result<Option<OAuthGrant>> {
        let sql = "SELECT g.family, g.client_id, g.scope FROM tokens t \
                   JOIN oauth_grants g ON g.family = t.family WHERE t.hash = $1";
        self.query_opt(sql, params![hash])
            .await?
            .as_ref()
            .map(grant)
            .transpose()
    }

    /// Removes what was granted for tokens that are gone.
    pub async fn oauth_grant_delete_ended(&mut self) -> Result<u64> {
        let sql = "DELETE FROM oauth_grants WHERE NOT EXISTS \
                   (SELECT 1 FROM tokens t WHERE t.family = oauth_grants.family)";
        self.execute(sql, &[]).await
    }
}
