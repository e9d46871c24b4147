use std::path::Path;

use pinnace_deploy::{
    Cache, Contents, Export, Process, ReleaseInputs, Rules, Scan, ScanIndex, Service, SourceFolder,
    WheelLayer,
};
use pinnace_pex::Runtime;
use pinnace_store::{Backend, Deployment, Digest, MemoryBackend, Published, Store};
use pinnace_wheel::{Libc, Target};

use crate::{folder, write};

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

/// A boot code that this version never had.
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
    project: tempfile::TempDir,
    cache: Cache,
    _cache: tempfile::TempDir,
    backend: MemoryBackend,
    store: Store,
}

impl World {
    fn new() -> Self {
        let cache = tempfile::tempdir().unwrap();
        let backend = MemoryBackend::new();
        Self {
            project: folder(&[
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
        let (places, _) = service.put(&head, &draft).unwrap();
        let done = service.go_live(&head, &draft.digest(), Deployment::default()).unwrap();
        let Published::Done(step) = done else { panic!("nobody else is here") };
        service.record_published(&draft, &step, places);
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

/// A release is written out by the boot code that it was made with.
#[test]
fn another_version_writes_what_this_one_wrote() {
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

/// What changed moves, in one pack that is one more, and is in one again before they are many.
#[test]
fn what_moves_is_what_changed_and_packs_stay_few() {
    let world = World::new();
    world.publish(Runtime::own());
    let packs = || world.backend.list("packs", None, 100).unwrap();
    let large = || world.backend.list("blobs", None, 100).unwrap().len();
    assert_eq!((packs().len(), large()), (1, 1));
    for number in 0..20 {
        write(&world.project.path().join("app.py"), &format!("print({number})\n"));
        let before: Vec<_> = packs().into_iter().map(|one| one.key).collect();
        let release = world.publish(Runtime::own());
        let new = packs().into_iter().filter(|one| !before.contains(&one.key));
        assert_eq!(new.count(), 1);
        let named = world.store.manifest(&release).unwrap().unwrap().packs.len();
        assert!(named <= 8, "{named}");
    }
    assert_eq!(large(), 1);
}

/// A store that was made anew has nothing, whatever the machine remembers.
#[test]
fn what_is_remembered_of_another_store_is_not_believed() {
    let world = World::new();
    world.publish(Runtime::own());
    for listed in world.backend.list("", None, 100).unwrap() {
        world.backend.remove(&listed.key).unwrap();
    }
    write(&world.project.path().join("app.py"), "print('bye')\n");
    let again = World { store: Store::open(world.backend.clone()).unwrap(), ..world };
    again.publish(Runtime::own());
}

/// A file that changes between the look and the upload is no part of a release.
#[test]
fn what_changes_meanwhile_is_refused() {
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
        write(&path, &before);
    }
    assert!(world.store.refs().unwrap().is_empty());
}
