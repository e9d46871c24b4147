use pinnace_deploy::{
    Contents, DependencyPolicy, DeployPath, Effect, ErrorKind, Outcome, Project, Service,
    ServiceName, StoreMemory, TransferStats,
};

use crate::world::{World, assert_kind, platform, shop};

fn versions(world: &World) -> Vec<String> {
    let newest = world.store.latest(shop().wanted()).unwrap().unwrap();
    let contents = Contents::fetch(&world.store, &newest.release.unwrap()).unwrap();
    let wheels = contents.dependencies().unwrap().wheels;
    wheels
        .iter()
        .map(|wheel| format!("{}=={}", wheel.name.project(), wheel.name.version()))
        .collect()
}

#[test]
fn a_changed_file_is_the_only_upload_and_dependencies_are_reused() {
    let world = World::new();
    let first = world.deploy();
    assert_eq!((first.path, first.outcome), (DeployPath::Full, Outcome::Published));
    assert_eq!((first.generation, first.reason.as_str()), (1, "first deploy"));
    assert_eq!(versions(&world), ["moo==1.0", "voice==1.5"]);
    world.index.take_requests();
    world.add_voice("2.0");
    let edited = world.deploy_version(2);
    assert_eq!((edited.path, edited.generation), (DeployPath::Fast, 2));
    assert_eq!(edited.reason, "deps unchanged since generation 1");
    assert_eq!(edited.dependencies, first.dependencies);
    assert_ne!(edited.source, first.source);
    // A pack with the file and its folders, the manifest, and the record of the deployment.
    let transfer = edited.transfer;
    assert!(transfer.objects == 3 && transfer.bytes < 4096, "{transfer:?}");
    assert!(transfer.reused > 5 && transfer.reused_bytes > 10_000, "{transfer:?}");
    assert!(world.index.take_requests().is_empty());
    assert!(world.store.check(None).unwrap().findings.is_empty());
}

#[test]
fn an_unchanged_project_moves_nothing() {
    let world = World::new();
    let first = world.deploy();
    let again = world.deploy();
    assert_eq!((again.outcome, again.generation), (Outcome::Unchanged, 1));
    assert_eq!((again.release, again.transfer), (first.release, TransferStats::default()));
    assert!(!again.is_new() && first.is_new());
    // An empty cache costs requests, but gives the same release.
    let world = world.without_cache();
    let elsewhere = world.deploy();
    assert_eq!((elsewhere.outcome, elsewhere.release), (Outcome::Unchanged, first.release));
}

#[test]
fn dependencies_change_with_the_requirements_or_by_request() {
    let world = World::new();
    let policy = |policy| world.deploy_with(|options| options.dependencies = policy);
    world.add_voice("1.6");
    world.add_voice("1.7");
    world.require("'moo', 'voice<1.6'");
    world.deploy();
    world.require("'moo', 'voice>=1.6,<1.7'");
    let changed = world.deploy();
    assert_eq!(changed.path, DeployPath::Full);
    assert_eq!(changed.reason, "voice 1.5 -> 1.6");
    // Live versions are preferred while they satisfy the requirements.
    world.require("'moo', 'voice>=1.6'");
    assert_eq!(world.deploy().path, DeployPath::Fast);
    assert_eq!(versions(&world), ["moo==1.0", "voice==1.6"]);
    let upgraded = policy(DependencyPolicy::Upgrade).unwrap();
    assert_eq!((upgraded.path, upgraded.reason.as_str()), (DeployPath::Full, "voice 1.6 -> 1.7"));
    world.require("'moo'");
    assert_kind!(policy(DependencyPolicy::Locked), ErrorKind::WouldResolve);
    world.require("'moo', 'voice>=1.6'");
    assert_eq!(policy(DependencyPolicy::Locked).unwrap().outcome, Outcome::Unchanged);
}

#[test]
fn a_dry_run_publishes_nothing_and_shows_its_plan() {
    let world = World::new();
    let planned = world.deploy_with(|options| options.effect = Effect::DryRun).unwrap();
    assert_eq!((planned.outcome, planned.release), (Outcome::Planned, None));
    let plan = planned.plan.unwrap();
    assert_eq!(plan.dependencies.wheels.len(), 2);
    let files: Vec<&str> =
        plan.sources.folders[0].scan.files.iter().map(|file| file.path.as_str()).collect();
    assert!(files.contains(&"src/shop/words.py"), "{files:?}");
    assert!(world.store.refs().unwrap().is_empty());
    assert_eq!(world.deploy().dependencies, planned.dependencies);
}

#[test]
fn a_release_has_the_import_roots_and_the_distribution_of_its_project() {
    let world = World::new();
    let done = world.deploy();
    let contents = Contents::fetch(&world.store, &done.release.unwrap()).unwrap();
    let release = contents.release();
    assert_eq!(release.platform, platform());
    assert_eq!(release.processes["web"].argv, ["python", "-m", "shop", "{port}"]);
    let source = release.sources().next().unwrap();
    assert_eq!(source.imports, ["src"]);
    let distribution = source.distribution.as_ref().unwrap();
    assert_eq!((distribution.name.as_str(), distribution.version.as_str()), ("shop", "1.0"));
    let files = contents.files(&source.digest).unwrap();
    let words = files.iter().find(|file| file.path == "src/shop/words.py").unwrap();
    assert_eq!(contents.read(&words.digest).unwrap(), b"def say():\n    return 'one'\n");
    let record = world.store.latest(shop().wanted()).unwrap().unwrap();
    assert!(record.by.starts_with("anna"), "{}", record.by);
    assert_eq!(record.at, world.env.now);
}

