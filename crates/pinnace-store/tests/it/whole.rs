//! Tests of what a check reports, and of what garbage collection leaves complete.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use pinnace_store::{
    Backend, ContentKind, Deployment, Digest, Error, ErrorKind, Keep, Key, Listed, Manifest,
    MemoryBackend, Meta, PackBuilder, Published, PutMode, PutResult, Reading, RefName, Store,
    Upload,
};
use serde_json::json;

const GRACE: u64 = 100;

fn name() -> RefName {
    "wanted/shop".parse().unwrap()
}

/// Publishes a release of a blob, and of a content in a pack.
fn publish(store: &Store, content: &str) -> Digest {
    let large = store.put(&mut content.as_bytes()).unwrap();
    let mut pack = PackBuilder::new();
    let small = pack.add(ContentKind::Blob, format!("small {content}").into_bytes());
    let packs = store.put_packs(pack).unwrap();
    let layers = json!({ "layers": [large.to_string(), small.to_string()] });
    let release = store.put_manifest(&Manifest::new("release", layers).unwrap(), &packs).unwrap();
    store.hold(&release, None).unwrap();
    go(store, release);
    release
}

fn go(store: &Store, release: Digest) {
    let latest = store.latest(&name()).unwrap();
    let mut deployment = Deployment::default();
    deployment.release = Some(release);
    let published = store.publish(&name(), latest.as_ref(), deployment).unwrap();
    assert!(matches!(published, Published::Done(_)));
}

fn keys(backend: &MemoryBackend, folder: &str) -> Vec<Key> {
    backend.list(folder, None, 1000).unwrap().into_iter().map(|one| one.key).collect()
}

fn write(backend: &MemoryBackend, key: &Key, content: &[u8]) {
    let mut upload = backend.write().unwrap();
    upload.write_all(content).unwrap();
    upload.finish(key, PutMode::Overwrite).unwrap();
}

/// Creates two stores with the same contents, one of which will be damaged.
fn twins(contents: &[&str]) -> (MemoryBackend, Store, Store) {
    let (backend, copy) = (MemoryBackend::new(), MemoryBackend::new());
    let (store, other) = (Store::open(backend.clone()).unwrap(), Store::open(copy).unwrap());
    for content in contents {
        publish(&store, content);
        publish(&other, content);
    }
    (backend, store, other)
}

#[test]
fn steps_that_are_missing_between_others_are_told_and_healed() {
    let (backend, store, other) = twins(&["a", "b", "c", "d"]);
    let steps = keys(&backend, "refs");
    backend.remove(&steps[1]).unwrap();
    backend.remove(&steps[3]).unwrap();
    let checked = store.check(None).unwrap();
    let told: Vec<&Key> = checked.findings.iter().map(|one| &one.key).collect();
    assert_eq!(told, [&steps[1], &steps[3]]);
    assert!(checked.findings[0].problem.contains("generation 3 of wanted/shop is missing"));
    let refused = store.collect(Keep::default(), GRACE).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Malformed { .. }), "{refused}");
    assert!(store.collect(Keep { generations: 1 }, GRACE).is_ok(), "of no account to what is kept");
    assert!(store.check(Some(&other)).unwrap().is_whole());
    assert!(store.check(None).unwrap().findings.is_empty());
}

/// Checks that an unreadable record does not hide other problems.
#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let (backend, store, other) = twins(&["a", "b", "c"]);
    let (steps, blobs) = (keys(&backend, "refs"), keys(&backend, "blobs"));
    write(&backend, &steps[1], b"{}");
    let lost: Vec<&Key> = blobs.iter().take(2).collect();
    lost.iter().for_each(|key| backend.remove(key).unwrap());
    let checked = store.check(None).unwrap();
    let told: BTreeSet<&Key> = checked.findings.iter().map(|one| &one.key).collect();
    assert!(told.contains(&steps[1]) && lost.iter().any(|key| told.contains(*key)), "{checked:?}");
    assert!(store.check(Some(&other)).unwrap().is_whole());
    assert!(store.check(None).unwrap().findings.is_empty());
}

