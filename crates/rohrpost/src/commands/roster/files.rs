//! Rosters as files: read within bounds, written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, bail};
use rohrpost_trust::roster::{Document, MAX_BYTES};

/// A secret: for its owner only.
pub(super) const SECRET: u32 = 0o600;
/// A roster: everybody may read it.
const PUBLIC: u32 = 0o644;

/// Reads a roster that was signed or not, and verifies nothing.
pub(super) fn read(path: &Path) -> anyhow::Result<Document> {
    read_if_there(path)?.with_context(|| format!("there is no file {}", path.display()))
}

/// The same; `None` when there is no such file.
pub(super) fn read_if_there(path: &Path) -> anyhow::Result<Option<Document>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    // One byte more than there may be: that is how a file that is too large is noticed.
    let limit = u64::try_from(MAX_BYTES)?.saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit)
        .read_to_end(&mut bytes)
        .with_context(|| format!("can't read {}", path.display()))?;
    let document = Document::parse(&bytes).with_context(|| path.display().to_string())?;
    Ok(Some(document))
}

/// Writes a new file that isn't there yet; never over another.
pub(super) fn create(path: &Path, bytes: &[u8], mode: u32) -> anyhow::Result<()> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => bail!(
            "{} is there already and is left as it is: move it away, or choose another name",
            path.display()
        ),
        Err(error) => return Err(error).with_context(|| format!("can't make {}", path.display())),
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.with_context(|| format!("can't write {}", path.display()))
}

/// Writes a new roster.
pub(super) fn create_roster(path: &Path, document: &Document) -> anyhow::Result<()> {
    create(path, &document.to_bytes(), PUBLIC)?;
    readable(path)
}

/// Puts a roster in the place of another, so that at each moment there is the old one or the new one.
pub(super) fn replace_roster(path: &Path, document: &Document) -> anyhow::Result<()> {
    let mut name = path
        .file_name()
        .context("this is a folder and no file")?
        .to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("can't remove {}", new.display()));
        }
        _ => {}
    }
    create_roster(&new, document)?;
    fs::rename(&new, path).with_context(|| format!("can't write {}", path.display()))?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("can't keep {} for good", path.display()))
}

/// What the server's user has to read may have been written by another.
fn readable(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(PUBLIC))
        .with_context(|| format!("can't make {} readable", path.display()))
}
