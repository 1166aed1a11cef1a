//! Identities of users, and the signatures that people put on devices and identities.

use ruma::{OwnedUserId, UserId};

use crate::{
    Result, StoreError, StreamPos, Tx,
    value::{Row, Value, params},
};

/// What an identity key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUsage {
    /// Stands for the user.
    Master,
    /// Signs the user's devices.
    SelfSigning,
    /// Signs other users; nobody else sees it.
    UserSigning,
}

impl KeyUsage {
    fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::SelfSigning => "self_signing",
            Self::UserSigning => "user_signing",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "master" => Ok(Self::Master),
            "self_signing" => Ok(Self::SelfSigning),
            "user_signing" => Ok(Self::UserSigning),
            _ => Err(StoreError::inconsistent(
                "cross_signing_keys",
                "usage",
                "unknown usage",
            )),
        }
    }
}

/// A key of a user's identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrossSigningKey {
    /// What it is for.
    pub usage: KeyUsage,
    /// The public key, base64.
    pub key_id: String,
    /// A JSON object; signed by the master key where it is another one.
    pub json: String,
}

/// A signature that came later than the key it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySignature {
    /// Device id, or public key of an identity.
    pub target_key: String,
    /// Who signed.
    pub signer_user: OwnedUserId,
    /// Such as `ed25519:BASE64`.
    pub signer_key: String,
    /// Base64.
    pub signature: String,
}

fn key(row: &Row) -> Result<CrossSigningKey> {
    let usage = KeyUsage::parse(&row.get::<String>(0)?)?;
    Ok(CrossSigningKey {
        usage,
        key_id: row.get(1)?,
        json: row.get(2)?,
    })
}

fn signature(row: &Row) -> Result<KeySignature> {
    Ok(KeySignature {
        target_key: row.get(0)?,
        signer_user: row.get(1)?,
        signer_key: row.get(2)?,
        signature: row.get(3)?,
    })
}

const KEYS: &str = "SELECT usage, key_id, json FROM cross_signing_keys WHERE user_id = $1";
const SIGNATURES: &str = "SELECT target_key, signer_user, signer_key, signature FROM key_signatures \
                          WHERE target_user = $1 AND (signer_user = $1 OR signer_user = $2)";

impl Tx<'_> {
    /// Keeps others from changing the identity or the key backups of a user until the commit. `false`: there is
    /// no such account.
    pub async fn cross_signing_lock(&mut self, user_id: &UserId) -> Result<bool> {
        let sql = self.choose(
            "SELECT 1 FROM users WHERE user_id = $1",
            "SELECT 1 FROM users WHERE user_id = $1 FOR UPDATE",
        );
        Ok(self.query_opt(sql, params![user_id]).await?.is_some())
    }

    /// Sets a key of a user's identity.
    pub async fn cross_signing_put(&mut self, user_id: &UserId, key: &CrossSigningKey) -> Result<()> {
        let sql = "INSERT INTO cross_signing_keys (user_id, usage, key_id, json) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (user_id, usage) DO UPDATE SET key_id = excluded.key_id, json = excluded.json";
        self.execute(sql, params![user_id, key.usage.as_str(), &key.key_id, &key.json])
            .await?;
        Ok(())
    }

    /// Removes a key of a user's identity.
    pub async fn cross_signing_delete(&mut self, user_id: &UserId, usage: KeyUsage) -> Result<()> {
        let sql = "DELETE FROM cross_signing_keys WHERE user_id = $1 AND usage = $2";
        self.execute(sql, params![user_id, usage.as_str()]).await?;
        Ok(())
    }

    /// The keys of a user's identity.
    pub async fn cross_signing_list(&mut self, user_id: &UserId) -> Result<Vec<CrossSigningKey>> {
        self.query(KEYS, params![user_id])
            .await?
            .iter()
            .map(key)
            .collect()
    }

    /// The keys of the identity of each of these users, in the order of the users.
    pub async fn cross_signing_list_each(
        &mut self,
        users: &[OwnedUserId],
    ) -> Result<Vec<Vec<CrossSigningKey>>> {
        let asked: Vec<Vec<Value<'_>>> = users.iter().map(|user| vec![user.into()]).collect();
        let answers = self.query_each(KEYS, &asked).await?;
        answers
            .iter()
            .map(|rows| rows.iter().map(key).collect())
            .collect()
    }

    /// Adds signatures to devices and the identity of `target`, in place of older ones of the same keys.
    pub async fn key_signature_put(&mut self, target: &UserId, new: &[KeySignature]) -> Result<()> {
        let sql = "INSERT INTO key_signatures (target_user, target_key, signer_user, signer_key, signature) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (target_user, target_key, signer_user, signer_key) \
                   DO UPDATE SET signature = excluded.signature";
        let rows: Vec<Vec<Value<'_>>> = new
            .iter()
            .map(|new| {
                let (signer, key) = ((&new.signer_user).into(), (&new.signer_key).into());
                vec![
                    target.into(),
                    (&new.target_key).into(),
                    signer,
                    key,
                    (&new.signature).into(),
                ]
            })
            .collect();
        self.execute_each(sql, &rows).await
    }

    /// Removes all signatures on a device or key.
    pub async fn key_signature_delete_on(&mut self, target: &UserId, target_key: &str) -> Result<()> {
        let sql = "DELETE FROM key_signatures WHERE target_user = $1 AND target_key = $2";
        self.execute(sql, params![target, target_key]).await?;
        Ok(())
    }

    /// Removes all signatures that a key made. `signer_key` has its algorithm: `ed25519:...`.
    pub async fn key_signature_delete_by(&mut self, signer: &UserId, signer_key: &str) -> Result<()> {
        let sql = "DELETE FROM key_signatures WHERE signer_user = $1 AND signer_key = $2";
        self.execute(sql, params![signer, signer_key]).await?;
        Ok(())
    }

    /// The signatures on keys of `target` that `viewer` may see: those of the target itself and of the viewer.
    pub async fn key_signature_list(
        &mut self,
        target: &UserId,
        viewer: &UserId,
    ) -> Result<Vec<KeySignature>> {
        let rows = self.query(SIGNATURES, params![target, viewer]).await?;
        rows.iter().map(signature).collect()
    }

    /// The same for each of these targets, in their order.
    pub async fn key_signature_list_each(
        &mut self,
        targets: &[OwnedUserId],
        viewer: &UserId,
    ) -> Result<Vec<Vec<KeySignature>>> {
        let asked: Vec<Vec<Value<'_>>> = targets
            .iter()
            .map(|target| vec![target.into(), viewer.into()])
            .collect();
        let answers = self.query_each(SIGNATURES, &asked).await?;
        answers
            .iter()
            .map(|rows| rows.iter().map(signature).collect())
            .collect()
    }

    /// Notes for the other devices of `signer` that the identity of a user has a new signature of theirs.
    pub async fn signed_user_touch(
        &mut self,
        signer: &UserId,
        user_id: &UserId,
        pos: StreamPos,
    ) -> Result<()> {
        let sql = "INSERT INTO signed_user_changes (signer_user, user_id, pos) VALUES ($1, $2, $3) \
                   ON CONFLICT (signer_user, user_id) DO UPDATE SET pos = excluded.pos";
        self.execute(sql, params![signer, user_id, pos]).await?;
        Ok(())
    }
}