/// Checks that releases that were not collected must be complete, including those that a rollback
/// can return to. A lost pack is one finding, whatever is in it.
#[test]
fn older_releases_are_whole_until_they_are_collected() {
    let (backend, store, other) = twins(&["a", "b", "c"]);
    for pack in keys(&backend, "packs") {
        backend.remove(&pack).unwrap();
        let told = |findings: &[pinnace_store::Finding]| {
            findings.iter().map(|one| one.key.clone()).collect::<Vec<Key>>()
        };
        let only = std::slice::from_ref(&pack);
        assert_eq!(told(&store.check(None).unwrap().findings), only);
        write(&backend, &pack, b"damaged");
        assert_eq!(told(&store.check(None).unwrap().findings), only);
        assert!(store.check(Some(&other)).unwrap().is_whole());
    }
    let first = store.history(&name(), 3).unwrap()[2].release.unwrap();
    let manifest = key("manifests", &first);
    backend.remove(&manifest).unwrap();
    assert!(!store.check(None).unwrap().is_whole());
    assert!(store.collect(Keep::default(), GRACE).is_err());
    assert!(store.check(Some(&other)).unwrap().is_whole());
    // Once a collection has recorded that it keeps less, the release may be missing.
    backend.set_now(200);
    store.collect(Keep { generations: 2 }, GRACE).unwrap();
    backend.remove(&manifest).unwrap();
    let checked = store.check(None).unwrap();
    assert!(checked.is_whole(), "{checked:?}");
    assert_eq!(checked.past, [(name(), 1)]);
    store.collect(Keep { generations: 10 }, GRACE).unwrap();
}

fn key(folder: &str, digest: &Digest) -> Key {
    let hex = digest.to_hex();
    format!("{folder}/{}/{}", &hex[..2], &hex[2..]).parse().unwrap()
}

/// Checks that a lost pack does not hide other missing objects that can be healed.
#[test]
fn what_may_be_in_a_lost_pack_is_healed_all_the_same() {
    let (backend, store, other) = twins(&["a"]);
    let (pack, blob) = (keys(&backend, "packs").remove(0), keys(&backend, "blobs").remove(0));
    backend.remove(&pack).unwrap();
    backend.remove(&blob).unwrap();
    other.backend().remove(&pack).unwrap();
    let checked = store.check(Some(&other)).unwrap();
    let told: Vec<(&Key, bool)> =
        checked.findings.iter().map(|one| (&one.key, one.healed)).collect();
    assert_eq!(told, [(&blob, true), (&pack, false)]);
}

/// Checks that the checksum trailer of a manifest covers the list of its packs.
#[test]
fn every_byte_of_a_manifest_is_checked() {
    let (backend, store, other) = twins(&["a"]);
    let manifest = keys(&backend, "manifests").remove(0);
    let mut good = Vec::new();
    io::Read::read_to_end(&mut backend.read(&manifest, None).unwrap().unwrap().body, &mut good)
        .unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        write(&backend, &manifest, &bytes);
        assert!(!store.check(None).unwrap().is_whole(), "byte {at}");
        assert!(store.check(Some(&other)).unwrap().is_whole(), "byte {at}");
    }
}

/// Checks that a deployment from another store heals nothing if its history differs.
#[test]
fn history_is_not_healed_by_that_of_others() {
    let (backend, store, _) = twins(&["a", "b", "c"]);
    let other = Store::open(MemoryBackend::new()).unwrap();
    for content in ["x", "y", "z"] {
        publish(&other, content);
    }
    for step in [0, 1] {
        let step = keys(&backend, "refs").remove(step);
        write(&backend, &step, b"damaged");
        assert!(!store.check(Some(&other)).unwrap().is_whole(), "{step}");
    }
    // A deployment that follows another release than the one before it is a finding, too.
    let foreign = keys_of(&other, "refs").remove(0);
    let mut step = Vec::new();
    io::Read::read_to_end(
        &mut other.backend().read(&foreign, None).unwrap().unwrap().body,
        &mut step,
    )
    .unwrap();
    let (backend, store, _) = twins(&["a", "b", "c"]);
    write(&backend, &foreign, &step);
    let checked = store.check(None).unwrap();
    assert!(checked.findings[0].problem.contains("another release"), "{checked:?}");
}

