// SPDX-License-Identifier: GPL-3.0-or-later
//! Both stores against the promises of the trait, and the local one against a hostile disk.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use dream_store::{
    cid_of, text, BlobStore, Cid, CidCodec, Fault, LocalStore, MemoryStore, StoreError,
};

const MIB: usize = 1 << 20;
const SIZES: [usize; 6] = [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB];

/// Bytes that differ from chunk to chunk and from size to size.
fn content(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(bytes) >> 11) as u8)
        .collect()
}

fn stores() -> (tempfile::TempDir, [Arc<dyn BlobStore>; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let local = LocalStore::open(folder.path().join("store")).unwrap();
    (folder, [Arc::new(local), Arc::new(MemoryStore::new())])
}

async fn local(bytes: usize) -> (tempfile::TempDir, LocalStore, Cid, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path()).unwrap();
    let cid = store.put_bytes(content(bytes).into()).await.unwrap();
    let path = store.path_of(&cid);
    (folder, store, cid, path)
}

/// All files in `tmp/`: none may be left behind.
fn leftovers(store: &LocalStore) -> usize {
    fs::read_dir(store.folder().join("tmp")).unwrap().count()
}

#[tokio::test]
async fn blob_should_round_trip_for_sizes_around_the_chunk() {
    let (folder, stores) = stores();
    for store in stores {
        for size in SIZES {
            let bytes = content(size);
            let cid = store.put_bytes(bytes.clone().into()).await.unwrap();
            assert_eq!(cid, cid_of(&bytes));
            assert_eq!(
                cid.codec,
                if size > MIB {
                    CidCodec::DagPb
                } else {
                    CidCodec::Raw
                }
            );
            assert!(store.has(&cid).await.unwrap());
            assert!(
                store.get(&cid, size as u64).await.unwrap() == bytes,
                "{size} bytes"
            );

            let (source, target) = (folder.path().join("source"), folder.path().join("target"));
            fs::write(&source, &bytes).unwrap();
            assert_eq!(store.put_file(&source).await.unwrap(), cid);
            assert_eq!(
                store.get_to_file(&cid, &target, size as u64).await.unwrap(),
                size as u64
            );
            assert!(fs::read(&target).unwrap() == bytes, "{size} bytes");

            assert!(store.remove(&cid).await.unwrap());
            assert!(!store.remove(&cid).await.unwrap());
            assert!(!store.has(&cid).await.unwrap());
            assert!(
                matches!(store.get(&cid, 9).await, Err(StoreError::NotFound { cid: c, .. }) if c == cid)
            );
        }
    }
}

#[tokio::test]
async fn read_should_be_refused_when_blob_exceeds_the_bound() {
    let (folder, stores) = stores();
    for store in stores {
        let cid = store.put_bytes(content(MIB + 1).into()).await.unwrap();
        let target = folder.path().join("target");
        for error in [
            store.get(&cid, MIB as u64).await.map(drop).unwrap_err(),
            store
                .get_to_file(&cid, &target, MIB as u64)
                .await
                .map(drop)
                .unwrap_err(),
        ] {
            assert!(
                matches!(error, StoreError::TooLarge { bytes, max_bytes, .. } if bytes == 1 + max_bytes && max_bytes == MIB as u64),
                "{error:?}"
            );
        }
        assert!(!target.exists());
    }
}

#[tokio::test]
async fn read_should_report_corruption_when_one_bit_differs() {
    for size in [1, MIB, 5 * MIB] {
        let (folder, store, cid, path) = local(size).await;
        let mut changed = content(size);
        changed[size / 2] ^= 0x10;
        fs::write(&path, &changed).unwrap();

        let target = folder.path().join("target");
        for error in [
            store.get(&cid, u64::MAX).await.map(drop).unwrap_err(),
            store
                .get_to_file(&cid, &target, u64::MAX)
                .await
                .map(drop)
                .unwrap_err(),
        ] {
            let StoreError::Corrupt {
                expected,
                found,
                bytes,
                ..
            } = &error
            else {
                panic!("{error:?}")
            };
            assert_eq!(
                (*expected, *found, *bytes),
                (cid, cid_of(&changed), size as u64)
            );
            let message = error.to_string();
            assert!(
                message.contains(&text(&cid)) && message.contains(&text(found)),
                "{message}"
            );
        }
        assert!(!target.exists(), "nothing unverified reaches the target");
        assert!(path.exists(), "a corrupt blob is reported, not touched");

        assert_eq!(store.put_bytes(content(size).into()).await.unwrap(), cid);
        assert!(store.get(&cid, u64::MAX).await.is_ok(), "a put repairs it");
    }
}

