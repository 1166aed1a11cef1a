//! Words that must not stand where they stand.

use std::path::Path;

use super::Finding;
use super::files::File;
use super::rust::Source;

/// The version of the specification that the whole project speaks of.
const SPEC_LINK: &str = "https://spec.matrix.org/v1.19/";
const SPEC_HOST: &str = "spec.matrix.org";

/// The files that may name HTTP status codes, each for a reason that was looked at.
const STATUS_CODES: [(&str, &str); 1] = [("crates/http/src/error.rs", "chooses the status of every failure")];

/// Folders of people and programs that no file of the project may speak of.
const MACHINE_PATHS: [&str; 3] = ["/root/", "/home/", "/Users/"];

/// Where packages come from is decided by cargo and npm, or by whoever runs them; other hosts don't belong in here.
const REGISTRIES: [&str; 2] = [
    "https://registry.npmjs.org/",
    "https://github.com/rust-lang/crates.io-index",
];

/// All checks of this file over one file.
pub(super) fn check(file: &File, checkout: &Path) -> Vec<Finding> {
    let mut findings = registry_hosts(file);
    if file.is_tidy_itself() || file.is_generated() {
        return findings;
    }
    findings.extend(spec_links(file));
    findings.extend(machine_paths(file, checkout));
    if file.is_rust() {
        let source = Source::read(&file.text);
        findings.extend(allow_attributes(file, &source));
        findings.extend(todos(
            file,
            source
                .comments
                .iter()
                .map(|comment| (comment.line, comment.text.as_str())),
        ));
        if !file.is_test() {
            findings.extend(sql(file, &source));
            findings.extend(status_codes(file, &source));
        }
    } else if file.is_code() {
        findings.extend(todos(file, numbered(&file.text)));
    }
    findings
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line))
}

fn spec_links(file: &File) -> Vec<Finding> {
    let wrong = |line: &str| line.matches(SPEC_HOST).count() > line.matches(SPEC_LINK).count();
    let message = format!("a link to another version of the specification, write {SPEC_LINK}...");
    numbered(&file.text)
        .filter(|(_, line)| wrong(line))
        .map(|(at, _)| Finding::error(&file.path, at, message.clone()))
        .collect()
}

fn machine_paths(file: &File, checkout: &Path) -> Vec<Finding> {
    // A checkout right below `/` has a name like any folder; only a longer path says something.
    let checkout = checkout.to_str().filter(|path| path.matches('/').count() > 1);
    let mut findings = Vec::new();
    for (at, line) in numbered(&file.text) {
        for path in MACHINE_PATHS.into_iter().chain(checkout) {
            if line.match_indices(path).any(|(at, _)| begins_a_path(line, at)) {
                findings.push(Finding::error(
                    &file.path,
                    at,
                    format!("the path {path} of one machine, take it out"),
                ));
            }
        }
    }
    findings
}

/// Whether a path begins here and not in the middle of a longer one.
fn begins_a_path(line: &str, at: usize) -> bool {
    let before = line[..at].chars().next_back();
    before.is_none_or(|letter| !(letter.is_alphanumeric() || "._-/~}".contains(letter)))
}

fn registry_hosts(file: &File) -> Vec<Finding> {
    // The quote at the front keeps words like "unresolved" out.
    let keys = ["\"resolved\":", "source =", "registry =", "registry=", "index ="];
    let names_packages = file.path.ends_with("package-lock.json")
        || file.path.ends_with(".npmrc")
        || file.has_extension(&["lock"])
        || (file.path.starts_with(".cargo/") && file.has_extension(&["toml"]));
    if !names_packages {
        return Vec::new();
    }
    numbered(&file.text)
        .filter(|(_, line)| keys.iter().any(|key| line.trim_start().starts_with(key)) && line.contains("://"))
        .filter(|(_, line)| !REGISTRIES.iter().any(|registry| line.contains(registry)))
        .map(|(at, _)| {
            Finding::error(
                &file.path,
                at,
                "packages from another host, use crates.io and registry.npmjs.org",
            )
        })
        .collect()
}

fn allow_attributes(file: &File, source: &Source) -> Vec<Finding> {
    let message = "silences a lint for ever, write #[expect(..., reason = \"...\")]";
    let is_allow = |line: &str| {
        ["#[allow(", "#![allow("]
            .iter()
            .any(|attribute| line.contains(attribute))
    };
    let lines = source.code.iter().enumerate().filter(|(_, line)| is_allow(line));
    lines
        .map(|(at, _)| Finding::error(&file.path, at + 1, message))
        .collect()
}

fn todos<'a>(file: &File, lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (first, text) in lines {
        for (at, line) in numbered(text) {
            let words = line.split(|letter: char| !letter.is_alphanumeric());
            let is_todo = words.into_iter().any(|word| word == "TODO" || word == "FIXME");
            if is_todo && !names_an_issue(line) {
                let message = "a TODO without an issue, open one and write TODO(#123)";
                findings.push(Finding::error(&file.path, first + at - 1, message));
            }
        }
    }
    findings
}

fn names_an_issue(line: &str) -> bool {
    line.split('#')
        .skip(1)
        .any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

fn sql(file: &File, source: &Source) -> Vec<Finding> {
    if file.path.starts_with("crates/store/") {
        return Vec::new();
    }
    let is_sql = |text: &str| {
        ["SELECT ", "INSERT INTO ", "DELETE FROM "]
            .iter()
            .any(|words| text.contains(words))
            || (text.contains("UPDATE ") && text.contains(" SET "))
    };
    let strings = source
        .strings
        .iter()
        .filter(|piece| piece.line < source.tests_begin() && is_sql(&piece.text));
    strings
        .map(|piece| {
            Finding::error(
                &file.path,
                piece.line,
                "SQL outside of crates/store, give the store a method",
            )
        })
        .collect()
}

fn status_codes(file: &File, source: &Source) -> Vec<Finding> {
    if !file.path.starts_with("crates/") || STATUS_CODES.iter().any(|(path, _reason)| *path == file.path) {
        return Vec::new();
    }
    let message =
        "an HTTP status outside of crates/http/src/error.rs, return an error and let that file choose";
    let lines = source
        .code
        .iter()
        .enumerate()
        .take_while(|(at, _)| at + 1 < source.tests_begin());
    lines
        .filter(|(_, line)| line.contains("StatusCode"))
        .map(|(at, _)| Finding::error(&file.path, at + 1, message))
        .collect()
}

#[cfg(test)]
mod tests;
