use pinnace_build::{
    Error, ErrorKind, InputSpec, Inputs, ProjectMetadata, Requirements, Sdists, Selection,
    SolveSpec, WheelSet, WheelSource,
};
use pinnace_test::{Sdist, Wheel};
use pinnace_wheel::Target;

use crate::world::{PLATFORM, World, assert_kind, is_offline, links, voice};

/// Runs a closure with the source of wheels of a world and the inputs of some requirements.
fn with_source<T>(
    world: &World,
    requirements: &[&str],
    work: impl FnOnce(&WheelSource<'_>, &Inputs) -> Result<T, Error>,
) -> Result<T, Error> {
    let (cx, indexes) = (world.cx(), links());
    let target: Target = PLATFORM.parse().unwrap();
    let projects = ProjectMetadata::new(&cx, &indexes, Some(&target), None);
    let mut spec = InputSpec::default();
    spec.requirements = requirements.iter().map(ToString::to_string).collect();
    let inputs = Inputs::read(&spec, &SolveSpec::default(), &world.env, &projects)?;
    let index = inputs.index(&cx, &indexes, None)?;
    work(&WheelSource::new(&cx, &index, None, &target), &inputs)
}

fn select(world: &World, requirements: &[&str]) -> Result<Selection, Error> {
    with_source(world, requirements, |source, inputs| {
        source.select(&inputs.request, inputs, Requirements::All)
    })
}

fn wheels(world: &World, requirements: &[&str]) -> Result<WheelSet, Error> {
    with_source(world, requirements, |source, inputs| {
        source.wheels(&source.select(&inputs.request, inputs, Requirements::All)?)
    })
}

#[test]
fn the_newest_versions_that_go_together_are_selected() {
    let world = World::with_moo();
    world.link(&voice("2.0"));
    world.link(&Wheel::new("moo", "1.1").requires("voice<2").file("moo.py", ""));
    let pins = |selection: Selection| -> Vec<String> {
        let pins = selection.pins.iter();
        pins.map(|pin| format!("{}=={}", pin.project(), pin.version())).collect()
    };
    assert_eq!(pins(select(&world, &["moo"]).unwrap()), ["moo==1.1", "voice==1.5"]);
    assert_eq!(pins(select(&world, &["moo<1.1"]).unwrap()), ["moo==1.0", "voice==2.0"]);
}

#[test]
fn wheels_are_in_the_cache_with_their_digests() {
    let world = World::with_moo();
    let set = wheels(&world, &["moo"]).unwrap();
    assert_eq!(set.wheels.len(), 2);
    for wheel in &set.wheels {
        let bytes = std::fs::read(world.path("links").join(wheel.name.as_str())).unwrap();
        assert_eq!(wheel.digest.to_hex(), pinnace_test::sha256_hex(&bytes));
        assert!(world.cache.blobs().contains(&wheel.digest).unwrap());
    }
}

#[test]
fn a_source_distribution_without_a_builder_is_an_error_by_kind() {
    let world = World::new();
    Sdist::new("tool", "1.0").file("setup.py", "").write_to(&world.folder.join("links"));
    assert_kind!(
        select(&world, &["tool"]),
        ErrorKind::Unsolvable { sdists: Sdists::NoBuilder, .. }
    );
    let file = world.path("links/tool-1.0.tar.gz").display().to_string();
    let found = with_source(&world, &[], |source, _| {
        let name = "tool-1.0.tar.gz";
        let lock = format!(
            "lock-version = '1.0'\ncreated-by = 'x'\n[[packages]]\nname = 'tool'\n\
             version = '1.0'\nsdist = {{ name = '{name}', path = '{file}', hashes = {{ \
             sha256 = '{}' }} }}\n",
            "0".repeat(64)
        );
        world.folder.write("pylock.toml", lock);
        let (spec, options) = (InputSpec::default(), pinnace_build::LockOptions::Named);
        let target: Target = PLATFORM.parse().unwrap();
        let selection = Selection::from_lock(&world.path("pylock.toml"), &spec, options, &target)?;
        assert!(selection.needs_build());
        source.fetch(&selection.pins)
    });
    assert_kind!(found, ErrorKind::NoBuilder { file, .. } if file == "tool-1.0.tar.gz");
}

#[test]
fn the_metadata_in_the_wheels_decides_not_that_of_the_lock() {
    let world = World::with_moo();
    // The lock leaves out `voice`, which the wheel of `moo` requires.
    let set = with_source(&world, &["moo"], |source, inputs| {
        let mut selection = source.select(&inputs.request, inputs, Requirements::All)?;
        selection.pins.retain(|pin| pin.project().as_str() == "moo");
        source.wheels(&selection)
    });
    assert_kind!(
        set,
        ErrorKind::Conflicts { conflicts } if conflicts.iter().any(|text| text.contains("voice"))
    );
    let ignored = with_source(&world, &["moo"], |source, inputs| {
        let mut selection = source.select(&inputs.request, inputs, Requirements::Ignored)?;
        selection.pins.retain(|pin| pin.project().as_str() == "moo");
        source.wheels(&selection)
    });
    assert_eq!(ignored.unwrap().wheels.len(), 1);
}

#[test]
fn an_index_that_cannot_be_reached_is_an_error_of_the_index() {
    let world = World::with_moo();
    let cx = world.cx();
    let build = world.build(&cx).require("moo").unwrap();
    let build = build.configure(|spec| {
        spec.indexes.no_index = false;
        spec.indexes.index_url = Some("https://index.example/simple".to_owned());
    });
    assert_kind!(build.write("moo.pex"), kind @ ErrorKind::Wheel(_) if is_offline(kind));
}
