//! The blob store: content under its own hash, once, whole or not at all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{ffi::OsStr, path::Path};

use rohrpost_store::{Blobs, StoreError};
use tokio::io::AsyncReadExt as _;

/// The SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

async fn keep(blobs: &Blobs, name: &str, content: &[u8]) -> String {
    let mut pending = blobs.begin(name).await.unwrap();
    for chunk in content.chunks(3) {
        pending.write(chunk).await.unwrap();
    }
    assert_eq!(pending.size_bytes(), content.len() as u64);
    pending.finish().await.unwrap()
}

async fn content(blobs: &Blobs, hash: &str) -> Option<Vec<u8>> {
    let mut file = blobs.read(hash).await.unwrap()?;
    let mut content = Vec::new();
    file.read_to_end(&mut content).await.unwrap();
    Some(content)
}

/// All files under a folder.
fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[tokio::test]
async fn content_is_found_under_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    assert!(blobs.read(HELLO).await.unwrap().is_none());
    assert_eq!(keep(&blobs, "a", b"hello").await, HELLO);
    assert_eq!(content(&blobs, HELLO).await.unwrap(), b"hello");
    let empty = keep(&blobs, "b", b"").await;
    assert_eq!(content(&blobs, &empty).await.unwrap(), b"");
    let blobs = Blobs::open(folder.path()).unwrap();
    assert_eq!(content(&blobs, HELLO).await.unwrap(), b"hello", "opened again");
}

#[tokio::test]
async fn the_same_content_is_kept_once() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    keep(&blobs, "a", b"hello").await;
    let mut reading = blobs.read(HELLO).await.unwrap().unwrap();
    assert_eq!(keep(&blobs, "b", b"hello").await, HELLO);
    assert_eq!(files(folder.path()).len(), 1);
    let mut content = Vec::new();
    reading.read_to_end(&mut content).await.unwrap();
    assert_eq!(content, b"hello", "whoever was reading goes on");
}

#[tokio::test]
async fn many_keep_the_same_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let kept = futures_util::future::join_all(names.iter().map(|name| keep(&blobs, name, b"hello"))).await;
    assert!(kept.iter().all(|hash| hash == HELLO));
    assert_eq!(files(folder.path()).len(), 1);
}

#[tokio::test]
async fn an_unfinished_file_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path()).unwrap();
    let mut pending = blobs.begin("a").await.unwrap();
    pending.write(b"hello").await.unwrap();
    assert!(
        content(&blobs, HELLO).await.is_none(),
        "not before it is finished"
    );
    drop(pending);
    assert!(files(folder.path()).is_empty());
    // What a crash leaves behind is removed at the next start.
    let mut pending = blobs.begin("b").await.unwrap();
    pending.write(b"hello").await.unwrap();
    std::mem::forget(pending);
    assert_eq!(files(folder.path()).len(), 1);
    let blobs = Blobs::open(folder.path()).unwrap();
    assert!(files(folder.path()).is_empty());
    assert_eq!(keep(&blobs, "b", b"hello").await, HELLO);
}

#[tokio::test]
async fn hostile_names_are_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("blobs");
    std::fs::write(folder.path().join("secret"), "secret").unwrap();
    let blobs = Blobs::open(&root).unwrap();
    keep(&blobs, "a", b"hello").await;
    let (upper, long) = (HELLO.to_uppercase(), "a".repeat(4096));
    let slash = format!("{}/{}", &HELLO[..2], &HELLO[2..]);
    let nul = format!("{}\0", &HELLO[..63]);
    let dots = format!("../{}", &HELLO[..61]);
    let wide = "é".repeat(32);
    for name in [
        "",
        "..",
        ".",
        "/",
        "../secret",
        "../../secret",
        "/etc/passwd",
        "unfinished",
        "\0",
        &HELLO[..63],
        &upper,
        &long,
        &slash,
        &nul,
        &dots,
        &wide,
    ] {
        assert!(blobs.read(name).await.unwrap().is_none(), "{name:?}");
    }
}

#[tokio::test]
async fn an_upload_can_not_be_begun_outside_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(&folder.path().join("blobs")).unwrap();
    let (long, absolute) = (
        "a".repeat(4096),
        folder.path().join("escaped").display().to_string(),
    );
    for name in [
        "",
        "..",
        "../escaped",
        "../../escaped",
        "a/b",
        "\0",
        &long,
        &absolute,
    ] {
        assert!(
            matches!(blobs.begin(name).await, Err(StoreError::Blob(_))),
            "{name:?}"
        );
    }
    assert!(files(folder.path()).is_empty());
    let first = blobs.begin("same").await.unwrap();
    assert!(
        blobs.begin("same").await.is_err(),
        "a name that another upload uses"
    );
    drop(first);
}

#[test]
fn a_folder_that_can_not_be_used_is_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let Err(StoreError::Setup(text)) = Blobs::open(&file) else {
        panic!("a file was opened as a folder")
    };
    assert!(
        text.contains("media folder") && text.contains(file.file_name().and_then(OsStr::to_str).unwrap()),
        "{text}"
    );
}