fn keys_of(store: &Store, folder: &str) -> Vec<Key> {
    store.backend().list(folder, None, 1000).unwrap().into_iter().map(|one| one.key).collect()
}

/// Checks that foreign objects whose names resemble those of a store are ignored, and hide nothing.
#[test]
fn what_others_put_there_is_none_of_ours() {
    let (backend, store, _) = twins(&["a"]);
    for junk in [
        "condemned/README",
        "condemned/what-now-then.txt",
        "kept/x",
        "blobs/README",
        "blobs/ab/cd",
        "refs/wanted/shop/@/1",
        "refs/wanted/shop/@/18446744073709551615",
    ] {
        write(&backend, &junk.parse().unwrap(), b"junk");
    }
    assert!(store.check(None).unwrap().findings.is_empty());
    backend.set_now(1000);
    assert_eq!(store.collect(Keep::default(), 0).unwrap().live, 3);
    let blob = keys(&backend, "blobs").into_iter().find(|key| key.as_str().len() > 60).unwrap();
    backend.remove(&blob).unwrap();
    write(&backend, &format!("blobs/{}", blob.as_str()[6..].to_uppercase()).parse().unwrap(), b"a");
    assert!(!store.check(None).unwrap().is_whole());
}

/// Checks that the packs of an inner manifest count for the whole release, in any order of
/// references.
#[test]
fn contents_are_found_in_whatever_order_they_are_referred_to() {
    for content in 0..8 {
        let store = Store::open(MemoryBackend::new()).unwrap();
        let mut pack = PackBuilder::new();
        let small = pack.add(ContentKind::Blob, vec![content]);
        let packs = store.put_packs(pack).unwrap();
        let inner = Manifest::new("layer", json!({ "is": "somewhere" })).unwrap();
        let inner = store.put_manifest(&inner, &packs).unwrap();
        let both = json!({ "layers": [inner.to_string(), small.to_string()] });
        let outer = Manifest::new("release", both).unwrap();
        let release = store.put_manifest(&outer, &BTreeSet::new()).unwrap();
        store.hold(&release, None).unwrap();
        assert_eq!(store.locations(&release).unwrap().packed.len(), 1);
        go(&store, release);
        assert!(store.check(None).unwrap().findings.is_empty(), "{content}");
    }
}

/// Checks that an object shared by an old deployment and a live one is missed for the live one.
#[test]
fn what_is_shared_with_old_steps_counts() {
    for keep in [1, 2] {
        let (backend, store, other) = twins(&["a", "b", "c"]);
        let first = store.history(&name(), 3).unwrap()[2].release.unwrap();
        for one in [&store, &other] {
            go(one, first);
        }
        backend.set_now(200);
        store.collect(Keep { generations: keep }, GRACE).unwrap();
        let pack = *store.manifest(&first).unwrap().unwrap().packs.first().unwrap();
        for (key, damage) in [(key("packs", &pack), None), (key("manifests", &first), Some("x"))] {
            backend.remove(&key).unwrap();
            damage.iter().for_each(|bytes| write(&backend, &key, bytes.as_bytes()));
            assert!(!store.check(None).unwrap().is_whole(), "{key}");
            for generations in [1, 10] {
                assert!(store.collect(Keep { generations }, 0).is_err(), "{key}");
            }
            assert!(store.check(Some(&other)).unwrap().is_whole(), "{key}");
        }
    }
}

/// Checks that a release that collections have begun to remove is reported as out of reach of a
/// rollback.
#[test]
fn releases_that_are_half_gone_are_past() {
    let (backend, store, _) = twins(&["a", "b"]);
    backend.set_now(200);
    store.collect(Keep { generations: 1 }, GRACE).unwrap();
    let first = store.history(&name(), 2).unwrap()[1].release.unwrap();
    let pack = *store.manifest(&first).unwrap().unwrap().packs.first().unwrap();
    backend.remove(&key("packs", &pack)).unwrap();
    let checked = store.check(None).unwrap();
    assert!(checked.is_whole(), "{checked:?}");
    assert_eq!(checked.past, [(name(), 1)]);
}

