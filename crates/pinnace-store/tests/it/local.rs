use std::{io::Read, path::PathBuf};

use pinnace_store::{Digest, Durability, ErrorKind, LocalStore};
use proptest::prelude::*;

fn store() -> (tempfile::TempDir, LocalStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = LocalStore::open(folder.path().join("store"), Durability::Durable).unwrap();
    (folder, store)
}

fn read(store: &LocalStore, digest: &Digest) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.get(digest).unwrap().unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

fn blob_file(folder: &tempfile::TempDir, digest: &Digest) -> PathBuf {
    let hex = digest.to_hex();
    folder.path().join("store/blobs").join(&hex[..2]).join(&hex[2..])
}

/// Blobs are read-only, so a test that damages one replaces its file.
fn damage(path: &PathBuf, bytes: &[u8]) {
    std::fs::remove_file(path).unwrap();
    std::io::Write::write_all(&mut std::fs::File::create(path).unwrap(), bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_put_is_got(blobs in proptest::collection::vec(any::<Vec<u8>>(), 1..5)) {
        let (_folder, store) = store();
        let digests: Vec<_> = blobs.iter().map(|b| store.put(&mut b.as_slice()).unwrap()).collect();
        for (digest, blob) in digests.iter().zip(&blobs) {
            prop_assert_eq!(&read(&store, digest), blob);
            prop_assert_eq!(digest.to_string().parse::<Digest>().unwrap(), *digest);
        }
    }
}

#[test]
fn a_damaged_blob_is_an_error_and_putting_it_again_heals_it() {
    let (folder, store) = store();
    let digest = store.put(&mut "content".as_bytes()).unwrap();
    for damaged in [b"contenT".as_slice(), b""] {
        damage(&blob_file(&folder, &digest), damaged);
        let error = store.get(&digest).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Damaged { digest: named, .. } if *named == digest)
        );
        store.put(&mut "content".as_bytes()).unwrap();
        assert_eq!(read(&store, &digest), b"content");
    }
}

#[test]
fn another_content_than_announced_is_not_stored() {
    let (folder, store) = store();
    let announced = store.put(&mut "a".as_bytes()).unwrap();
    let mut writer = store.writer().unwrap();
    std::io::Write::write_all(&mut writer, b"b").unwrap();
    let error = writer.commit_as(&announced).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Mismatch { .. }));
    assert_eq!(crate::files(&folder.path().join("store/blobs")).len(), 1);
    assert!(crate::files(&folder.path().join("store/unfinished")).is_empty());
}

#[test]
fn a_source_that_fails_leaves_nothing() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::ConnectionReset.into())
        }
    }
    let (folder, store) = store();
    let error = store.put(&mut "start".as_bytes().chain(Fails)).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Source { .. }));
    assert_eq!(
        crate::files(&folder.path().join("store")),
        ["0", "1", "2", "3", "4", "5", "format"]
    );
}

#[test]
fn what_is_not_there_is_none() {
    let (_folder, store) = store();
    let digest = Digest::new([7; 32]);
    assert!(store.get(&digest).unwrap().is_none());
    assert!(!store.contains(&digest).unwrap());
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let (folder, _) = store();
    let format = folder.path().join("store/format");
    damage(&format, b"pinnace-store 2\n");
    let error = LocalStore::open(folder.path().join("store"), Durability::Durable).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NewerFormat { .. }));
    assert_eq!(std::fs::read(&format).unwrap(), b"pinnace-store 2\n");
}

#[test]
fn many_writers_of_one_blob_agree() {
    let (folder, store) = store();
    let content = vec![5u8; 300_000];
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| store.put(&mut content.as_slice()).unwrap());
        }
    });
    assert_eq!(crate::files(&folder.path().join("store/blobs")).len(), 1);
}

#[test]
fn digests_are_parsed_strictly() {
    for bad in ["", "sha256:", "sha256:00", &"0".repeat(63), &"g".repeat(64), &"ü".repeat(32)] {
        assert!(bad.parse::<Digest>().is_err(), "{bad}");
    }
}