#[test]
fn a_lock_pins_the_dependencies() {
    let world = World::new();
    world.deploy();
    world.add_voice("2.0");
    let lock = "lock-version = '1.0'\ncreated-by = 'x'\npackages = []\n";
    world.write("pylock.toml", lock);
    let error = world.deploy_with(|_| {}).err().unwrap();
    let ErrorKind::Build(build) = error.kind() else { panic!("{error}") };
    assert!(matches!(build.kind(), pinnace_build::ErrorKind::StaleLock { .. }), "{error}");
    world.require("");
    let done = world.deploy();
    assert!(done.lock.as_ref().unwrap().ends_with("pylock.toml"), "{:?}", done.lock);
    assert!(versions(&world).is_empty());
    assert!(done.reason.contains("gone"), "{}", done.reason);
}

#[test]
fn lost_objects_are_found_and_uploaded_again_on_request() {
    let world = World::new();
    let first = world.deploy();
    let blobs = world.path("store/blobs");
    let wheels = pinnace_test::tree(&blobs);
    assert!(!wheels.is_empty());
    std::fs::remove_file(blobs.join(&wheels[0])).unwrap();
    assert!(!world.store.check(None).unwrap().findings.is_empty());
    // The cache is trusted for a day.
    assert_eq!(world.deploy().outcome, Outcome::Unchanged);
    let full = world.deploy_with(|options| options.memory = StoreMemory::Ignored).unwrap();
    assert_eq!((full.release, full.outcome), (first.release, Outcome::Unchanged));
    // The pack, the manifest and the lost wheel; the other wheel is still there.
    assert_eq!((full.transfer.objects, full.transfer.reused), (3, 1), "{:?}", full.transfer);
    assert!(world.store.check(None).unwrap().findings.is_empty());
}

#[test]
fn the_last_check_of_the_store_counts_for_a_day() {
    let world = World::new();
    world.deploy();
    let name = shop();
    let service = Service::new(&world.store, &world.cache, name.wanted());
    let day = 86_400;
    assert!(!service.needs_check(world.env.now + day - 1));
    assert!(service.needs_check(world.env.now + day));
    service.record_checked(world.env.now + day);
    assert!(!service.needs_check(world.env.now + day));
}

#[test]
fn names_of_services_are_checked() {
    for name in ["shop", "a.b-c_1", "X"] {
        assert_eq!(name.parse::<ServiceName>().unwrap().as_str(), name);
    }
    for name in ["", ".", "..", ".x", "../x", "a@b", "a b", "ä", "a\n"] {
        assert_kind!(name.parse::<ServiceName>(), ErrorKind::ServiceName { name: found } if found == name);
    }
    let world = World::new();
    world.write_settings(&format!("platform = '{}'\nservice = 'a b'\n", crate::world::PLATFORM));
    let cx = pinnace_build::Context::new(&world.env, &world.cache).unwrap();
    let deployer = pinnace_deploy::Deployer::new(&world.store, &cx);
    let refused = deployer.deploy_project(&world.project(), &world.options());
    assert_kind!(refused, ErrorKind::ServiceName { name } if name == "a b");
    // Without a setting, the service has the name of the project.
    world.write_settings(&format!("platform = '{}'\n", crate::world::PLATFORM));
    let done = deployer.deploy_project(&world.project(), &world.options()).unwrap();
    assert_eq!(done.service, shop());
}

#[test]
fn projects_that_cannot_be_deployed_are_refused_by_kind() {
    let world = World::new();
    assert_kind!(Project::open("nowhere", &world.env), ErrorKind::NoFolder { .. });
    let several = world.deploy_with(|options| {
        options.platforms.platforms =
            vec![crate::world::PLATFORM.to_owned(), "macosx_14_0_arm64-cp312".to_owned()];
    });
    assert_kind!(several, ErrorKind::SeveralPlatforms { count: 2 });
    std::fs::create_dir(world.path("empty")).unwrap();
    let cx = pinnace_build::Context::new(&world.env, &world.cache).unwrap();
    let mut options = world.options();
    options.platforms.platforms = vec![crate::world::PLATFORM.to_owned()];
    let project = Project::open("empty", &world.env).unwrap();
    let deployer = pinnace_deploy::Deployer::new(&world.store, &cx);
    assert_kind!(deployer.deploy(&project, &shop(), &options), ErrorKind::Nothing { .. });
    assert!(world.store.refs().unwrap().is_empty());
}

#[test]
fn unknown_placeholders_are_noted() {
    let world = World::new();
    let settings = format!(
        "platform = '{}'\n[processes.worker]\nargv = ['python', '-m', 'shop', '{{prt}}', '{{socket}}']\n",
        crate::world::PLATFORM
    );
    world.write_settings(&settings);
    let done = world.deploy();
    let notes: Vec<&String> = done.notes.iter().filter(|note| note.contains("{prt}")).collect();
    assert_eq!(notes.len(), 1, "{:?}", done.notes);
    assert!(done.notes.iter().all(|note| !note.contains("`{socket}` of")), "{:?}", done.notes);
}
