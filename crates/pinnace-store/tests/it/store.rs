//! Tests of contents, manifests, refs, garbage collection and checks.

use std::collections::BTreeSet;

use pinnace_store::{
    Backend, ContentKind, Deployment, Digest, Durability, ErrorKind, Keep, LocalStore, Manifest,
    MemoryBackend, PackBuilder, Published, PutMode, RefName, Store,
};
use serde_json::json;

use crate::faults::{Careless, Counting};

const GRACE: u64 = 100;

fn name() -> RefName {
    "wanted/shop".parse().unwrap()
}

/// Puts a release of one large blob, and of a small one and a tree in a pack.
fn release(store: &Store, content: &str) -> Digest {
    let large = store.put(&mut content.as_bytes()).unwrap();
    let mut pack = PackBuilder::new();
    let small = pack.add(ContentKind::Blob, format!("small {content}").into_bytes());
    let tree = Manifest::new("tree", json!({ "entries": [small.to_string()] })).unwrap();
    pack.add(ContentKind::Manifest, tree.as_bytes().to_vec());
    let packs = store.put_packs(pack).unwrap();
    let layers = json!({ "layers": [large.to_string(), tree.digest().to_string()] });
    store.put_manifest(&Manifest::new("release", layers).unwrap(), &packs).unwrap()
}

fn deployment(release: Digest) -> Deployment {
    let mut deployment = Deployment::default();
    deployment.release = Some(release);
    deployment
}

fn publish(store: &Store, content: &str) -> Digest {
    let release = release(store, content);
    let latest = store.latest(&name()).unwrap();
    let published = store.publish(&name(), latest.as_ref(), deployment(release)).unwrap();
    assert!(matches!(published, Published::Done(_)));
    release
}

fn damage(backend: &MemoryBackend, key: &pinnace_store::Key) {
    let mut content = Vec::new();
    std::io::Read::read_to_end(&mut backend.read(key, None).unwrap().unwrap().body, &mut content)
        .unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    let mut upload = backend.write().unwrap();
    upload.write_all(&content).unwrap();
    upload.finish(key, PutMode::Overwrite).unwrap();
}

fn keys(backend: &dyn Backend, folder: &str) -> Vec<pinnace_store::Key> {
    backend.list(folder, None, 1000).unwrap().into_iter().map(|one| one.key).collect()
}

#[test]
fn refs_move_along_numbered_steps() {
    let store = Store::open(MemoryBackend::new()).unwrap();
    assert_eq!(store.latest(&name()).unwrap(), None);
    let (a, b) = (release(&store, "a"), release(&store, "b"));
    let Published::Done(first) = store.publish(&name(), None, deployment(a)).unwrap() else {
        panic!()
    };
    assert_eq!((first.generation, first.previous), (1, None));
    let Published::Done(second) = store.publish(&name(), Some(&first), deployment(b)).unwrap()
    else {
        panic!()
    };
    assert_eq!((second.generation, second.previous), (2, Some(a)));
    let Published::Lost(Some(newest)) =
        store.publish(&name(), Some(&first), deployment(a)).unwrap()
    else {
        panic!()
    };
    assert_eq!(newest, second);
    assert_eq!(store.history(&name(), 10).unwrap(), [second, first]);
    assert_eq!(store.refs().unwrap().into_iter().collect::<Vec<_>>(), [(name(), 2)]);
}

#[test]
fn of_several_deployers_one_wins_each_generation() {
    let store = Store::open(MemoryBackend::new()).unwrap();
    let releases: Vec<Digest> = (0..4).map(|n| release(&store, &n.to_string())).collect();
    for generation in 0..10 {
        let latest = store.latest(&name()).unwrap();
        assert_eq!(store.generation(&name()).unwrap().unwrap_or(0), generation);
        let wins: usize = std::thread::scope(|scope| {
            let racers: Vec<_> = releases
                .iter()
                .map(|release| {
                    let (store, latest) = (store.clone(), latest.as_ref());
                    scope.spawn(move || {
                        store.publish(&name(), latest, deployment(*release)).unwrap()
                    })
                })
                .collect();
            racers
                .into_iter()
                .map(|one| usize::from(matches!(one.join().unwrap(), Published::Done(_))))
                .sum()
        });
        assert_eq!(wins, 1, "generation {generation}");
    }
    assert_eq!(store.history(&name(), 100).unwrap().len(), 10);
}

#[test]
fn a_server_without_conditions_holds_contents_and_no_refs() {
    let store = Store::open(Careless::default()).unwrap();
    let release = release(&store, "a");
    let refused = store.publish(&name(), None, deployment(release)).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::NoConditions { .. }), "{refused}");
    assert_eq!(store.latest(&name()).unwrap(), None);
}