/// Checks that a mark which is old, or from the future, counts as that of a killed collection, so
/// that no writer waits for it. A recent mark counts, even if its list is damaged.
#[test]
fn marks_count_as_long_as_they_are_recent() {
    for (mark_at, now, is_busy) in [(400, 420, true), (400, 800, false), (5000, 420, false)] {
        let backend = MemoryBackend::new();
        let store = Store::open(backend.clone()).unwrap();
        let old = store.put(&mut "old".as_bytes()).unwrap();
        backend.set_now(200);
        store.collect(Keep::default(), GRACE).unwrap();
        let list = keys(&backend, "condemned").remove(0);
        backend.set_now(mark_at);
        write(&backend, &format!("{list}-now-00000001").parse().unwrap(), b"");
        backend.set_now(now);
        let layers = json!({ "layers": [old.to_string()] });
        let manifest = Manifest::new("release", layers).unwrap();
        let release = store.put_manifest(&manifest, &BTreeSet::new()).unwrap();
        assert_eq!(store.hold(&release, None).is_err(), is_busy, "{mark_at}, {now}");
        if is_busy {
            write(&backend, &list, b"damaged");
            store.collect(Keep::default(), GRACE).unwrap();
            let left = keys(&backend, "condemned");
            assert!(left.iter().any(|key| key.as_str().contains("-now-")), "{left:?}");
        }
    }
}

/// Checks that an object of a live release is written again if it is on a tombstone list by the
/// time that another release refers to it.
#[test]
fn what_is_known_of_a_live_release_is_saved_if_it_is_condemned() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let content = store.put(&mut "content".as_bytes()).unwrap();
    backend.set_now(200);
    store.collect(Keep::default(), GRACE).unwrap();
    let release = |kind: &str| {
        let layers = json!({ "layers": [content.to_string()] });
        store.put_manifest(&Manifest::new(kind, layers).unwrap(), &BTreeSet::new()).unwrap()
    };
    let (live, next) = (release("one"), release("two"));
    go(&store, live);
    backend.set_now(250);
    store.hold(&next, Some(&live)).unwrap();
    assert_eq!(backend.head(&key("blobs", &content)).unwrap().unwrap().modified, 250);
}

/// Checks that one of two collections executes a tombstone list. The other leaves it alone, and the
/// mark stays until the first is done.
#[test]
fn a_list_is_executed_by_one_collection() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    for number in 0..30_u8 {
        store.put(&mut [number].as_slice()).unwrap();
    }
    backend.set_now(200);
    store.collect(Keep::default(), GRACE).unwrap();
    backend.set_now(400);
    let list = keys(&backend, "condemned").remove(0);
    write(&backend, &format!("{list}-now-00000001").parse().unwrap(), b"");
    let second = store.collect(Keep::default(), GRACE).unwrap();
    assert_eq!((second.removed, second.tombstoned), (0, 30));
    backend.set_now(800);
    let third = store.collect(Keep::default(), GRACE).unwrap();
    assert_eq!((third.removed, third.tombstoned), (30, 0));
    assert!(keys(&backend, "condemned").is_empty());
}

/// Checks that a collection with a longer grace period than the killed one does not leave writers
/// waiting.
#[test]
fn the_mark_of_a_killed_collection_goes_whatever_the_grace() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    store.put(&mut "old".as_bytes()).unwrap();
    backend.set_now(200);
    store.collect(Keep::default(), GRACE).unwrap();
    let list = keys(&backend, "condemned").remove(0);
    write(&backend, &format!("{list}-now-00000001").parse().unwrap(), b"");
    backend.set_now(600);
    store.collect(Keep::default(), 10_000).unwrap();
    assert_eq!(keys(&backend, "condemned"), [list]);
}

/// Checks that a content in a pack of the live release is missing for a release that does not name
/// that pack.
#[test]
fn what_is_live_in_another_pack_is_missing_still() {
    let store = Store::open(MemoryBackend::new()).unwrap();
    let live = publish(&store, "a");
    let manifest = store.manifest(&live).unwrap().unwrap().manifest;
    let layers = json!({ "again": manifest.get("layers").unwrap() });
    let manifest = Manifest::new("release", layers).unwrap();
    let release = store.put_manifest(&manifest, &BTreeSet::new()).unwrap();
    let refused = store.hold(&release, Some(&live)).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Lost { .. }), "{refused}");
    go(&store, release);
    assert!(!store.check(None).unwrap().is_whole());
}

