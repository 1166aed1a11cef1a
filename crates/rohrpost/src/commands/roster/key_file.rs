//! The key of a signer as a file: PKCS#8 in PEM, encrypted with a passphrase (scrypt and AES-256), readable for its owner
//! only.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use pkcs8::{EncryptedPrivateKeyInfoRef, LineEnding, PrivateKeyInfoRef, SecretDocument, pkcs5::pbes2};
use rohrpost_trust::key::{PublicKey, SecretKey};
use zeroize::Zeroizing;

use super::files;
use crate::system;

/// The shortest passphrase, in letters.
const MIN_PASSPHRASE: usize = 12;
/// The longest file that is looked at, in bytes.
const MAX_BYTES: u64 = 16 * 1024;
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";
const PLAIN: &str = "PRIVATE KEY";

/// Where the passphrase comes from.
#[derive(Args)]
pub(super) struct Passphrase {
    /// Take the passphrase of the key from the first line of a file and don't ask for it
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Don't encrypt the key: only where the disk is encrypted and locked away
    #[arg(long, conflicts_with = "passphrase_file")]
    without_passphrase: bool,
}

impl Passphrase {
    /// The passphrase for a new key; `None` where there is to be none.
    fn choose(&self, key: &Path) -> anyhow::Result<Option<Zeroizing<String>>> {
        if self.without_passphrase {
            return Ok(None);
        }
        let chosen = self.ask(&format!("new passphrase for {}: ", key.display()))?;
        if chosen.chars().count() < MIN_PASSPHRASE {
            bail!("the passphrase must have {MIN_PASSPHRASE} letters or more; several words are good");
        }
        if self.passphrase_file.is_none() && *self.ask("the same again: ")? != *chosen {
            bail!("these were two different passphrases; nothing was made");
        }
        Ok(Some(chosen))
    }

    fn ask(&self, question: &str) -> anyhow::Result<Zeroizing<String>> {
        let Some(file) = &self.passphrase_file else {
            let answer = rpassword::prompt_password(question).map(Zeroizing::new);
            return answer.context(
                "can't ask for the passphrase, there is no terminal: use --passphrase-file, or for a new key \
                 --without-passphrase",
            );
        };
        let text = fs::read_to_string(file).map(Zeroizing::new);
        let text = text.with_context(|| format!("can't read {}", file.display()))?;
        Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
    }
}

/// Makes a key and its file; answers the public half.
pub(super) fn make(path: &Path, passphrase: &Passphrase) -> anyhow::Result<PublicKey> {
    if path.exists() {
        bail!("{} is there already and is left as it is", path.display());
    }
    let passphrase = passphrase.choose(path)?;
    let rng = system::ports().rng;
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill(seed.as_mut_slice());
    let key = SecretKey::from_seed(&seed);
    let pair = KeypairBytes {
        secret_key: *seed,
        public_key: None,
    };
    let plain = pair.to_pkcs8_der()?;
    let pem = match passphrase {
        None => plain.to_pem(PLAIN, LineEnding::LF)?,
        Some(passphrase) => {
            let (mut salt, mut iv) = ([0; 16], [0; 16]);
            rng.fill(&mut salt);
            rng.fill(&mut iv);
            let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(Default::default(), &salt, iv)?;
            let info = PrivateKeyInfoRef::try_from(plain.as_bytes())?;
            info.encrypt_with_params(parameters, passphrase.as_bytes())?
                .to_pem(ENCRYPTED, LineEnding::LF)?
        }
    };
    files::create(path, pem.as_bytes(), files::SECRET)?;
    Ok(key.public())
}

/// Reads a key, asking for its passphrase where it has one.
pub(super) fn read(path: &Path, passphrase: &Passphrase) -> anyhow::Result<SecretKey> {
    let what = || path.display().to_string();
    let about = fs::metadata(path).with_context(what)?;
    if about.permissions().mode() & 0o077 != 0 {
        bail!(
            "others on this computer can read {}: `chmod 600` it, and think about who did",
            path.display()
        );
    }
    if about.len() > MAX_BYTES {
        bail!("{} is too large for a key", path.display());
    }
    let pem = fs::read_to_string(path).map(Zeroizing::new).with_context(what)?;
    let no_key = || {
        format!(
            "{} is no key of a signer, which `rohrpost roster key` makes",
            path.display()
        )
    };
    let (label, document) = SecretDocument::from_pem(&pem).with_context(no_key)?;
    let document = match label {
        ENCRYPTED => {
            let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).with_context(no_key)?;
            let passphrase = passphrase.ask(&format!("passphrase of {}: ", path.display()))?;
            let opened = info.decrypt(passphrase.as_bytes());
            opened.map_err(|_| io::Error::other("this is not the passphrase of the key"))?
        }
        _ => document,
    };
    let pair = KeypairBytes::from_pkcs8_der(document.as_bytes()).with_context(no_key)?;
    Ok(SecretKey::from_seed(&pair.secret_key))
}
