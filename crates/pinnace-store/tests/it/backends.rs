//! The conformance suite, on every backend that needs nothing but a disk.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use pinnace_store::{
    Backend, Cached, Deployment, Durability, ErrorKind, Instrumented, Keep, Key, LazyLocal,
    Limited, LocalStore, Manifest, MemoryBackend, Prefixed, Progress, PutMode, Store, conformance,
};

#[test]
fn memory_conforms() {
    conformance::run(&|| Box::new(MemoryBackend::new())).unwrap();
}

#[test]
fn the_local_disk_conforms() {
    for durability in [Durability::Volatile, Durability::Durable] {
        let folder = tempfile::tempdir().unwrap();
        let number = std::cell::Cell::new(0);
        let make = || -> Box<dyn Backend> {
            number.set(number.get() + 1);
            let root = folder.path().join(number.get().to_string());
            let store = LocalStore::open(&root, durability).unwrap();
            std::fs::remove_file(root.join("format")).unwrap();
            Box::new(store)
        };
        conformance::run(&make).unwrap();
    }
}

#[test]
fn wrappers_conform() {
    conformance::run(&|| {
        Box::new(Prefixed::new(MemoryBackend::new(), "tenant/a".parse().unwrap()))
    })
    .unwrap();
    conformance::run(&|| Box::new(Limited::new(MemoryBackend::new(), 3, 1 << 40))).unwrap();
    conformance::run(&|| Box::new(Cached::new(MemoryBackend::new(), MemoryBackend::new())))
        .unwrap();
}

#[test]
fn a_backend_that_ignores_conditions_does_not_conform() {
    let said = conformance::run(&|| Box::new(crate::faults::Careless::default())).unwrap_err();
    assert!(said.starts_with("conditions hold: second: "), "{said}");
}

/// Pins the texts, by which caches of all versions name what they know of a store.
#[test]
fn locations_are_as_they_always_were() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let local = |durability| LocalStore::open(&root, durability).unwrap();
    let expected = format!("LocalStore {{ root: {root:?}, durability: Durable }}");
    assert_eq!(local(Durability::Durable).location(), expected);
    let volatile = format!("LocalStore {{ root: {root:?}, durability: Volatile }}");
    assert_eq!(local(Durability::Volatile).location(), volatile);
    let tenant = Prefixed::new(local(Durability::Durable), "tenant/a".parse().unwrap());
    assert_eq!(tenant.location(), format!("{expected}/tenant/a"));
    assert_eq!(Limited::new(local(Durability::Durable), 1, 1).location(), expected);
    let cached = Cached::new(MemoryBackend::new(), local(Durability::Durable));
    assert_eq!(cached.location(), expected);
}

#[test]
fn a_lazy_store_is_at_one_location_before_and_after_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let lazy = LazyLocal::new(root.clone());
    let before = lazy.location();
    let store = LocalStore::open(&root, Durability::Durable).unwrap();
    assert!(lazy.head(&"format".parse().unwrap()).unwrap().is_some());
    assert_eq!((before, lazy.location()), (store.location(), store.location()));
}

#[test]
fn each_backend_in_memory_is_a_place_of_its_own() {
    let memory = MemoryBackend::new();
    let before = memory.location();
    overwrite(&memory, &"x".parse().unwrap(), b"content");
    assert_eq!((memory.location(), memory.clone().location()), (before.clone(), before.clone()));
    assert_ne!(MemoryBackend::new().location(), before);
}

#[test]
fn tenants_do_not_see_one_another() {
    let shared = MemoryBackend::new();
    let [a, b] = ["a", "b"].map(|name| Prefixed::new(shared.clone(), name.parse().unwrap()));
    let mut upload = a.write().unwrap();
    upload.write_all(b"secret").unwrap();
    upload.finish(&"x".parse().unwrap(), PutMode::Overwrite).unwrap();
    assert!(a.head(&"x".parse().unwrap()).unwrap().is_some());
    assert!(b.head(&"x".parse().unwrap()).unwrap().is_none());
    assert!(b.list("", None, 10).unwrap().is_empty());
}

#[test]
fn a_cache_reads_what_is_fixed_once_and_the_rest_always() {
    let (near, far) = (MemoryBackend::new(), MemoryBackend::new());
    let store = Store::open(far.clone()).unwrap();
    let digest = store.put(&mut "content".as_bytes()).unwrap();
    let cached = Store::open(Cached::new(near.clone(), far.clone())).unwrap();
    let read = || {
        let mut content = String::new();
        let blob = cached.get(&digest).unwrap();
        blob.map(|mut blob| blob.read_to_string(&mut content).unwrap()).map(|_| content)
    };
    assert_eq!(read().as_deref(), Some("content"));
    let key = far.list("blobs", None, 1).unwrap().remove(0).key;
    far.remove(&key).unwrap();
    assert_eq!(read().as_deref(), Some("content"), "it is near");
    // A damaged near copy gives way to the far one.
    store.put(&mut "content".as_bytes()).unwrap();
    overwrite(&near, &key, b"c0ntent");
    assert_eq!(read().as_deref(), Some("content"));
    // A damaged far object is not cached.
    near.remove(&key).unwrap();
    overwrite(&far, &key, b"c0ntent");
    assert!(matches!(cached.get(&digest).unwrap_err().kind(), ErrorKind::Damaged { .. }));
    assert!(near.head(&key).unwrap().is_none());
    assert!(near.list("refs", None, 1).unwrap().is_empty());
}

