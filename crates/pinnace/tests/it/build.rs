use std::os::unix::fs::PermissionsExt;

use pinnace_test::{Index, Ran, Wheel, write};
use serde_json::Value;

use crate::world::World;

#[test]
fn a_script_is_built_and_runs() {
    let world = World::new();
    let ran = world.ok(&["build", "moo", "--script", "moo", "-o", "moo.pex"]);
    assert!(ran.out.starts_with("moo.pex: ") && ran.out.contains("2 wheels"), "{}", ran.out);
    assert!(ran.err.contains("resolved 2 distributions for manylinux_"), "{}", ran.err);
    assert_eq!(world.run("moo.pex", &["-t", "hi"]).out, "moo -t hi\n");
    let mode = std::fs::metadata(world.path("moo.pex")).unwrap().permissions().mode();
    assert_eq!(mode & 0o100, 0o100);
    assert_eq!(world.files(), ["moo.pex"]);
}

#[test]
fn a_second_build_fetches_nothing() {
    let world = World::new();
    world.ok(&["build", "moo", "-o", "a.pex"]);
    assert!(!world.index.take_requests().is_empty());
    world.ok(&["build", "moo", "-o", "b.pex"]);
    world.ok(&["build", "moo", "-o", "c.pex", "--offline"]);
    assert_eq!(world.index.take_requests(), [""; 0]);
    assert_eq!(
        std::fs::read(world.path("a.pex")).unwrap(),
        std::fs::read(world.path("b.pex")).unwrap()
    );
}

#[test]
fn json_is_one_object_and_nothing_else_is_on_stdout() {
    let world = World::new();
    let ran = world.ok(&["build", "moo", "-o", "moo.pex", "--json"]);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(value["file"], "moo.pex");
    assert_eq!(value["bytes"], std::fs::metadata(world.path("moo.pex")).unwrap().len());
    assert!(value["sha256"].as_str().unwrap().starts_with("sha256:"));
    assert!(value["content_digest"].as_str().unwrap().starts_with("sha256:"));
    let names: Vec<_> = value["distributions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|distribution| distribution["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["moo", "voice"]);
    assert_eq!(value["distributions"][1]["wheel"], "voice-1.5-py3-none-any.whl");
    assert!(value["timings_ms"]["total"].as_f64().unwrap() > 0.0);
    let info: Value = serde_json::from_str(&world.ok(&["info", "moo.pex", "--json"]).out).unwrap();
    assert_eq!(info["pex_info"]["requirements"], serde_json::json!(["moo"]));
    assert_eq!(info["pex_info"]["distributions"].as_object().unwrap().len(), 2);
}

#[test]
fn quiet_says_nothing() {
    let world = World::new();
    let ran = world.ok(&["build", "moo", "-o", "moo.pex", "-q"]);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
}

#[test]
fn code_modules_and_files_run() {
    let world = World::new();
    write(
        &world.path("src/app/__init__.py"),
        "import voice\ndef main():\n    print(voice.say(['from', 'app']))\n",
    );
    write(&world.path("tool.py"), "import sys, voice\nprint(voice.say(sys.argv[1:]))\n");
    world.ok(&["build", "voice", "-D", "src", "-m", "app:main", "-o", "a.pex"]);
    assert_eq!(world.run("a.pex", &[]).out, "moo from app\n");
    world.ok(&["build", "moo", "-e", "moo", "-o", "b.pex"]);
    assert_eq!(world.run("b.pex", &["x"]).out, "moo x\n");
    world.ok(&["build", "voice", "--exe", "tool.py", "-o", "c.pex"]);
    assert_eq!(world.run("c.pex", &["y"]).out, "moo y\n");
    world.ok(&["build", "-D", "src", "-o", "d.pex"]);
    assert_eq!(world.run("d.pex", &["-c", "print(1)"]).out, "1\n");
    let text = world.ok(&["info", "a.pex"]).out;
    assert!(
        text.contains("app:main")
            && text.contains("1 of them code")
            && text.contains("voice-1.5-py3-none-any.whl"),
        "{text}"
    );
}

#[test]
fn the_shebang_can_be_chosen() {
    let world = World::new();
    world.ok(&["build", "voice", "-o", "a.pex", "--python-shebang", "/usr/bin/env -S python3 -s"]);
    let bytes = std::fs::read(world.path("a.pex")).unwrap();
    assert!(bytes.starts_with(b"#!/usr/bin/env -S python3 -s\n"));
}

#[test]
fn an_old_output_is_replaced_and_a_failed_build_leaves_it() {
    let world = World::new();
    world.ok(&["build", "moo", "-o", "a.pex"]);
    let old = std::fs::read(world.path("a.pex")).unwrap();
    world.fails(&["build", "nope", "-o", "a.pex"], 1, &[]);
    assert_eq!(std::fs::read(world.path("a.pex")).unwrap(), old);
    world.ok(&["build", "voice", "-o", "a.pex"]);
    assert_ne!(std::fs::read(world.path("a.pex")).unwrap(), old);
    assert_eq!(world.files(), ["a.pex"]);
    // A file that is not an archive may be an input, so it is not overwritten.
    write(&world.path("requirements.txt"), "moo\n");
    let arguments = ["build", "-r", "requirements.txt", "-o", "requirements.txt"];
    world.fails(&arguments, 2, &["exists and is not an archive"]);
    assert_eq!(std::fs::read(world.path("requirements.txt")).unwrap(), b"moo\n");
}

