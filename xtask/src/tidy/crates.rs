//! What every crate has: the workspace's lints, and in each file a first line that says what it is for.

use cargo_metadata::Metadata;

use super::Finding;
use super::files::File;

/// The manifests of our own crates.
pub(super) fn manifests(metadata: &Metadata) -> Vec<String> {
    let root = &metadata.workspace_root;
    let paths = metadata.packages.iter().map(|package| &package.manifest_path);
    paths
        .map(|path| path.strip_prefix(root).unwrap_or(path).to_string())
        .collect()
}

/// Checks manifests and first lines. Files of tests inside a crate speak for themselves.
pub(super) fn check(manifests: &[String], files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if manifests.contains(&file.path) && !has_workspace_lints(&file.text) {
            let message = "the workspace's lints are off, add [lints] with workspace = true";
            findings.push(Finding::error(&file.path, 1, message));
        }
        if file.is_rust() && !file.path.ends_with("/tests.rs") && !file.text.trim_start().starts_with("//! ")
        {
            let message =
                "no doc, begin the file with //! and what it is for, what not, where to start reading";
            findings.push(Finding::error(&file.path, 1, message));
        }
    }
    findings
}

fn has_workspace_lints(manifest: &str) -> bool {
    let mut lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .skip(1);
    lines
        .find(|line| !line.is_empty())
        .is_some_and(|line| line == "workspace = true")
        || manifest
            .lines()
            .any(|line| line.trim() == "lints.workspace = true")
}

#[cfg(test)]
mod tests {
    use super::{File, check};

    fn findings(manifest: &str, source: &str) -> usize {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let files = [
            file("a/Cargo.toml", manifest),
            file("a/src/lib.rs", source),
            file("a/src/tests.rs", ""),
        ];
        check(&["a/Cargo.toml".to_owned()], &files).len()
    }

    #[test]
    fn wants_the_workspace_lints_and_a_doc() {
        let good = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n";
        assert_eq!(findings(good, "//! What it is for.\n"), 0);
        assert_eq!(findings(good, "// A comment.\n"), 1);
        assert_eq!(findings("[package]\nname = \"a\"\n", "//! What it is for.\n"), 1);
        assert_eq!(
            findings("[lints]\n[dependencies]\nworkspace = true\n", "fn a() {}\n"),
            2
        );
    }
}