#[test]
fn what_is_newer_is_refused_and_left_alone() {
    let backend = MemoryBackend::new();
    let mut upload = backend.write().unwrap();
    upload.write_all(b"pinnace-store 2\n").unwrap();
    upload.finish(&"format".parse().unwrap(), PutMode::Overwrite).unwrap();
    let refused = Store::open(backend.clone()).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::NewerFormat { .. }), "{refused}");
    assert_eq!(keys(&backend, "").len(), 1);
}

#[test]
fn collecting_takes_two_looks_and_the_grace() {
    let backend = MemoryBackend::new();
    backend.set_now(1000);
    let store = Store::open(backend.clone()).unwrap();
    let garbage = store.put(&mut "garbage".as_bytes()).unwrap();
    publish(&store, "live");
    let keep = Keep { generations: 1 };
    let look = |now| {
        backend.set_now(now);
        let done = store.collect(keep, GRACE).unwrap();
        (done.live, done.young, done.tombstoned, done.removed)
    };
    assert_eq!(look(1050), (3, 1, 0, 0));
    assert_eq!(look(1200), (3, 0, 1, 0));
    assert_eq!(look(1250), (3, 0, 1, 0));
    assert!(store.get(&garbage).unwrap().is_some());
    assert_eq!(look(1400), (3, 0, 0, 1));
    assert!(store.get(&garbage).unwrap().is_none());
    assert_eq!(look(1500), (3, 0, 0, 0));
    assert!(store.check(None).unwrap().findings.is_empty());
}

#[test]
fn what_was_condemned_counts_as_lacking_and_is_saved_by_putting_it_again() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let old = store.put(&mut "old".as_bytes()).unwrap();
    assert_eq!(store.missing(&[old]).unwrap(), []);
    backend.set_now(200);
    assert_eq!(store.collect(Keep::default(), GRACE).unwrap().tombstoned, 1);
    assert_eq!(store.missing(&[old]).unwrap(), [old]);
    backend.set_now(290);
    store.put(&mut "old".as_bytes()).unwrap();
    backend.set_now(320);
    assert_eq!(store.collect(Keep::default(), GRACE).unwrap().removed, 0);
    assert_eq!(store.missing(&[old]).unwrap(), []);
}

#[test]
fn releases_of_older_steps_are_kept_as_long_as_is_asked() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let releases: Vec<Digest> = ["a", "b", "c"].map(|content| publish(&store, content)).into();
    let keep = Keep { generations: 2 };
    for now in [200, 400] {
        backend.set_now(now);
        store.collect(keep, GRACE).unwrap();
    }
    let there: Vec<bool> =
        releases.iter().map(|digest| store.manifest(digest).unwrap().is_some()).collect();
    assert_eq!(there, [false, true, true]);
    assert_eq!(store.history(&name(), 10).unwrap().len(), 3, "records stay");
    // The releases of older deployments may be gone, which does not stop a collection.
    backend.set_now(600);
    store.collect(Keep { generations: 10 }, GRACE).unwrap();
    let checked = store.check(None).unwrap();
    assert!(checked.findings.is_empty());
    assert_eq!(checked.past, [(name(), 1)]);
}

#[test]
fn nothing_is_removed_from_a_store_that_is_not_whole() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    store.put(&mut "garbage".as_bytes()).unwrap();
    publish(&store, "live");
    let pack = keys(&backend, "packs").remove(0);
    backend.remove(&pack).unwrap();
    backend.set_now(1000);
    let refused = store.collect(Keep::default(), GRACE).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Lost { .. }), "{refused}");
    assert!(keys(&backend, "condemned").is_empty());
}

#[test]
fn every_flipped_byte_is_found_and_healed() {
    let (backend, copy) = (MemoryBackend::new(), MemoryBackend::new());
    let (store, other) = (Store::open(backend.clone()).unwrap(), Store::open(copy).unwrap());
    for one in [&store, &other] {
        publish(one, "content");
    }
    let whole = store.check(None).unwrap();
    assert!(whole.is_whole() && whole.objects == 4, "{whole:?}");
    let fixed = ["blobs", "manifests", "packs", "refs"];
    for key in fixed.iter().flat_map(|folder| keys(&backend, folder)) {
        damage(&backend, &key);
        let found = store.check(None).unwrap();
        assert!(found.findings.iter().any(|one| one.key == key && !one.healed), "{key}: {found:?}");
        assert!(!found.is_whole());
        let healed = store.check(Some(&other)).unwrap();
        assert!(healed.is_whole() && !healed.findings.is_empty(), "{key}: {healed:?}");
        assert!(store.check(None).unwrap().findings.is_empty(), "{key}");
    }
    for key in fixed[..3].iter().flat_map(|folder| keys(&backend, folder)) {
        backend.remove(&key).unwrap();
        let found = store.check(None).unwrap();
        assert!(
            !found.is_whole() && found.findings[0].problem.contains("refers to it"),
            "{key}: {found:?}"
        );
        assert!(store.check(Some(&other)).unwrap().is_whole(), "{key}");
        assert!(store.check(None).unwrap().findings.is_empty(), "{key}");
    }
}