fn overwrite(backend: &MemoryBackend, key: &Key, content: &[u8]) {
    let mut upload = backend.write().unwrap();
    upload.write_all(content).unwrap();
    upload.finish(key, PutMode::Overwrite).unwrap();
}

/// An observer that cancels after so many bytes.
#[derive(Default)]
struct Limit {
    moved: AtomicU64,
    most: u64,
}

impl Progress for Limit {
    fn moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.moved.load(Ordering::Relaxed) > self.most
    }
}

#[test]
fn what_is_watched_is_counted_and_can_be_stopped() {
    let memory = MemoryBackend::new();
    conformance::run(&|| {
        let limit = Limit { most: u64::MAX, ..Limit::default() };
        Box::new(Instrumented::new(MemoryBackend::new(), Arc::new(limit)))
    })
    .unwrap();
    let limit = Arc::new(Limit { most: 1_000_000, ..Limit::default() });
    let store = Store::open(Instrumented::new(memory.clone(), Arc::clone(&limit) as _)).unwrap();
    store.put(&mut io::repeat(1).take(500_000)).unwrap();
    let stopped = store.put(&mut io::repeat(2).take(2_000_000)).unwrap_err();
    assert!(stopped.to_string().contains("stopped"), "{stopped}");
    let moved = limit.moved.load(Ordering::Relaxed);
    assert!((1_000_000..1_300_000).contains(&moved), "{moved}");
    assert!(matches!(store.check(None).unwrap_err().kind(), ErrorKind::Cancelled));
    assert_eq!(memory.list("blobs", None, 10).unwrap().len(), 1);
}

/// Checks that a named pipe does not block the store: no process will write to it.
#[cfg(unix)]
#[test]
fn a_pipe_in_a_store_is_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let backend = LocalStore::open(folder.path(), Durability::Durable).unwrap();
    let store = Store::open(backend.clone()).unwrap();
    let digest = store.put(&mut "content".as_bytes()).unwrap();
    let key = backend.list("blobs", None, 1).unwrap().remove(0).key;
    let path = folder.path().join(key.as_str());
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(store.get(&digest).unwrap().is_none());
    assert!(!backend.contains(&digest).unwrap());
    assert_eq!(store.missing(&[digest]).unwrap(), [digest]);
    assert_eq!(store.check(None).unwrap().objects, 0);
    store.put(&mut "content".as_bytes()).unwrap();
    assert_eq!(store.get(&digest).unwrap().unwrap().size(), 7);
}

/// Checks that links may spread a store over several disks, and that a missing disk is not an empty
/// store.
#[cfg(unix)]
#[test]
#[expect(clippy::disallowed_methods, reason = "an administrator moves a part of a store")]
fn links_in_a_store_are_followed_or_told() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let backend = LocalStore::open(&root, Durability::Durable).unwrap();
    let store = Store::open(backend).unwrap();
    let digest = store.put(&mut "content".as_bytes()).unwrap();
    let manifest = Manifest::new("release", serde_json::json!({ "layer": digest.to_string() }));
    let release = store.put_manifest(&manifest.unwrap(), &BTreeSet::new()).unwrap();
    let mut deployment = Deployment::default();
    deployment.release = Some(release);
    store.publish(&"wanted/shop".parse().unwrap(), None, deployment).unwrap();
    for part in ["refs/wanted", "refs", "blobs", &format!("blobs/{}", &digest.to_hex()[..2])] {
        let (there, elsewhere) = (root.join(part), folder.path().join("elsewhere"));
        std::fs::rename(&there, &elsewhere).unwrap();
        symlink(&elsewhere, &there).unwrap();
        assert_eq!(store.check(None).unwrap().objects, 3, "{part}");
        assert_eq!(store.collect(Keep::default(), 0).unwrap().live, 2, "{part}");
        std::fs::remove_file(&there).unwrap();
        symlink("nowhere", &there).unwrap();
        assert!(store.collect(Keep::default(), 0).is_err(), "{part}");
        std::fs::remove_file(&there).unwrap();
        std::fs::rename(&elsewhere, &there).unwrap();
    }
}

/// Checks that a format file that is a named pipe neither blocks nor is read to its end, and that a
/// sweep removes only the store's own unfinished files.
#[cfg(unix)]
#[test]
fn what_stands_in_a_folder_is_looked_at_with_care() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    let store = Store::open(LocalStore::open(&root, Durability::Durable).unwrap()).unwrap();
    for name in ["thesis.txt", ".pinnace-left"] {
        std::fs::File::create(root.join("unfinished").join(name)).unwrap();
    }
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(store.collect(Keep::default(), 0).unwrap().swept, 1);
    assert!(root.join("unfinished/thesis.txt").exists());
    // A copy without the folder of unfinished objects is readable all the same.
    std::fs::remove_dir_all(root.join("unfinished")).unwrap();
    assert!(LocalStore::open_existing(&root, Durability::Durable).unwrap().is_some());
    let format = root.join("format");
    std::fs::remove_file(&format).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&format).status().unwrap().success());
    let refused = LocalStore::open_existing(&root, Durability::Durable).unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::NewerFormat { .. }), "{refused}");
}
