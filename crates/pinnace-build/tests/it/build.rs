use std::{fs, process::Command};

use pinnace_build::{
    Build, Built, ErrorKind, Layout, OutputProblem, PlatformSpec, Program, ProjectOption, Sdists,
    Split,
};
use pinnace_pex::Pex;
use pinnace_store::Digest;
use pinnace_test::{Index, Wheel, python, sha256_hex, tree, write};

use crate::world::{PLATFORM, World, assert_kind, voice};

const APP: &str = "import moo\n\ndef main():\n    moo.main()\n";

fn names(built: &Built) -> Vec<&str> {
    built.wheels.iter().map(|wheel| wheel.name.as_str()).collect()
}

fn code(pex: &Pex) -> Vec<&str> {
    let mut code: Vec<&str> = pex.code().collect();
    code.sort_unstable();
    code
}

/// Builds `app.pex` from code with an entry point and the requirement `moo`.
fn build_app(world: &World) -> Built {
    world.folder.write("src/app.py", APP);
    let cx = world.cx();
    let build = world.build(&cx).require("moo").unwrap().code("src");
    build.program(Program::entry_point("app:main").unwrap()).write("app.pex").unwrap()
}

#[test]
fn a_file_holds_the_wheels_the_code_and_the_entry_point() {
    let world = World::with_moo();
    world.link(&voice("0.9"));
    let built = build_app(&world);
    assert_eq!(names(&built), ["moo-1.0-py3-none-any.whl", "voice-1.5-py3-none-any.whl"]);
    let bytes = fs::read(world.path("app.pex")).unwrap();
    let (size, sha256) = built.files[0].written.file.unwrap();
    assert_eq!((size, Digest::new(sha256).to_hex()), (bytes.len() as u64, sha256_hex(&bytes)));
    let pex = Pex::open(&world.path("app.pex")).unwrap();
    let info = pex.info();
    assert_eq!(info.entry_point.as_deref(), Some("app:main"));
    assert_eq!(info.requirements, ["moo"]);
    let distributions: Vec<&String> = info.distributions.keys().collect();
    assert_eq!(distributions, names(&built));
    assert_eq!(code(&pex), ["app.py"]);
    assert_eq!(pex.read_code("app.py").unwrap(), APP.as_bytes());
    assert!(pex.verify(1).is_empty());
    let steps: Vec<&str> = built.timings.steps().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(steps, ["probe", "resolve", "download", "write", "total"]);
}

#[test]
fn the_same_inputs_give_the_same_bytes_on_another_machine() {
    let (one, other) = (World::with_moo(), World::with_moo());
    build_app(&one);
    let read = |world: &World| fs::read(world.path("app.pex")).unwrap();
    let first = read(&one);
    build_app(&one);
    build_app(&other);
    assert!(read(&one) == first && read(&other) == first);
    other.folder.write("src/app.py", "print('edited')\n");
    let cx = other.cx();
    other.build(&cx).require("moo").unwrap().code("src").write("app.pex").unwrap();
    assert!(read(&other) != first);
}

#[test]
fn a_built_file_runs_on_the_default_interpreter() {
    let world = World::with_moo();
    world.folder.write("src/app.py", APP);
    let cx = world.cx();
    let build = world.build(&cx).require("moo").unwrap().code("src");
    let build = build.configure(|spec| spec.platforms = PlatformSpec::default());
    build.program(Program::entry_point("app:main").unwrap()).write("app.pex").unwrap();
    let mut command = Command::new(python());
    command.arg(world.path("app.pex")).args(["how", "now"]).env("HOME", world.path("home"));
    let output = command.env("PEX_ROOT", world.path("root")).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "1.5 how now\n");
}

/// Writes the project `shop` with a `src` layout and a script.
fn write_shop(world: &World) {
    let text = "[project]\nname = 'shop'\nversion = '1.2'\ndependencies = ['moo']\n\
                scripts.shop = 'shop:main'\n";
    world.folder.write("pyproject.toml", text);
    world.folder.write("src/shop/__init__.py", "def main():\n    print('shop')\n");
    world.folder.write("tests/test_shop.py", "");
}

