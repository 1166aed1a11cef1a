//! Identities of users, and the signatures that people put on devices and identities.

use ruma::{OwnedUserId, UserId};

use crate::{Result, StoreError, Tx, value::params};

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
#[derive(Clone, Debug)]
pub struct CrossSigningKey {
    /// What it is for.
    pub usage: KeyUsage,
    /// The public key, base64.
    pub key_id: String,
    /// As uploaded: a JSON object.
    pub json: String,
}

/// A signature that came later than the key it is on.
#[derive(Clone, Debug)]
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

impl Tx<'_> {
    /// Sets a key of a user's identity.
    pub async fn cross_signing_put(&mut self, user_id: &UserId, key: &CrossSigningKey) -> Result<()> {
        let sql = "INSERT INTO cross_signing_keys (user_id, usage, key_id, json) VALUES ($1, $2, $3, $4) \
                   ON CONFLICT (user_id, usage) DO UPDATE SET key_id = excluded.key_id, json = excluded.json";
        self.execute(sql, params![user_id, key.usage.as_str(), &key.key_id, &key.json])
            .await?;
        Ok(())
    }

    /// The keys of a user's identity.
    pub async fn cross_signing_list(&mut self, user_id: &UserId) -> Result<Vec<CrossSigningKey>> {
        let sql = "SELECT usage, key_id, json FROM cross_signing_keys WHERE user_id = $1";
        let rows = self.query(sql, params![user_id]).await?;
        rows.iter()
            .map(|row| {
                let usage = KeyUsage::parse(&row.get::<String>(0)?)?;
                Ok(CrossSigningKey {
                    usage,
                    key_id: row.get(1)?,
                    json: row.get(2)?,
                })
            })
            .collect()
    }

    /// Adds a signature to a device or identity of `target`.
    pub async fn key_signature_put(&mut self, target: &UserId, new: &KeySignature) -> Result<()> {
        let sql = "INSERT INTO key_signatures (target_user, target_key, signer_user, signer_key, signature) \
                   VALUES ($1, $2, $3, $4, $5) ON CONFLICT (target_user, target_key, signer_user, signer_key) \
                   DO UPDATE SET signature = excluded.signature";
        let values = params![
            target,
            &new.target_key,
            &new.signer_user,
            &new.signer_key,
            &new.signature
        ];
        self.execute(sql, values).await?;
        Ok(())
    }

    /// The signatures on keys of `target` that `viewer` may see: those of the target itself and of the viewer.
    pub async fn key_signature_list(
        &mut self,
        target: &UserId,
        viewer: &UserId,
    ) -> Result<Vec<KeySignature>> {
        let sql = "SELECT target_key, signer_user, signer_key, signature FROM key_signatures \
                   WHERE target_user = $1 AND (signer_user = $1 OR signer_user = $2)";
        let rows = self.query(sql, params![target, viewer]).await?;
        rows.iter()
            .map(|row| {
                Ok(KeySignature {
                    target_key: row.get(0)?,
                    signer_user: row.get(1)?,
                    signer_key: row.get(2)?,
                    signature: row.get(3)?,
                })
            })
            .collect()
    }
}
