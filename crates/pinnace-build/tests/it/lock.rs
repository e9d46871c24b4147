use pinnace_build::{
    Error, ErrorKind, InputSpec, LockOptions, LockSpec, Locked, ProjectOption, Selection, lock,
};
use pinnace_test::{Folder, Wheel};
use pinnace_wheel::{Target, Upgrade};

use crate::world::{PLATFORM, World, assert_kind, links, voice};

/// Returns the specification of a lock of requirements for one platform.
fn spec(requirements: &[&str], output: &str) -> LockSpec {
    let mut spec = LockSpec::default();
    spec.inputs.requirements = requirements.iter().map(ToString::to_string).collect();
    spec.output = output.into();
    spec.platforms.platforms.push(PLATFORM.to_owned());
    spec.indexes = links();
    spec
}

fn locked(world: &World, spec: &LockSpec) -> Result<Locked, Error> {
    lock(spec, &world.cx())
}

fn versions(locked: &Locked) -> Vec<String> {
    let pins = locked.lock.pinned();
    pins.iter().map(|(project, version)| format!("{project}=={version}")).collect()
}

#[test]
fn a_lock_pins_every_file_and_keeps_its_versions() {
    let world = World::with_moo();
    let first = locked(&world, &spec(&["moo"], "pylock.toml")).unwrap();
    assert_eq!(versions(&first), ["moo==1.0", "voice==1.5"]);
    assert_eq!(first.file.as_deref(), Some("pylock.toml".as_ref()));
    assert_eq!(world.read("pylock.toml"), first.text);
    assert_eq!(first.text.matches("sha256").count(), 2, "{}", first.text);
    world.link(&voice("2.0"));
    let again = locked(&world, &spec(&["moo"], "pylock.toml")).unwrap();
    assert_eq!(again.text, first.text);
    let newest = locked(&world, &spec(&["moo"], "other.toml")).unwrap();
    assert_eq!(versions(&newest), ["moo==1.0", "voice==2.0"]);
}

#[test]
fn an_upgrade_moves_the_projects_that_it_names() {
    let world = World::with_moo();
    locked(&world, &spec(&["moo"], "pylock.toml")).unwrap();
    world.link(&voice("2.0"));
    world.link(&Wheel::new("moo", "1.1").requires("voice>=1").file("moo.py", ""));
    let upgrade = |upgrade: Upgrade| {
        let mut spec = spec(&["moo"], "pylock.toml");
        spec.upgrade = upgrade;
        locked(&world, &spec)
    };
    let of = |name: &str| Upgrade::Projects([name.parse().unwrap()].into());
    assert_kind!(upgrade(of("tpyo")), ErrorKind::NothingToUpgrade { project, .. } if project == "tpyo");
    assert_eq!(versions(&upgrade(of("voice")).unwrap()), ["moo==1.0", "voice==2.0"]);
    assert_eq!(versions(&upgrade(Upgrade::Everything).unwrap()), ["moo==1.1", "voice==2.0"]);
}

#[test]
fn a_lock_covers_all_platforms_and_selects_for_each() {
    let world = World::with_moo();
    for tag in ["cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-macosx_11_0_arm64"] {
        world.link(&Wheel::new("native", "1").tag(tag).file("native.py", tag));
    }
    let mut spec = spec(&["native"], "pylock.toml");
    spec.platforms.platforms.push("macosx_14_0_arm64-cp312".to_owned());
    let done = locked(&world, &spec).unwrap();
    assert_eq!(done.solutions.len(), 2);
    let select = |platform: &str| {
        let target: Target = platform.parse().unwrap();
        let (path, options) = (world.path("pylock.toml"), LockOptions::Named);
        Selection::from_lock(&path, &InputSpec::default(), options, &target)
    };
    for (platform, tag) in [(PLATFORM, "manylinux"), ("macosx_14_0_arm64-cp312", "macosx")] {
        let selection = select(platform).unwrap();
        let files: Vec<String> =
            selection.pins.iter().map(|pin| pin.wheel().unwrap().to_string()).collect();
        assert!(matches!(files.as_slice(), [only] if only.contains(tag)), "{files:?}");
        assert!(!selection.needs_build());
    }
    assert!(select("win_amd64-cp312").is_err());
}

#[test]
fn a_build_from_a_lock_takes_its_versions() {
    let world = World::with_moo();
    locked(&world, &spec(&["moo"], "pylock.toml")).unwrap();
    world.link(&voice("2.0"));
    let cx = world.cx();
    let built = world.build(&cx).lock("pylock.toml").write("moo.pex").unwrap();
    let names: Vec<&str> = built.wheels.iter().map(|wheel| wheel.name.as_str()).collect();
    assert_eq!(names, ["moo-1.0-py3-none-any.whl", "voice-1.5-py3-none-any.whl"]);
}