#[test]
fn a_store_on_disk_is_what_it_is_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        || Store::open(LocalStore::open(folder.path(), Durability::Durable).unwrap()).unwrap();
    let store = open();
    let release = publish(&store, "content");
    let stored = open().manifest(&release).unwrap().unwrap();
    assert_eq!((stored.manifest.kind(), stored.packs.len()), ("release", 1));
    let large = stored.manifest.references().into_iter().find_map(|one| store.get(&one).unwrap());
    assert_eq!(large.unwrap().size(), 7);
    let pack = store.pack(stored.packs.first().unwrap()).unwrap().unwrap();
    let index = store.pack_index(stored.packs.first().unwrap()).unwrap().unwrap();
    assert_eq!(pack.index().entries(), index.entries());
    assert!(store.check(None).unwrap().findings.is_empty());
    assert_eq!(store.latest(&name()).unwrap().unwrap().release, Some(release));
}

#[test]
fn what_was_announced_must_come() {
    let store = Store::open(MemoryBackend::new()).unwrap();
    let other = Digest::new([1; 32]);
    let refused = store.put_as(&other, &mut "x".as_bytes()).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Mismatch { .. }));
    assert_eq!(store.missing(&[other]).unwrap(), [other]);
    assert!(store.get(&other).unwrap().is_none());
}

#[test]
fn packs_are_cut_where_they_would_be_large() {
    let mut builder = PackBuilder::new();
    let contents: Vec<Vec<u8>> = (0..40_u8)
        .map(|n| {
            let mut state = u64::from(n) + 1;
            let noise = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            });
            noise.take(1 << 20).collect()
        })
        .collect();
    let digests: BTreeSet<Digest> =
        contents.iter().map(|content| builder.add(ContentKind::Blob, content.clone())).collect();
    let store = Store::open(MemoryBackend::new()).unwrap();
    let packs = store.put_packs(builder).unwrap();
    assert_eq!(packs.len(), 2);
    let held = packs.iter().flat_map(|pack| {
        let index = store.pack_index(pack).unwrap().unwrap();
        index.entries().iter().map(|entry| entry.digest).collect::<Vec<_>>()
    });
    assert_eq!(held.collect::<BTreeSet<_>>(), digests);
}

#[test]
fn malformed_packs_are_refused() {
    let mut builder = PackBuilder::new();
    builder.add(ContentKind::Blob, b"hello hello hello hello hello hello".to_vec());
    builder.add(ContentKind::Blob, b"x".to_vec());
    let good = builder.finish().remove(0);
    for length in 0..good.len() {
        assert!(pinnace_store::Pack::parse(good[..length].to_vec()).is_err(), "{length}");
    }
    let contents = |bytes: Vec<u8>| {
        let pack = pinnace_store::Pack::parse(bytes)?;
        let digests = pack.index().entries().iter().map(|entry| entry.digest);
        digests.map(|digest| pack.read(&digest)).collect::<Result<Vec<_>, _>>()
    };
    let expected = contents(good.clone()).unwrap();
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        // Some bits of a deflated stream mean nothing; the pack's own digest covers them.
        assert!(contents(bytes).map_or(true, |found| found == expected), "byte {at}");
    }
}

/// Checks that a deployer learns from the newest deployment alone that nothing has changed,
/// whatever the release holds and however many deployments there were.
#[test]
fn that_nothing_has_changed_takes_two_requests() {
    use std::sync::atomic::Ordering::Relaxed;
    let backend = Counting::default();
    let store = Store::open(backend.clone()).unwrap();
    let release = release(&store, "content");
    let mut latest = None;
    for _ in 0..50 {
        let published = store.publish(&name(), latest.as_ref(), deployment(release)).unwrap();
        let Published::Done(step) = published else { panic!("somebody else was first") };
        latest = Some(step);
    }
    backend.requests.store(0, Relaxed);
    backend.bytes.store(0, Relaxed);
    let newest = store.latest(&name()).unwrap().unwrap();
    assert_eq!((newest.release, newest.generation), (Some(release), 50));
    assert_eq!(backend.requests.load(Relaxed), 2);
    assert!(backend.bytes.load(Relaxed) < 2000);
}