#[tokio::test]
async fn read_should_report_corruption_when_blob_grew() {
    let (_folder, store, cid, path) = local(100).await;
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"more")
        .unwrap();
    assert!(matches!(
        store.get(&cid, 1000).await,
        Err(StoreError::Corrupt { bytes: 104, .. })
    ));
}

#[tokio::test]
async fn read_should_report_truncation_when_the_end_is_missing() {
    for (size, left) in [(1, 0), (MIB, MIB - 1), (5 * MIB, 4 * MIB), (5 * MIB, 10)] {
        let (_folder, store, cid, path) = local(size).await;
        fs::OpenOptions::new()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(left as u64)
            .unwrap();
        let error = store.get(&cid, u64::MAX).await.unwrap_err();
        assert!(
            matches!(error, StoreError::Truncated { expected_bytes, found_bytes, .. }
                if expected_bytes == size as u64 && found_bytes == left as u64),
            "{error:?}"
        );
        // Without the recorded length the blob is still refused.
        fs::remove_file(path.with_extension("len")).unwrap();
        assert!(matches!(
            store.get(&cid, u64::MAX).await,
            Err(StoreError::Corrupt { .. })
        ));
    }
}

#[tokio::test]
async fn recorded_length_should_not_matter_when_the_content_is_right() {
    let (_folder, store, cid, path) = local(100).await;
    for lie in ["7", "100000", "-1", "not a number", ""] {
        fs::write(path.with_extension("len"), lie).unwrap();
        assert_eq!(store.get(&cid, 100).await.unwrap(), content(100), "{lie}");
    }
}

#[tokio::test]
async fn put_should_fail_when_the_source_cannot_be_read() {
    let (folder, stores) = stores();
    for store in stores {
        for path in [
            folder.path().join("no such file"),
            folder.path().to_path_buf(),
        ] {
            let error = store.put_file(&path).await.unwrap_err();
            assert!(
                matches!(&error, StoreError::Io { path: p, .. } if *p == path),
                "{error:?}"
            );
            assert!(
                error.to_string().contains(&path.display().to_string()),
                "{error}"
            );
        }
    }
}

