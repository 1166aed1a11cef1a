//! The folder for everything that is kept: writable for us, closed to others, with space on its disk.

use std::{fs, io, os::unix::fs::PermissionsExt as _, path::Path};

use super::Finding;

/// Less free space than this won't last.
const MIN_FREE_BYTES: u64 = 1024 * 1024 * 1024;

pub(super) fn examine(folder: &Path) -> Vec<Finding> {
    let what = format!("data folder {}", folder.display());
    let metadata = match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return vec![Finding::good(format!("{what} (is made at the first start)"))];
        }
        Err(error) => return vec![Finding::bad(what, format!("can't be looked at: {error}"))],
        Ok(metadata) if !metadata.is_dir() => {
            return vec![Finding::bad(
                what,
                "is not a folder: move the file away, or set [server] data_dir",
            )];
        }
        Ok(metadata) => metadata,
    };
    let mut findings = Vec::new();
    if metadata.permissions().mode() & 0o077 != 0 {
        let todo = format!(
            "others on this computer may look into it: chmod 700 {}",
            folder.display()
        );
        findings.push(Finding::bad(&what, todo));
    }
    match try_to_write(folder) {
        Err(error) => findings.push(Finding::bad(
            what,
            format!("nothing can be written there ({error}): give it to the user that runs the server"),
        )),
        Ok(()) if findings.is_empty() => findings.push(Finding::good(what)),
        Ok(()) => {}
    }
    findings.push(space(folder));
    findings
}

fn try_to_write(folder: &Path) -> io::Result<()> {
    let file = folder.join(".doctor");
    fs::write(&file, "written to see whether it works")?;
    fs::remove_file(file)
}

fn space(folder: &Path) -> Finding {
    let disk = match rustix::fs::statvfs(folder) {
        Ok(disk) => disk,
        Err(error) => return Finding::bad("disk space", format!("can't be found out: {error}")),
    };
    let free_bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
    let what = format!(
        "disk space: {:.1} GiB free",
        free_bytes as f64 / (1024.0 * 1024.0 * 1024.0)
    );
    if free_bytes < MIN_FREE_BYTES {
        return Finding::bad(
            what,
            "a full disk stops all conversations: make room, or move the data folder",
        );
    }
    Finding::good(what)
}
