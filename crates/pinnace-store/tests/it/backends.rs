//! The conformance suite, on every backend that needs nothing but a disk.

use pinnace_store::{
    Backend, Cached, Durability, Limited, LocalStore, MemoryBackend, Prefixed, conformance,
};

#[test]
fn memory_conforms() {
    conformance::run(&|| Box::new(MemoryBackend::new())).unwrap();
}

#[test]
fn the_local_disk_conforms() {
    for durability in [Durability::Remade, Durability::Durable] {
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

#[test]
fn tenants_do_not_see_one_another() {
    let shared = MemoryBackend::new();
    let [a, b] = ["a", "b"].map(|name| Prefixed::new(shared.clone(), name.parse().unwrap()));
    let mut upload = a.write().unwrap();
    upload.write_all(b"secret").unwrap();
    upload.finish(&"x".parse().unwrap(), pinnace_store::Condition::Always).unwrap();
    assert!(a.head(&"x".parse().unwrap()).unwrap().is_some());
    assert!(b.head(&"x".parse().unwrap()).unwrap().is_none());
    assert!(b.list("", None, 10).unwrap().is_empty());
}

#[test]
fn a_cache_reads_what_is_fixed_once_and_the_rest_always() {
    let (near, far) = (MemoryBackend::new(), MemoryBackend::new());
    let cached = Cached::new(near.clone(), far.clone());
    let put = |backend: &MemoryBackend, name: &str, content: &[u8]| {
        let mut upload = backend.write().unwrap();
        upload.write_all(content).unwrap();
        upload.finish(&name.parse().unwrap(), pinnace_store::Condition::Always).unwrap();
    };
    let read = |name: &str| {
        let mut reading = cached.read(&name.parse().unwrap(), None).unwrap().unwrap();
        let mut content = String::new();
        std::io::Read::read_to_string(&mut reading.body, &mut content).unwrap();
        content
    };
    for name in ["blobs/aa/x", "refs/x/@/1"] {
        put(&far, name, b"old");
        assert_eq!(read(name), "old");
        put(&far, name, b"new");
    }
    assert_eq!((read("blobs/aa/x"), read("refs/x/@/1")), ("old".to_owned(), "new".to_owned()));
    assert!(near.head(&"refs/x/@/1".parse().unwrap()).unwrap().is_none());
}
