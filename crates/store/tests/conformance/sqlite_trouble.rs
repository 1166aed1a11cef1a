//! SQLite: a full disk, and a second process at the same file.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use futures_util::future::join_all;
use rohrpost_store::{AfterCommit, Store, StoreError};

use crate::support::{Db, Engine, Heard, alice, bob, on, open, read, tx, unit};

/// A file system of two megabytes, if this user may make one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
            .arg(at)
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(at.to_owned()));
        }
        let text = "\nNOT TESTED: a full disk, which needs the right to mount a small file system\n\n";
        std::io::stderr().write_all(text.as_bytes()).unwrap();
        None
    }

    fn grow(&self) {
        let grown = Command::new("mount")
            .args(["-o", "remount,size=64m"])
            .arg(&self.0)
            .status();
        assert!(grown.unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, should something still be open after a failed test.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// One unit of two large rows and a position.
async fn write(store: &Store, name: String) -> Result<(), StoreError> {
    let put = unit(move |tx| {
        let name = name.clone();
        Box::pin(async move {
            let large = "x".repeat(20_000);
            tx.filter_put(&alice(), &name, &large).await?;
            tx.filter_put(&bob(), &name, &large).await?;
            tx.pos_next().await?;
            Ok(())
        })
    });
    store.write(put).await
}

#[test]
fn a_full_disk_refuses_all_and_keeps_no_half() {
    on(Engine::Sqlite, |database, runtime| {
        let folder = database.folder().join("disk");
        std::fs::create_dir(&folder).unwrap();
        let Some(disk) = SmallDisk::mount(&folder) else {
            return;
        };
        let path = folder.join("test.db");
        let count = |sql: &str| -> i64 {
            rusqlite::Connection::open(&path)
                .unwrap()
                .query_row(sql, [], |row| row.get(0))
                .unwrap()
        };
        runtime.block_on(async {
            let url = format!("sqlite:{}", path.display());
            let store = open(&url, Arc::new(AfterCommit), Arc::new(Heard::default())).await;
            let (mut kept, mut refused) = (0_i64, 0);
            for round in 0..20 {
                let results =
                    join_all((0..16).map(|writer| write(&store, format!("{round} {writer}")))).await;
                for (writer, result) in results.into_iter().enumerate() {
                    let name = format!("{round} {writer}");
                    let halves = read_halves(&store, name).await;
                    match result {
                        Ok(()) => assert_eq!(halves, 2, "acknowledged and not there"),
                        Err(StoreError::Sqlite(_)) => assert_eq!(halves, 0, "refused and there"),
                        Err(error) => panic!("{error:?}"),
                    }
                    kept += i64::from(halves == 2);
                    refused += i64::from(halves == 0);
                }
            }
            assert!(kept >= 16 && refused > 100, "{kept} kept, {refused} refused");
            disk.grow();
            let again = join_all((0..16).map(|writer| write(&store, format!("again {writer}")))).await;
            assert!(again.iter().all(Result::is_ok), "{again:?}");
            store.close().await;
            assert_eq!(count("SELECT COUNT(*) FROM filters"), 2 * (kept + 16));
            assert_eq!(count("SELECT pos FROM stream"), kept + 16);
            let mut check = rusqlite::Connection::open(&path).unwrap();
            let sound: String = check
                .transaction()
                .unwrap()
                .query_row("PRAGMA integrity_check", [], |row| row.get(0))
                .unwrap();
            assert_eq!(sound, "ok");
        });
    });
}

async fn read_halves(store: &Store, name: String) -> usize {
    let found = store.read(move |tx| {
        Box::pin(async move {
            let halves = [
                tx.filter_get(&alice(), &name).await?,
                tx.filter_get(&bob(), &name).await?,
            ];
            Ok::<_, StoreError>(halves.iter().flatten().count())
        })
    });
    found.await.unwrap()
}

/// How many units each of two processes writes.
const EACH: i64 = 300;
/// Names the database to the other process.
const OTHER_PROCESS: &str = "ROHRPOST_TEST_OTHER_PROCESS";

#[test]
fn two_processes_share_a_file() {
    on(Engine::Sqlite, |database, runtime| {
        let db = runtime.block_on(Db::open(database));
        let mut other = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sqlite_trouble::the_other_process"])
            .env(OTHER_PROCESS, &database.url)
            .spawn()
            .unwrap();
        runtime.block_on(async {
            for number in 0..EACH {
                tx!(db, |tx| {
                    tx.pos_next().await?;
                    tx.filter_put(&alice(), &number.to_string(), "{}").await?;
                });
            }
        });
        assert!(other.wait().unwrap().success());
        runtime.block_on(async {
            let (one, two) = read!(db, |tx| (
                tx.filter_count(&alice()).await?,
                tx.filter_count(&bob()).await?
            ));
            assert_eq!((one, two), (EACH, EACH));
            assert_eq!(read!(db, |tx| tx.pos_now().await?).0, 2 * EACH);
            db.store.close().await;
        });
    });
}

/// Not a test of its own: what [`two_processes_share_a_file`] starts.
#[test]
fn the_other_process() {
    #[expect(
        clippy::disallowed_methods,
        reason = "tells the process that a test started which database to use"
    )]
    let Ok(url) = std::env::var(OTHER_PROCESS) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = open(&url, Arc::new(AfterCommit), Arc::new(Heard::default())).await;
        let writes = join_all((0..EACH).map(|number| {
            store.write(unit(move |tx| {
                Box::pin(async move {
                    tx.pos_next().await?;
                    tx.filter_put(&bob(), &number.to_string(), "{}").await
                })
            }))
        }));
        assert!(writes.await.iter().all(Result::is_ok));
        store.close().await;
    });
}