/// Checks that a writer which counts on an object that a collection is about to remove is told to
/// wait. A collection that has looked at the object does not know that it was written again.
#[test]
fn nobody_counts_on_what_is_being_removed() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let old = store.put(&mut "old".as_bytes()).unwrap();
    backend.set_now(200);
    store.collect(Keep::default(), GRACE).unwrap();
    let list = keys(&backend, "condemned").remove(0);
    let mark: pinnace_store::Key = format!("{list}-now-00000001").parse().unwrap();
    let upload = backend.write().unwrap();
    upload.finish(&mark, PutMode::Overwrite).unwrap();
    assert_eq!(store.missing(&[old]).unwrap(), [old]);
    store.put(&mut "old".as_bytes()).unwrap();
    let layers = json!({ "layers": [old.to_string()] });
    let manifest = Manifest::new("release", layers).unwrap();
    let release = store.put_manifest(&manifest, &BTreeSet::new()).unwrap();
    let refused = store.hold(&release, None).unwrap_err();
    assert!(refused.is_retryable(), "{refused}");
    // Other collections leave the list alone until the silent one counts as dead.
    backend.set_now(320);
    store.collect(Keep::default(), GRACE).unwrap();
    assert!(keys(&backend, "condemned").contains(&mark));
    backend.set_now(500);
    store.collect(Keep::default(), GRACE).unwrap();
    assert!(!keys(&backend, "condemned").contains(&mark));
    store.put(&mut "old".as_bytes()).unwrap();
    store.put_manifest(&manifest, &BTreeSet::new()).unwrap();
    store.hold(&release, None).unwrap();
}

/// Checks that the packs of an inner manifest are followed.
#[test]
fn manifests_of_manifests_are_followed() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let mut pack = PackBuilder::new();
    let small = pack.add(ContentKind::Blob, b"small".to_vec());
    let packs = store.put_packs(pack).unwrap();
    let inner = Manifest::new("env", json!({ "small": small.to_string() })).unwrap();
    store.put_manifest(&inner, &packs).unwrap();
    let outer = json!({ "env": inner.digest().to_string() });
    let outer = Manifest::new("release", outer).unwrap();
    let release = store.put_manifest(&outer, &BTreeSet::new()).unwrap();
    store.hold(&release, None).unwrap();
    store.publish(&name(), None, deployment(release)).unwrap();
    assert!(store.check(None).unwrap().findings.is_empty());
    backend.set_now(1000);
    assert_eq!(store.collect(Keep::default(), GRACE).unwrap().live, 3);
    backend.remove(&keys(&backend, "packs")[0]).unwrap();
    assert!(matches!(store.hold(&release, None).unwrap_err().kind(), ErrorKind::Lost { .. }));
    assert!(!store.check(None).unwrap().is_whole());
}

/// Checks that a blob does not heal a missing manifest, and that healing is not tried forever.
#[test]
fn a_release_is_not_healed_by_a_blob_of_its_bytes() {
    let (backend, copy) = (MemoryBackend::new(), MemoryBackend::new());
    let (store, other) = (Store::open(backend.clone()).unwrap(), Store::open(copy).unwrap());
    let release = publish(&store, "content");
    let manifest = store.manifest(&release).unwrap().unwrap().manifest;
    assert_eq!(other.put(&mut manifest.as_bytes()).unwrap(), release);
    backend.remove(&keys(&backend, "manifests")[0]).unwrap();
    let checked = store.check(Some(&other)).unwrap();
    assert!(!checked.is_whole(), "{checked:?}");
}

/// Checks that the references of a manifest are followed even if its bytes are also a blob.
#[test]
fn what_a_manifest_that_is_also_a_blob_refers_to_is_held() {
    let backend = MemoryBackend::new();
    let store = Store::open(backend.clone()).unwrap();
    let content = store.put(&mut "content".as_bytes()).unwrap();
    let inner = Manifest::new("layer", json!({ "content": content.to_string() })).unwrap();
    let outer = Manifest::new("release", json!({ "layer": inner.digest().to_string() })).unwrap();
    backend.set_now(200);
    store.collect(Keep::default(), GRACE).unwrap();
    store.put(&mut inner.as_bytes()).unwrap();
    store.put_manifest(&inner, &BTreeSet::new()).unwrap();
    let release = store.put_manifest(&outer, &BTreeSet::new()).unwrap();
    backend.set_now(210);
    store.hold(&release, None).unwrap();
    let hex = content.to_hex();
    let key: pinnace_store::Key = format!("blobs/{}/{}", &hex[..2], &hex[2..]).parse().unwrap();
    assert_eq!(backend.head(&key).unwrap().unwrap().modified, 210);
}
