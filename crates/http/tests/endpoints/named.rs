//! Which paths the tests speak of, read from their source.

use std::{collections::BTreeSet, path::Path};

/// The words of each file with tests: what stands between quotation marks, cut at slashes.
pub(super) fn words() -> Vec<BTreeSet<String>> {
    let mut words = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in [root.join("tests"), root.join("../testkit/src")] {
        read(&folder, &mut words);
    }
    words
}

fn read(folder: &Path, words: &mut Vec<BTreeSet<String>>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        // The tests that walk through the table name nothing by themselves.
        if path.file_stem().is_some_and(|name| name == "endpoints") {
            continue;
        }
        if path.is_dir() {
            read(&path, words);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = std::fs::read_to_string(&path).expect("a file");
            let quoted = source.split('"').filter(|text| !text.contains('\n'));
            let cut = quoted.flat_map(|text| text.split(['/', '?', '{', '}']));
            words.push(cut.map(str::to_owned).collect());
        }
    }
}

/// Whether one of the files has all the words that a path is made of.
pub(super) fn is_named(path: &str, words: &[BTreeSet<String>]) -> bool {
    let is_version = |word: &str| matches!(word, "" | "_matrix" | "client" | "v1" | "v3");
    let needed: Vec<&str> = path
        .split('/')
        .filter(|word| !word.starts_with('{') && !is_version(word))
        .collect();
    words
        .iter()
        .any(|words| needed.iter().all(|word| words.contains(*word)))
}