#[test]
fn the_project_in_the_current_folder_is_built_with_its_script() {
    let world = World::with_moo();
    write_shop(&world);
    let cx = world.cx();
    let built = world.build(&cx).run().unwrap();
    assert_eq!(built.output.to_str(), Some("shop.pex"));
    let pex = Pex::open(&world.path("shop.pex")).unwrap();
    assert_eq!(pex.info().entry_point.as_deref(), Some("shop:main"));
    // The root of `src` is an import root, and tests stay out.
    let code = code(&pex);
    assert!(code.contains(&"shop/__init__.py"), "{code:?}");
    assert!(code.iter().all(|path| !path.contains("src/") && !path.contains("test_")), "{code:?}");
    let metadata = pex.read_code("shop-1.2.dist-info/METADATA").unwrap();
    assert!(String::from_utf8(metadata).unwrap().contains("Requires-Dist: moo"));
}

#[test]
fn a_split_build_separates_wheels_from_code() {
    let world = World::with_moo();
    write_shop(&world);
    let cx = world.cx();
    let built = world.build(&cx).configure(|spec| spec.split = Split::Two).run().unwrap();
    let paths: Vec<_> = built.files.iter().map(|file| file.path.to_str().unwrap()).collect();
    assert_eq!(paths, ["shop/deps.pex", "shop/source.pex"]);
    let open = |path: &str| Pex::open(&world.path(path)).unwrap();
    let (deps, source) = (open("shop/deps.pex"), open("shop/source.pex"));
    assert_eq!((deps.distributions().len(), source.distributions().len()), (2, 0));
    assert!(code(&deps).is_empty());
    assert!(code(&source).contains(&"shop/__init__.py"));
    // A change of the code leaves the wheels as they are.
    let before = fs::read(world.path("shop/deps.pex")).unwrap();
    world.folder.write("src/shop/__init__.py", "def main():\n    print('other')\n");
    world.build(&cx).configure(|spec| spec.split = Split::Two).run().unwrap();
    assert!(fs::read(world.path("shop/deps.pex")).unwrap() == before);
}

#[test]
fn a_build_without_inputs_or_output_is_refused_by_kind() {
    let world = World::with_moo();
    let cx = world.cx();
    assert_kind!(world.build(&cx).write("x.pex"), ErrorKind::Nothing);
    assert_kind!(world.build(&cx).require("moo").unwrap().run(), ErrorKind::NoOutput);
    assert_kind!(world.build(&cx).require("moo >"), ErrorKind::Wheel(_));
    assert_kind!(world.build(&cx).platform("amiga"), ErrorKind::Wheel(_));
    let extra = world.build(&cx).require("moo").unwrap();
    let extra = extra.configure(|spec| spec.inputs.extras.push("x".to_owned()));
    assert_kind!(extra.write("x.pex"), ErrorKind::NoProject { option: ProjectOption::Extra });
    assert!(!world.path("x.pex").exists());
}

#[test]
fn an_unsolvable_request_is_explained_and_leaves_the_old_file() {
    let world = World::with_moo();
    build_app(&world);
    let before = fs::read(world.path("app.pex")).unwrap();
    let cx = world.cx();
    let build = world.build(&cx).require("moo").unwrap().require("voice>=2").unwrap();
    let error = crate::world::error(build.write("app.pex"));
    let ErrorKind::Unsolvable { explanation, sdists, .. } = error.kind() else { panic!("{error}") };
    assert!(explanation.contains("voice>=2"), "{explanation}");
    assert_eq!(*sdists, Sdists::Irrelevant);
    assert!(!error.is_retryable());
    assert!(fs::read(world.path("app.pex")).unwrap() == before);
}

