//! Reads the registrations of application services.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use rohrpost_core::appservices::{Appservices, Registration};
use ruma::ServerName;

/// Reads all of them.
///
/// # Errors
/// In words for the operator; no error repeats what is in a file, which holds secrets.
pub(super) fn appservices(paths: &[PathBuf], server: &ServerName) -> anyhow::Result<Appservices> {
    let mut registrations = Vec::new();
    for path in paths {
        for file in files(path)? {
            registrations.push(read(&file)?);
        }
    }
    Ok(Appservices::new(registrations, server)?)
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).with_context(|| format!("can't read the folder {}", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry
            .with_context(|| format!("can't read the folder {}", path.display()))?
            .path();
        if file
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
        {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> anyhow::Result<Registration> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("can't read the application service in {}", file.display()))?;
    let Ok(registration) = serde_saphyr::from_str::<Registration>(&text) else {
        bail!(
            "{} is not the registration of an application service: it needs id, url, as_token, hs_token, \
             sender_localpart and namespaces",
            file.display()
        );
    };
    Ok(registration)
}

#[cfg(test)]
mod tests {
    use ruma::server_name;

    use super::appservices;

    const YAML: &str = "id: bridge\nurl: http://127.0.0.1:9000\nas_token: 0123456789abcdef\nhs_token: fedcba9876543210\n\
                        sender_localpart: bridge\nnamespaces:\n  users:\n    - exclusive: true\n      regex: '@_b_.*'\n";

    #[test]
    fn files_and_folders_are_read_and_what_is_wrong_is_said_without_secrets() {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("it is written");
        write("a.yaml", YAML);
        write("readme.txt", "not a registration");
        let read = |path: &str| appservices(&[folder.path().join(path)], server_name!("amt.example"));
        assert!(read("").expect("a folder").get("bridge").is_some());
        assert!(read("a.yaml").expect("a file").get("bridge").is_some());
        write("b.yaml", &YAML.replace("id: bridge", "id: 7: 8"));
        write("d.yaml", &YAML.replace("'@_b_.*'", "'('"));
        for wrong in ["b.yaml", "d.yaml", "none.yaml", ""] {
            let error = read(wrong).err().map(|error| format!("{error:#}"));
            let error = error.unwrap_or_else(|| panic!("{wrong} was taken"));
            assert!(!error.contains("0123456789abcdef"), "{error}");
        }
    }
}
