//! What checking tells, and what collecting leaves whole.

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
    Backend, Condition, ContentKind, Deployment, Digest, Error, ErrorKind, Finished, Keep, Key,
    Listed, Manifest, MemoryBackend, Meta, PackBuilder, Published, Reading, RefName, Store, Upload,
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
    upload.finish(key, Condition::Always).unwrap();
}

/// Two stores of the same, of which one will be damaged.
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

/// One record that cannot be read does not hide what is wrong elsewhere.
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

/// The contents of older releases matter as long as those are there; a pack that is lost is one
/// finding, whatever is in it.
#[test]
fn older_releases_are_whole_or_gone() {
    let (backend, store, other) = twins(&["a", "b", "c"]);
    for pack in keys(&backend, "packs") {
        backend.remove(&pack).unwrap();
        let checked = store.check(None).unwrap();
        let told: Vec<&Key> = checked.findings.iter().map(|one| &one.key).collect();
        assert_eq!(told, [&pack], "{checked:?}");
        write(&backend, &pack, b"damaged");
        let checked = store.check(None).unwrap();
        let told: Vec<&Key> = checked.findings.iter().map(|one| &one.key).collect();
        assert_eq!(told, [&pack], "{checked:?}");
        assert!(store.check(Some(&other)).unwrap().is_whole());
    }
    let first = store.history(&name(), 3).unwrap()[2].release.unwrap().to_hex();
    let manifest: Key = format!("manifests/{}/{}", &first[..2], &first[2..]).parse().unwrap();
    backend.remove(&manifest).unwrap();
    let checked = store.check(None).unwrap();
    assert!(checked.is_whole(), "{checked:?}");
    assert_eq!(checked.past, [(name(), 1)]);
}

/// What was condemned before a release was written that refers to it outlives that release.
#[test]
fn a_manifest_that_stays_keeps_what_it_refers_to() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let content = store.put(&mut "old".as_bytes()).unwrap();
    backend.set_now(200);
    assert_eq!(store.collect(Keep::default(), GRACE).unwrap().condemned, 1);
    // A release that refers to it and was replaced soon after.
    let layers = json!({ "layers": [content.to_string()] });
    let release =
        store.put_manifest(&Manifest::new("release", layers).unwrap(), &BTreeSet::new()).unwrap();
    go(&store, release);
    publish(&store, "new");
    let keep = Keep { generations: 1 };
    for now in [310, 420] {
        backend.set_now(now);
        store.collect(keep, GRACE).unwrap();
        assert_eq!(store.manifest(&release).unwrap().is_some(), now == 310);
        let checked = store.check(None).unwrap();
        assert!(checked.findings.is_empty(), "{now}: {checked:?}");
    }
    backend.set_now(530);
    store.collect(keep, GRACE).unwrap();
    assert!(store.get(&content).unwrap().is_none());
}

/// What a live release has in a pack of its own is not there for one that does not name that pack.
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
    let refused = store.lacking(&[old]).unwrap_err();
    assert!(refused.to_string().contains("`gc` removes it"), "{refused}");
    assert_eq!(store.check(None).unwrap().findings[0].key, list);
    backend.set_now(400);
    let collected = store.collect(Keep::default(), GRACE).unwrap();
    assert_eq!((collected.removed, collected.condemned), (0, 1));
    assert!(store.check(None).unwrap().findings.is_empty());
    let newer: Key = "condemned/00000000000000000000-0".parse().unwrap();
    write(&backend, &newer, b"pinnace-condemned 2\n");
    let refused = store.collect(Keep::default(), GRACE).unwrap_err();
    assert!(refused.to_string().contains("newer"), "{refused}");
    assert!(keys(&backend, "condemned").contains(&newer));
}

/// What a collection was killed before removing is removed by the next.
#[test]
fn marks_without_a_list_are_removed() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let mark: Key = "condemned/00000000000000000000-0-now".parse().unwrap();
    write(&backend, &mark, b"");
    assert!(store.check(None).unwrap().findings.is_empty());
    store.collect(Keep::default(), GRACE).unwrap();
    assert!(keys(&backend, "condemned").is_empty());
}

/// A disk on which nothing more fits, but for what was held in reserve.
#[derive(Clone, Debug)]
struct Full {
    backend: MemoryBackend,
    is_full: Arc<AtomicBool>,
}

impl Backend for Full {
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

    fn relieve(&self) -> Result<bool, Error> {
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
        // The reserve of a folder.
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
    fn finish(self: Box<Self>, key: &Key, condition: Condition) -> Result<Finished, Error> {
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
    assert_eq!(store.collect(Keep::default(), GRACE).unwrap().condemned, 2000);
    full.is_full.store(true, Ordering::Relaxed);
    backend.set_now(400);
    let collected = store.collect(Keep::default(), GRACE).unwrap();
    assert_eq!((collected.removed, collected.condemned), (2000, 1000));
}
