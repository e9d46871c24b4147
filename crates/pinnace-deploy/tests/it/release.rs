use std::path::Path;

use pinnace_deploy::{
    Cache, Contents, Export, Process, ReleaseInputs, Rules, Scan, ScanIndex, Service, SourceFolder,
    WheelLayer,
};
use pinnace_pex::Runtime;
use pinnace_store::{Backend, Deployment, Digest, MemoryBackend, Published, Store};
use pinnace_test::{Folder, write};
use pinnace_wheel::{Libc, Target};

fn inputs(folder: &Path, runtime: Runtime) -> ReleaseInputs {
    let rules = Rules::new(&[], &[]).unwrap();
    let scan = Scan::of(folder, &rules, &ScanIndex::default(), 1).unwrap();
    let target =
        Target::cpython_on_linux("3.11", "x86_64", Libc::Glibc { major: 2, minor: 28 }).unwrap();
    let set = WheelLayer::new(target.to_string(), Vec::new());
    let mut inputs =
        ReleaseInputs::new(target, set).with_source(SourceFolder::new("shop", folder, scan));
    let web = Process::new(["python", "-m", "app"].map(str::to_owned).into());
    inputs.processes.insert("web".to_owned(), web);
    inputs.runtime = runtime;
    inputs
}

/// Returns boot code of another version.
fn other_runtime() -> Runtime {
    let mut zip = pinnace_archive::Writer::new(Vec::new());
    let own = Runtime::own().to_bytes().unwrap();
    let archive =
        pinnace_archive::Archive::open(own.as_slice(), pinnace_archive::Policy::strict()).unwrap();
    for entry in archive.entries().iter().filter(|entry| entry.is_file()) {
        let mut bytes = archive.read(entry).unwrap();
        if entry.name() == "main.py" {
            bytes.extend(b"# an older version\n");
        }
        let path = pinnace_archive::ArchivePath::parse(entry.name()).unwrap();
        zip.bytes(&path, entry.mode(), &bytes).unwrap();
    }
    Runtime::parse(&zip.finish().unwrap().0).unwrap()
}

struct World {
    project: Folder,
    cache: Cache,
    _cache: Folder,
    backend: MemoryBackend,
    store: Store,
}

impl World {
    fn new() -> Self {
        let cache = Folder::new();
        let backend = MemoryBackend::new();
        Self {
            project: Folder::with(&[
                ("app.py", "print('hello')\n"),
                ("pkg/__init__.py", ""),
                ("pkg/large.bin", &"x".repeat(1_500_000)),
            ]),
            cache: Cache::open(cache.path()).unwrap(),
            _cache: cache,
            store: Store::open(backend.clone()).unwrap(),
            backend,
        }
    }

    fn publish(&self, runtime: Runtime) -> Digest {
        let name = "wanted/shop".parse().unwrap();
        let service = Service::new(&self.store, &self.cache, &name);
        let head = service.look().unwrap();
        let inputs = inputs(self.project.path(), runtime);
        let draft = inputs.draft(&head, &self.cache, 1).unwrap();
        let (locations, _) = service.put(&head, &draft).unwrap();
        let done = service.go_live(&head, &draft.digest(), Deployment::default()).unwrap();
        let Published::Done(deployment) = done else { panic!("nobody else is here") };
        service.record_published(&draft, &deployment, locations);
        assert!(self.store.check(None).unwrap().findings.is_empty());
        draft.digest()
    }

    fn export(&self, release: &Digest, what: Export) -> Vec<u8> {
        let mut bytes = Vec::new();
        let contents = Contents::fetch(&self.store, release).unwrap();
        contents.export(what, &self.cache, 1, &mut bytes).unwrap();
        bytes
    }
}

/// An export uses the boot code of the release, not that of this version.
#[test]
fn another_version_exports_the_same_bytes() {
    let world = World::new();
    let old = world.publish(other_runtime());
    let source = world.export(&old, Export::Source);
    let has = |bytes: &[u8]| bytes.windows(18).any(|window| window == b"# an older version");
    assert!(has(&source) && has(&world.export(&old, Export::Dependencies)));
    let new = world.publish(Runtime::own());
    assert_ne!(old, new);
    assert!(!has(&world.export(&new, Export::Source)));
    assert_eq!(world.export(&old, Export::Source), source);
}

/// Uploads only changed files, as one additional pack, and repacks before a release has many packs.
#[test]
fn uploads_are_small_and_packs_stay_few() {
    let world = World::new();
    world.publish(Runtime::own());
    let packs = || world.backend.list("packs", None, 100).unwrap();
    let large = || world.backend.list("blobs", None, 100).unwrap().len();
    assert_eq!((packs().len(), large()), (1, 1));
    for number in 0..20 {
        world.project.write("app.py", format!("print({number})\n"));
        let before: Vec<_> = packs().into_iter().map(|pack| pack.key).collect();
        let release = world.publish(Runtime::own());
        let new = packs().into_iter().filter(|pack| !before.contains(&pack.key));
        assert_eq!(new.count(), 1);
        let named = world.store.manifest(&release).unwrap().unwrap().packs.len();
        assert!(named <= 8, "{named}");
    }
    assert_eq!(large(), 1);
}

/// The cache of another store's head does not count for a store that was created again.
#[test]
fn the_cache_of_another_store_does_not_count() {
    let world = World::new();
    world.publish(Runtime::own());
    for listed in world.backend.list("", None, 100).unwrap() {
        world.backend.remove(&listed.key).unwrap();
    }
    world.project.write("app.py", "print('bye')\n");
    let again = World { store: Store::open(world.backend.clone()).unwrap(), ..world };
    again.publish(Runtime::own());
}

/// A file that changes between the scan and the upload fails the upload.
#[test]
fn files_that_change_meanwhile_are_refused() {
    let world = World::new();
    for file in ["app.py", "pkg/large.bin"] {
        let name = "wanted/shop".parse().unwrap();
        let service = Service::new(&world.store, &world.cache, &name);
        let head = service.look().unwrap();
        let inputs = inputs(world.project.path(), Runtime::own());
        let draft = inputs.draft(&head, &world.cache, 1).unwrap();
        let path = world.project.path().join(file);
        let before = std::fs::read_to_string(&path).unwrap();
        write(&path, "changed");
        let refused = service.put(&head, &draft).unwrap_err();
        assert!(refused.is_retryable() && refused.to_string().contains("changed"), "{refused}");
        write(&path, before);
    }
    assert!(world.store.refs().unwrap().is_empty());
}