#[test]
fn an_extra_index_is_asked_first() {
    let world = World::new();
    let other = Index::start();
    other
        .add(&Wheel::new("voice", "9").file("voice.py", "def say(words):\n    return 'private'\n"));
    world.ok(&["build", "moo", "-c", "moo", "-o", "a.pex", "--extra-index-url", &other.url()]);
    assert_eq!(world.run("a.pex", &[]).out, "private\n");
}

#[test]
fn two_builds_at_once_share_a_cache() {
    let world = World::new();
    let children: Vec<_> = (0..4)
        .map(|n| world.command(&["build", "moo", "-q", "-o", &format!("{n}.pex")]).spawn().unwrap())
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let first = std::fs::read(world.path("0.pex")).unwrap();
    assert!((1..4).all(|n| std::fs::read(world.path(&format!("{n}.pex"))).unwrap() == first));
}

#[test]
fn an_output_inside_the_sources_is_not_one_of_them() {
    let world = World::new();
    write(&world.path("src/app/__init__.py"), "print('app')\n");
    let build = || {
        world.ok(&["build", "-D", "src", "-m", "app", "-o", "src/out.pex", "-q"]);
        std::fs::read(world.path("src/out.pex")).unwrap()
    };
    assert!(build() == build(), "the second build has the first one in it");
    assert!(world.ok(&["info", "src/out.pex"]).out.contains("1 of them code"));
}

/// Checks that a build without arguments builds the project in the current folder.
#[test]
fn a_bare_build_is_of_the_project_that_is_here() {
    let world = World::new();
    write(
        &world.path("pyproject.toml"),
        "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['moo']\nscripts.shop = 'shop:main'\n",
    );
    write(&world.path("src/shop.py"), "import sys\ndef main():\n    import moo\n    moo.main()\n");
    let ran = world.ok(&["build"]);
    assert!(ran.out.starts_with("shop.pex: "), "{}", ran.out);
    assert_eq!(world.run("shop.pex", &["a"]).out, "moo a\n");
    // `serve` takes precedence over the scripts of the project.
    write(&world.path("pinnace.toml"), "serve = ['moo', 'a b']\n");
    world.ok(&["build", "-o", "other.pex"]);
    assert_eq!(world.run("other.pex", &["c"]).out, "moo a b c\n");
    write(&world.path("pinnace.toml"), "serve = ['python', '-m', 'moo', '--port={port}']\n");
    world.ok(&["build", "-o", "other.pex"]);
    assert_eq!(world.run("other.pex", &[]).out, "moo --port=8000\n");
    write(&world.path("pinnace.toml"), "serve = ['python', 'start.py', 'x']\n");
    write(&world.path("start.py"), "import sys, shop\nprint(sys.argv[1:])\n");
    world.ok(&["build", "-o", "other.pex"]);
    assert_eq!(world.run("other.pex", &[]).out, "['x']\n");
    world.ok(&["lock"]);
    world.index.take_requests();
    world.ok(&["build", "-o", "other.pex"]);
    assert_eq!(world.index.take_requests(), [""; 0], "the lock says all of it");
    let empty = World::new();
    empty.fails(&["build"], 2, &["nothing to build", "no project in this folder"]);
    empty.fails(&["build", "moo"], 2, &["no output file is given"]);
    write(&empty.path("requirements.txt"), "moo\n");
    write(&empty.path("app.py"), "import moo\n");
    empty.ok(&["build", "-o", "app.pex"]);
    assert_eq!(empty.run("app.pex", &["-c", "import app; app.moo.main()"]).out, "moo \n");
}

#[test]
fn the_wheels_and_the_code_may_be_two_files() {
    let world = World::new();
    write(&world.path("src/app.py"), "def main():\n    import moo\n    moo.main()\n");
    let split = ["build", "moo", "-D", "src", "-m", "app:main", "--split", "-o", "out", "--json"];
    let read = || -> Value { serde_json::from_str(&world.ok(&split).out).unwrap() };
    let first = read();
    let mut command = std::process::Command::new(world.path("out/source.pex"));
    command.env("PEX_PATH", world.path("out/deps.pex")).env("PEX_ROOT", world.path("pex-root"));
    assert_eq!(Ran::command(command.arg("x")).out, "moo x\n");
    write(&world.path("src/app.py"), "def main():\n    print('edited')\n");
    let second = read();
    let digest = |built: &Value, at: usize| built["files"][at]["sha256"].clone();
    assert_eq!(digest(&first, 0), digest(&second, 0), "the wheels are the same");
    assert_ne!(digest(&first, 1), digest(&second, 1));
    world.fails(&["build", "moo", "--split", "--layout", "flat", "-o", "x"], 2, &["`--split`"]);
}