#[test]
fn files_of_the_same_path_are_tolerated_with_a_note() {
    let world = World::new();
    world.link(&Wheel::new("left", "1").file("same.py", "LEFT = 1\n"));
    world.link(&Wheel::new("right", "1").file("same.py", "RIGHT = 1\n"));
    let cx = world.cx();
    let build = world.build(&cx).require("left").unwrap().require("right").unwrap();
    let built = build.write("x.pex").unwrap();
    assert!(built.notes.iter().any(|note| note.contains("same.py")), "{:?}", built.notes);
}

#[test]
fn an_output_that_no_build_wrote_is_left_alone() {
    let world = World::with_moo();
    let cx = world.cx();
    world.folder.write("src/app.py", APP);
    let build = |path: &str, layout: Layout| {
        let build = world.build(&cx).require("moo").unwrap().code("src");
        build.configure(|spec| spec.file.layout = layout).write(path)
    };
    world.folder.write("notes.txt", "keep me");
    world.folder.write("folder/notes.txt", "keep me");
    for (path, layout, problem) in [
        ("notes.txt", Layout::Zipapp, OutputProblem::NotArchive),
        ("folder", Layout::Zipapp, OutputProblem::Folder),
        ("folder", Layout::Packed, OutputProblem::NotEmpty),
        ("notes.txt", Layout::Loose, OutputProblem::NotFolder),
        ("gone/app.pex", Layout::Zipapp, OutputProblem::NoParent),
        ("/dev/null", Layout::Zipapp, OutputProblem::NotOrdinary),
        ("-", Layout::Zipapp, OutputProblem::Stdout),
    ] {
        let error = crate::world::error(build(path, layout));
        let ErrorKind::Output { problem: found, .. } = error.kind() else { panic!("{error}") };
        assert_eq!(*found, problem, "{path}");
    }
    assert_eq!(world.read("notes.txt") + &world.read("folder/notes.txt"), "keep mekeep me");
    build("packed", Layout::Packed).unwrap();
    build("packed", Layout::Packed).unwrap();
    world.folder.write("packed/app.py", "EDITED = 1\n");
    let error = crate::world::error(build("packed", Layout::Packed));
    let ErrorKind::Output { problem, .. } = error.kind() else { panic!("{error}") };
    assert_eq!(*problem, OutputProblem::Edited);
}

#[test]
fn a_damaged_wheel_in_the_cache_is_downloaded_again() {
    let (world, index) = (World::new(), Index::with_moo());
    let build = || {
        let build = Build::new(&world.env, &world.cache).require("moo").unwrap();
        build.index(index.url()).platform(PLATFORM).unwrap().write("moo.pex").unwrap()
    };
    let built = build();
    let before = fs::read(world.path("moo.pex")).unwrap();
    index.take_requests();
    build();
    assert!(index.take_requests().is_empty());
    let digest = built.wheels[0].digest.to_hex();
    let wheels = world.cache.folder().join("wheels");
    let files = tree(&wheels);
    let is_wheel = |path: &&String| path.replace('/', "").contains(&digest[2..]);
    let damaged: Vec<&String> = files.iter().filter(is_wheel).collect();
    assert_eq!(damaged.len(), 1);
    fs::remove_file(wheels.join(damaged[0])).unwrap();
    write(&wheels.join(damaged[0]), "damaged");
    build();
    assert_eq!(index.take_requests(), ["/files/moo/moo-1.0-py3-none-any.whl"]);
    assert!(fs::read(world.path("moo.pex")).unwrap() == before);
}

#[test]
fn a_build_with_its_own_context_needs_no_network_for_code() {
    let world = World::new();
    world.folder.write("src/app.py", "print('app')\n");
    let build = Build::new(&world.env, &world.cache).code("src");
    let build = build.platform(PLATFORM).unwrap();
    let built = build.configure(|spec| spec.indexes.no_index = true).write("app.pex").unwrap();
    assert!(built.wheels.is_empty() && world.path("app.pex").is_file());
}