#[test]
fn open_should_fail_when_the_folder_is_a_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = LocalStore::open(file.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&file.path().display().to_string()),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn blob_should_stay_whole_when_many_tasks_write_and_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = content(2 * MIB + 7);
    let cid = cid_of(&bytes);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (folder, bytes) = (folder.path().to_path_buf(), bytes.clone());
            tokio::spawn(async move {
                let store = LocalStore::open(folder).unwrap();
                for _ in 0..10 {
                    assert_eq!(store.put_bytes(bytes.clone().into()).await.unwrap(), cid);
                    assert!(store.get(&cid, u64::MAX).await.unwrap() == bytes);
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(leftovers(&LocalStore::open(folder.path()).unwrap()), 0);
}

/// Role of a child process: this test program started again, with these variables.
const ROLE: &str = "DREAM_STORE_TEST_ROLE";
const FOLDER: &str = "DREAM_STORE_TEST_FOLDER";

/// Not a test of its own, but the other process of the two tests below.
#[test]
#[ignore = "started by the tests that need another process"]
fn child_process() {
    let [role, folder] =
        [ROLE, FOLDER].map(|v| std::env::var(v).expect("set by the test that starts this"));
    let store = LocalStore::open(folder).unwrap();
    let bytes = content(3 * MIB);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match role.as_str() {
        "write" => (0..20).for_each(|_| {
            let cid = runtime
                .block_on(store.put_bytes(bytes.clone().into()))
                .unwrap();
            assert!(runtime.block_on(store.get(&cid, u64::MAX)).unwrap() == bytes);
        }),
        "limited" => {
            let error = runtime.block_on(store.put_bytes(bytes.into())).unwrap_err();
            assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
            assert!(
                error
                    .to_string()
                    .contains(&store.folder().display().to_string()),
                "{error}"
            );
            // What fits is still stored.
            let cid = runtime
                .block_on(store.put_bytes(content(1000).into()))
                .unwrap();
            assert_eq!(
                runtime.block_on(store.get(&cid, 1000)).unwrap(),
                content(1000)
            );
        }
        other => panic!("no role {other}"),
    }
    println!("child did {role}");
}

fn child(mut command: Command, role: &str, folder: &Path) -> std::process::Child {
    command
        .args(["--exact", "child_process", "--ignored", "--nocapture"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

fn expect_done(child: std::process::Child, role: &str) {
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains(&format!("child did {role}")),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn blob_should_stay_whole_when_several_processes_write_it() {
    let folder = tempfile::tempdir().unwrap();
    let me = std::env::current_exe().unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| child(Command::new(&me), "write", folder.path()))
        .collect();
    children.into_iter().for_each(|c| expect_done(c, "write"));
    assert_eq!(leftovers(&LocalStore::open(folder.path()).unwrap()), 0);
}

#[cfg(unix)]
#[test]
fn put_should_store_nothing_when_the_disk_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let me = std::env::current_exe().unwrap();
    // A file size limit of 2048 blocks of 512 bytes stands in for a disk of 1 MiB: the same code path, without root.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#"trap "" XFSZ; ulimit -f 2048; exec "$0" "$@""#])
        .arg(me);
    expect_done(child(shell, "limited", folder.path()), "limited");

    let store = LocalStore::open(folder.path()).unwrap();
    assert_eq!(leftovers(&store), 0);
    assert!(!store.path_of(&cid_of(&content(3 * MIB))).exists());
}

#[tokio::test]
async fn hostile_file_should_be_refused_when_it_takes_a_blobs_place() {
    let (_folder, store, cid, path) = local(MIB + 1).await;
    // Somebody else's content, sparse and far longer than any blob.
    let mut file = fs::OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(&path)
        .unwrap();
    file.seek(SeekFrom::Start(1 << 40)).unwrap();
    file.write_all(b"x").unwrap();
    assert!(matches!(
        store.get(&cid, 10 * MIB as u64).await,
        Err(StoreError::TooLarge { .. })
    ));

    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(matches!(
        store.get(&cid, 10 * MIB as u64).await,
        Err(StoreError::Io { .. })
    ));
}

#[tokio::test]
async fn memory_store_should_show_the_fault_when_one_is_injected() {
    let store = MemoryStore::new();
    let cid = store.put_bytes(content(1000).into()).await.unwrap();
    let read = || store.get(&cid, 1000);

    store.inject(&cid, Fault::Missing);
    assert!(matches!(read().await, Err(StoreError::NotFound { .. })));
    assert!(!store.has(&cid).await.unwrap());
    store.inject(&cid, Fault::Corrupt);
    assert!(matches!(read().await, Err(StoreError::Corrupt { .. })));
    store.inject(&cid, Fault::TruncatedTo(10));
    assert!(matches!(
        read().await,
        Err(StoreError::Truncated {
            expected_bytes: 1000,
            found_bytes: 10,
            ..
        })
    ));
    store.inject(&cid, Fault::Unreadable);
    assert!(matches!(read().await, Err(StoreError::Io { .. })));
    store.heal(&cid);
    assert_eq!(read().await.unwrap(), content(1000));

    let empty = store.put_bytes(Vec::new().into()).await.unwrap();
    store.inject(&empty, Fault::Corrupt);
    assert!(matches!(
        store.get(&empty, 9).await,
        Err(StoreError::Corrupt { bytes: 1, .. })
    ));

    store.set_full(true);
    assert!(matches!(
        store.put_bytes(content(5).into()).await,
        Err(StoreError::DiskFull { .. })
    ));
    store.set_full(false);
    assert!(store.put_bytes(content(5).into()).await.is_ok());
}
