use std::fs;

use pinnace_build::{Build, Built, ErrorKind, PlatformSpec, Sdists};
use pinnace_test::Sdist;

use crate::world::{PLATFORM, World, assert_kind};

const PYPROJECT: &str =
    "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n";

/// A backend in the source tree, which logs its hooks and builds a wheel of one module.
const BACKEND: &str = r#"
import os, zipfile

METADATA = "Metadata-Version: 2.1\nName: tool\nVersion: 1.0\nRequires-Dist: voice\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
HERE = os.path.dirname(os.path.abspath(__file__))

def log(hook):
    with open(open(os.path.join(HERE, "log")).read(), "a") as file:
        file.write(hook + "\n")

def prepare_metadata_for_build_wheel(folder, settings=None):
    log("metadata")
    info = os.path.join(folder, "tool-1.0.dist-info")
    os.mkdir(info)
    with open(os.path.join(info, "METADATA"), "w") as file:
        file.write(METADATA)
    return "tool-1.0.dist-info"

def build_wheel(folder, settings=None, metadata=None):
    log("wheel")
    if os.path.exists(os.path.join(HERE, "broken")):
        raise SystemExit("no compiler")
    name = "tool-1.0-py3-none-any.whl"
    files = {"tool.py": "HOME = %r\n" % os.listdir(os.environ["HOME"])}
    files["tool-1.0.dist-info/METADATA"] = METADATA
    files["tool-1.0.dist-info/WHEEL"] = WHEEL
    files["tool-1.0.dist-info/RECORD"] = "".join(f"{path},,\n" for path in files)
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name
"#;

/// Creates a world whose links have `tool` 1.0 only as a source distribution, which requires `voice`.
fn world(files: &[(&str, &str)]) -> World {
    let world = World::with_moo();
    let log = world.path("log").display().to_string();
    let sdist = Sdist::new("tool", "1.0").file("pyproject.toml", PYPROJECT);
    let sdist = sdist.file("backend.py", BACKEND).file("log", log).files(files);
    sdist.write_to(&world.folder.join("links"));
    world
}

/// Builds `tool` for the default interpreter, which can also build source distributions.
fn build(world: &World) -> Result<Built, pinnace_build::Error> {
    let cx = world.cx();
    let build: Build<'_> = world.build(&cx).require("tool").unwrap();
    build.configure(|spec| spec.platforms = PlatformSpec::default()).write("tool.pex")
}

fn log(world: &World) -> String {
    fs::read_to_string(world.path("log")).unwrap_or_default().replace('\n', " ")
}

#[test]
fn a_source_distribution_is_built_once_and_cached() {
    let world = world(&[]);
    let built = build(&world).unwrap();
    let names: Vec<&str> = built.wheels.iter().map(|wheel| wheel.name.as_str()).collect();
    assert_eq!(names, ["tool-1.0-py3-none-any.whl", "voice-1.5-py3-none-any.whl"]);
    assert_eq!(log(&world), "metadata wheel ");
    let first = fs::read(world.path("tool.pex")).unwrap();
    build(&world).unwrap();
    assert_eq!(log(&world), "metadata wheel ");
    assert!(fs::read(world.path("tool.pex")).unwrap() == first);
    // Nothing of the build is left but the wheel.
    let builds = world.cache.folder().join("builds/1");
    assert_eq!(fs::read_dir(builds).unwrap().count(), 0);
}

#[test]
fn a_failed_build_shows_the_end_of_its_log() {
    let world = world(&[("broken", "")]);
    assert_kind!(
        build(&world),
        ErrorKind::Build { what, reason, log }
            if what == "tool-1.0.tar.gz" && reason.contains("backend failed") && log.contains("no compiler")
    );
    assert!(!world.path("tool.pex").exists());
}

#[test]
fn without_an_interpreter_of_the_platform_only_wheels_count() {
    let world = world(&[]);
    let cx = world.cx();
    let other = PLATFORM.replace("cp312", "cp38");
    let build = world.build(&cx).require("tool").unwrap();
    let build = build.configure(|spec| spec.platforms.platforms = vec![other]);
    assert_kind!(build.write("tool.pex"), ErrorKind::Unsolvable { sdists: Sdists::NoBuilder, .. });
    assert_eq!(log(&world), "");
}

#[test]
fn excluded_source_distributions_are_named_as_the_reason() {
    let world = world(&[]);
    let cx = world.cx();
    let build = world.build(&cx).require("tool").unwrap().configure(|spec| {
        spec.platforms = PlatformSpec::default();
        spec.solve.only_binary.push(":all:".to_owned());
    });
    assert_kind!(build.write("tool.pex"), ErrorKind::Unsolvable { sdists: Sdists::LeftOut, .. });
    assert_eq!(log(&world), "");
}