#[test]
fn a_damaged_list_condemns_nothing_and_a_newer_one_stops_everybody() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let old = store.put(&mut "old".as_bytes()).unwrap();
    backend.set_now(200);
    store.collect(Keep::default(), GRACE).unwrap();
    let list = keys(&backend, "condemned").remove(0);
    write(&backend, &list, b"pinnace-condemned 1\n0 blobs/aa/b");
    let refused = store.missing(&[old]).unwrap_err();
    assert!(refused.to_string().contains("`gc` removes it"), "{refused}");
    assert_eq!(store.check(None).unwrap().findings[0].key, list);
    backend.set_now(400);
    let collected = store.collect(Keep::default(), GRACE).unwrap();
    assert_eq!((collected.removed, collected.tombstoned), (0, 1));
    assert!(store.check(None).unwrap().findings.is_empty());
    let newer: Key = "condemned/00000000000000000000-0000000000000000".parse().unwrap();
    write(&backend, &newer, b"pinnace-condemned 2\n");
    let refused = store.collect(Keep::default(), GRACE).unwrap_err();
    assert!(refused.to_string().contains("newer"), "{refused}");
    assert!(keys(&backend, "condemned").contains(&newer));
}

/// Checks that a collection removes a mark that a killed collection left behind.
#[test]
fn marks_without_a_list_are_removed() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let mark: Key = "condemned/00000000000000000000-0000000000000000-now-00000001".parse().unwrap();
    write(&backend, &mark, b"");
    assert!(store.check(None).unwrap().findings.is_empty());
    store.collect(Keep::default(), GRACE).unwrap();
    assert!(keys(&backend, "condemned").is_empty());
}

/// A disk that is full, except for the space held in reserve.
#[derive(Clone, Debug)]
struct Full {
    backend: MemoryBackend,
    is_full: Arc<AtomicBool>,
}

impl Backend for Full {
    fn location(&self) -> String {
        self.backend.location()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        self.backend.read(key, range)
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Ok(Box::new(FullUpload { upload: self.backend.write()?, full: self, size: 0 }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.backend.head(key)
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        self.backend.list(prefix, after, limit)
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        self.backend.remove(key)
    }

    fn release_reserve(&self) -> Result<bool, Error> {
        Ok(self.is_full.swap(false, Ordering::Relaxed))
    }

    fn now(&self) -> Result<u64, Error> {
        self.backend.now()
    }
}

struct FullUpload<'a> {
    upload: Box<dyn Upload + 'a>,
    full: &'a Full,
    size: usize,
}

impl Write for FullUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.size += bytes.len();
        // The limit is the size of a folder's reserve.
        if self.full.is_full.load(Ordering::Relaxed) || self.size > 256 << 10 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.upload.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.upload.flush()
    }
}

impl Upload for FullUpload<'_> {
    fn finish(self: Box<Self>, key: &Key, condition: PutMode) -> Result<PutResult, Error> {
        self.upload.finish(key, condition)
    }
}

#[test]
fn a_full_disk_can_be_collected() {
    let backend = MemoryBackend::new();
    let full = Full { backend: backend.clone(), is_full: Arc::default() };
    let store = Store::open(full.clone()).unwrap();
    for number in 0..3000_u32 {
        store.put(&mut number.to_le_bytes().repeat(1 + number as usize % 7).as_slice()).unwrap();
    }
    backend.set_now(200);
    full.is_full.store(true, Ordering::Relaxed);
    assert!(store.put(&mut "more".as_bytes()).is_err());
    assert_eq!(store.collect(Keep::default(), GRACE).unwrap().tombstoned, 2000);
    full.is_full.store(true, Ordering::Relaxed);
    backend.set_now(400);
    let collected = store.collect(Keep::default(), GRACE).unwrap();
    assert_eq!((collected.removed, collected.tombstoned), (2000, 1000));
}