#[test]
fn a_stale_lock_of_a_project_is_refused_with_the_requirement() {
    let world = World::with_moo();
    world.folder.write("app.py", "");
    let project = |requirements: &str| {
        let text =
            format!("[project]\nname = 'app'\nversion = '1'\ndependencies = [{requirements}]\n");
        world.folder.write("pyproject.toml", text);
    };
    project("'moo'");
    let of_project = spec(&[], "pylock.toml");
    locked(&world, &of_project).unwrap();
    let cx = world.cx();
    world.build(&cx).run().unwrap();
    project("'moo', 'voice>=2'");
    let error = crate::world::error(world.build(&cx).run());
    let ErrorKind::StaleLock { requirement, found, .. } = error.kind() else { panic!("{error}") };
    assert!(requirement.starts_with("voice>=2"), "{requirement}");
    assert_eq!(found.as_deref(), Some("1.5"));
    assert!(error.to_string().contains("the lock is stale"), "{error}");
    world.link(&voice("2.1"));
    locked(&world, &of_project).unwrap();
    world.build(&cx).run().unwrap();
}

#[test]
fn a_lock_replaces_only_a_lock() {
    let world = World::with_moo();
    for (file, text) in [("text.toml", "a = 1\n"), ("hand.txt", "moo>=1\n"), ("in.txt", "moo\n")] {
        world.folder.write(file, text);
    }
    assert_kind!(locked(&world, &spec(&["moo"], "text.toml")), ErrorKind::NotALock { .. });
    assert_kind!(locked(&world, &spec(&["moo"], "hand.txt")), ErrorKind::WrittenByHand { .. });
    assert_kind!(locked(&world, &spec(&["moo"], "lock.json")), ErrorKind::LockName { .. });
    assert_kind!(locked(&world, &spec(&["moo"], "pyproject.toml")), ErrorKind::LockName { .. });
    let mut own = spec(&[], "in.txt");
    own.inputs.requirement_files.push("in.txt".into());
    assert_kind!(locked(&world, &own), ErrorKind::LockIsInput { .. });
    assert_eq!(world.read("hand.txt") + &world.read("in.txt"), "moo>=1\nmoo\n");
    let requirements = locked(&world, &spec(&["moo"], "locked.txt")).unwrap();
    assert!(requirements.text.contains("voice==1.5") && requirements.text.contains("--hash"));
    let stdout = locked(&world, &spec(&["moo"], "-")).unwrap();
    assert_eq!(stdout.file, None);
}

#[test]
fn a_lock_without_inputs_is_refused_by_kind() {
    let world = World::with_moo();
    assert_kind!(locked(&world, &spec(&[], "pylock.toml")), ErrorKind::NothingToLock);
    let mut group = spec(&["moo"], "pylock.toml");
    group.inputs.groups.push("dev".to_owned());
    assert_kind!(locked(&world, &group), ErrorKind::NoProject { option: ProjectOption::Group });
    let unsolvable = locked(&world, &spec(&["moo>=2"], "pylock.toml"));
    assert_kind!(unsolvable, ErrorKind::Unsolvable { target, .. } if target.contains("cp312"));
    assert!(!world.path("pylock.toml").exists());
}

#[test]
fn other_tools_locks_are_refused_by_kind() {
    let folder = Folder::with(&[("pex.lock", "{\"locked_resolves\": []}")]);
    let target: Target = PLATFORM.parse().unwrap();
    let select = |file: &str, spec: &InputSpec| {
        Selection::from_lock(&folder.join(file), spec, LockOptions::Named, &target)
    };
    let none = InputSpec::default();
    assert_kind!(select("pex.lock", &none), ErrorKind::ForeignLock { .. });
    assert_kind!(select("gone.toml", &none), ErrorKind::UnreadableLock { .. });
    folder.write("pylock.toml", "lock-version = '1.0'\ncreated-by = 'x'\npackages = []\n");
    let mut member = InputSpec::default();
    member.package = Some("shop".to_owned());
    assert_kind!(select("pylock.toml", &member), ErrorKind::NoMembers);
    assert!(select("pylock.toml", &none).unwrap().pins.is_empty());
    let uv = "version = 1\nrequires-python = '>=3.9'\n[manifest]\nmembers = ['a', 'b']\n\
              [[package]]\nname = 'a'\nversion = '1'\nsource = { editable = 'a' }\n\
              [[package]]\nname = 'b'\nversion = '1'\nsource = { editable = 'b' }\n";
    folder.write("uv.lock", uv);
    assert_kind!(
        select("uv.lock", &none),
        ErrorKind::SeveralMembers { members, is_of_project: false } if members == &["a", "b"]
    );
    member.package = Some("b".to_owned());
    let selection = select("uv.lock", &member).unwrap();
    assert!(matches!(selection.folders.as_slice(), [only] if only.ends_with("b")), "{selection:?}");
}
