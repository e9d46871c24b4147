//! `pinnace lock`, and building from locks and files.

use pinnace_test::{Fault, Ran, Wheel, write};
use serde_json::Value;

use crate::world::World;

#[test]
fn what_is_locked_can_be_built() {
    let world = World::new();
    let ran = world.ok(&["lock", "moo", "-o", "pylock.toml"]);
    assert!(ran.out.starts_with("pylock.toml: 2 distributions for 1 platform"), "{}", ran.out);
    world.index.add(&Wheel::new("voice", "2.0"));
    let ran = world.ok(&["build", "--lock", "pylock.toml", "-c", "moo", "-o", "moo.pex", "--json"]);
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(value["distributions"].as_array().unwrap().len(), 2);
    assert_eq!(world.run("moo.pex", &["-t", "hi"]).out, "moo -t hi\n");
}

#[test]
fn the_same_question_has_the_same_lock_byte_for_byte() {
    let world = World::new();
    let read = |name: &str| std::fs::read_to_string(world.path(name)).unwrap();
    world.ok(&["lock", "moo", "-o", "a.toml", "--platform", "linux_x86_64-cp311"]);
    world.ok(&["lock", "moo", "-o", "b.toml", "--platform", "linux_x86_64-cp311"]);
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    world.ok(&["lock", "moo", "-o", "c.toml", "--platform", "linux_x86_64-cp311"]);
    assert_eq!(read("a.toml"), read("b.toml"));
    assert_eq!(read("a.toml"), read("c.toml"));
    assert!(!read("a.toml").contains("hunter2"));
}

#[test]
fn a_lock_keeps_its_versions_until_it_is_told_otherwise() {
    let world = World::new();
    let version = |arguments: &[&str]| {
        let mut all = vec!["lock", "moo", "-o", "pylock.toml", "--json"];
        all.extend(arguments);
        let value: Value = serde_json::from_str(&world.ok(&all).out).unwrap();
        value["packages"][1]["version"].as_str().unwrap().to_owned()
    };
    let before = version(&[]);
    world.index.add(&Wheel::new("voice", "9.0"));
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    assert_eq!(version(&[]), before);
    assert_eq!(version(&["-P", "moo"]), before);
    assert_eq!(version(&["-P", "voice"]), "9.0");
}

#[test]
fn files_say_what_is_wanted_and_messages_say_where() {
    let world = World::new();
    write(&world.path("requirements.txt"), "-r more/base.txt\nmoo\n");
    write(&world.path("more/base.txt"), "voice>=1\n-c limits.txt\n");
    write(&world.path("more/limits.txt"), "voice<2\n");
    world.index.add(&Wheel::new("voice", "2.0"));
    world.ok(&["build", "-r", "requirements.txt", "-c", "moo", "-o", "moo.pex"]);
    assert_eq!(world.run("moo.pex", &["-t", "hi"]).out, "moo -t hi\n");
    write(&world.path("limits.txt"), "voice>2\n");
    world.fails(
        &["lock", "-r", "requirements.txt", "--constraint", "limits.txt", "-o", "pylock.toml"],
        1,
        &[
            "you require voice>=1 (more/base.txt, line 1)",
            "you allow only voice>2 (limits.txt, line 1)",
            "hint: relax one of `",
            "`voice>2` (limits.txt, line 1)",
        ],
    );
    write(&world.path("bad.txt"), "moo\n\nvoice=>1\n");
    world.fails(&["lock", "-r", "bad.txt", "-o", "x.toml"], 1, &["bad.txt, line 3"]);
    assert!(!world.files().contains(&"pylock.toml".to_owned()));
}

/// A wheel of `voice` that is older than the one that the index has.
fn old_voice() -> Wheel {
    Wheel::new("voice", "1.0").file("voice.py", "def say(words):\n    return 'oi'\n")
}

#[test]
fn wheels_are_taken_from_folders_and_addresses() {
    let world = World::new();
    let wheel = old_voice();
    world.index.add(&wheel);
    wheel.write_to(&world.path("wheels"));
    let ran =
        world.ok(&["lock", "voice", "--no-index", "-f", "wheels", "-o", "pylock.toml", "--json"]);
    assert!(ran.out.contains("voice-1.0-py3-none-any.whl"), "{}", ran.out);
    let lock = std::fs::read_to_string(world.path("pylock.toml")).unwrap();
    assert!(lock.contains("path = \"wheels/voice-1.0-py3-none-any.whl\""), "{lock}");
    world.ok(&["build", "--lock", "pylock.toml", "-o", "x.pex", "--no-index"]);
    world.ok(&["build", "./wheels/voice-1.0-py3-none-any.whl", "-o", "y.pex"]);
    assert_eq!(world.index.take_requests(), [""; 0]);
}

#[test]
fn a_local_wheel_that_changed_is_another() {
    let world = World::new();
    let put = |wheel: &Wheel| {
        world.index.add(wheel);
        wheel.write_to(world.folder.path());
    };
    let lock = || {
        let argument = "./voice-1.0-py3-none-any.whl";
        world.ok(&["lock", argument, "--no-index", "-U", "-o", "pylock.toml"]);
        std::fs::read_to_string(world.path("pylock.toml")).unwrap()
    };
    put(&old_voice());
    let before = lock();
    put(&Wheel::new("voice", "1.0").requires("nope"));
    world.fails(
        &["lock", "./voice-1.0-py3-none-any.whl", "--no-index", "-o", "x.toml"],
        1,
        &["voice requires nope"],
    );
    put(&Wheel::new("voice", "1.0").file("voice.py", ""));
    assert_ne!(lock(), before);
}

#[test]
fn a_project_is_built_with_its_code() {
    let world = World::new();
    write(
        &world.path("app/pyproject.toml"),
        "[project]\nname = 'app'\nversion = '1'\ndependencies = ['lib']\n\
         optional-dependencies = { cow = ['moo'] }\n[tool.uv.sources]\nlib = { path = '../lib' }\n",
    );
    write(&world.path("app/src/app.py"), "import lib, moo\nprint(lib.NAME)\n");
    write(&world.path("lib/pyproject.toml"), "[project]\nname = 'lib'\nversion = '1'\n");
    write(&world.path("lib/lib.py"), "NAME = 'lib'\n");
    world.ok(&["build", "--project", "app", "--extra", "cow", "-m", "app", "-o", "app.pex"]);
    assert_eq!(world.run("app.pex", &[]).out, "lib\n");
    world.fails(
        &["build", "--project", "app", "--extra", "nope", "-o", "x.pex"],
        2,
        &["has no extra `nope`"],
    );
}

#[test]
fn another_platform_gets_its_own_wheels() {
    let world = World::new();
    world.index.add(&Wheel::named("native-1-cp312-cp312-win_amd64.whl"));
    world.index.add(&Wheel::named("native-1-cp312-cp312-manylinux_2_17_aarch64.whl"));
    let arguments = ["lock", "native", "--platform", "win_amd64-cp312", "--platform"];
    let ran = world.ok(&[&arguments[..], &["linux_aarch64-cp312", "-o", "pylock.toml"]].concat());
    assert!(ran.err.contains("assumed: Python 3.12.0, manylinux_2_28_aarch64;"), "{}", ran.err);
    let lock = std::fs::read_to_string(world.path("pylock.toml")).unwrap();
    assert!(lock.contains("win_amd64") && lock.contains("aarch64"), "{lock}");
    let foreign = ["build", "--lock", "pylock.toml", "--platform", "win_amd64-cp312"];
    world.ok(&[&foreign[..], &["-o", "x.pex"]].concat());
    world.fails(
        &["build", "--lock", "pylock.toml", "--platform", "macosx_14_0_arm64-cp312", "-o", "y.pex"],
        1,
        &["it is not for macosx_14_0_arm64-cp312-cp312"],
    );
    world.ok(&["lock", "moo", "--platform", "linux_x86_64", "-o", "x.toml"]);
}

#[test]
fn hashes_are_demanded_where_one_is_given() {
    let world = World::new();
    write(&world.path("r.txt"), format!("voice==1.5 --hash=sha256:{}\n", "0".repeat(64)));
    world.fails(&["lock", "-r", "r.txt", "-o", "x.toml"], 1, &["no file with an allowed hash"]);
    world.ok(&["lock", "moo", "-o", "locked.txt"]);
    world.ok(&["build", "-r", "locked.txt", "-o", "moo.pex"]);
    write(&world.path("r.txt"), "moo\n--require-hashes\n");
    world.fails(&["lock", "-r", "r.txt", "-o", "x.toml"], 1, &["is required without a hash"]);
}

#[test]
fn netrc_has_the_credentials() {
    let world = World::new();
    world.index.set_fault(Fault::Private);
    world.fails(&["lock", "moo", "-o", "x.toml"], 1, &["refused the credentials"]);
    write(&world.path("netrc"), "machine 127.0.0.1 login anna password s3cret\n");
    let mut command = world.command(&["lock", "moo", "-o", "x.toml"]);
    let ran = Ran::command(command.env("NETRC", world.path("netrc")));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let lock = std::fs::read_to_string(world.path("x.toml")).unwrap();
    assert!(!lock.contains("s3cret") && !lock.contains("anna"), "{lock}");
}

#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let world = World::new();
    for arguments in
        [&["lock", "voice", "-o", "-"][..], &["lock", "voice", "-o", "x.toml", "--json"]]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let ran = Ran::command(world.command(arguments).stdout(full));
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains("cannot write to stdout"), "{}", ran.err);
    }
}

#[test]
fn only_a_lock_is_written_over_and_a_link_is_followed() {
    let world = World::new();
    write(&world.path("binary.toml"), b"\xff\xfe");
    world.fails(&["lock", "voice", "-o", "binary.toml"], 1, &["exists and is not a lock"]);
    assert_eq!(std::fs::read(world.path("binary.toml")).unwrap(), [0xff, 0xfe]);
    write(&world.path("text.toml"), "a = 1\n");
    world.fails(&["lock", "voice", "-o", "text.toml"], 1, &["exists and is not a lock"]);
    world.fails(&["lock", "voice", "-o", "/dev/null"], 2, &["is not a regular file"]);
    write(&world.path("real/pylock.toml"), "lock-version = '1.0'\npackages = []\n");
    std::os::unix::fs::symlink("real/pylock.toml", world.path("pylock.toml")).unwrap();
    world.ok(&["lock", "voice", "-o", "pylock.toml"]);
    assert!(world.path("pylock.toml").is_symlink());
    assert!(std::fs::read_to_string(world.path("real/pylock.toml")).unwrap().contains("voice"));
    world.fails(&["lock", "voice", "-P", "tpyo", "-o", "pylock.toml"], 2, &["has no `tpyo`"]);
}

#[test]
fn secrets_in_files_are_not_shown() {
    let world = World::new();
    let secret = "name = 'x\nurl = 'https://u:hunter2@h.example/'\n";
    for (name, arguments) in [
        ("pylock.toml", &["build", "--lock", "pylock.toml", "-o", "x.pex"][..]),
        ("uv.lock", &["build", "--lock", "uv.lock", "-o", "x.pex"]),
        ("p/pyproject.toml", &["lock", "--project", "p", "-o", "x.toml"]),
    ] {
        write(&world.path(name), secret);
        let ran = world.fails(arguments, 1, &["line 1"]);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
    let token = "seven @ http://h.example/six-1-py3-none-any.whl?token=hunter2";
    for arguments in [&["lock", token][..], &["lock", "six", "-f", "u:hunter2@h/fl"]] {
        let ran = world.fails(&[arguments, &["-o", "x.toml"]].concat(), 2, &["error"]);
        assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    }
}

#[test]
fn a_version_for_elsewhere_need_not_be_here() {
    let world = World::new();
    let arguments =
        ["lock", "voice", "--python", "3.42", "--platform", "linux_x86_64", "-o", "x.toml"];
    let ran = world.ok(&arguments);
    assert!(ran.err.contains("assumed: Python 3.42.0"), "{}", ran.err);
}

#[test]
fn a_requirements_file_of_an_earlier_run_keeps_its_versions() {
    let world = World::new();
    world.ok(&["lock", "moo", "-o", "locked.txt"]);
    world.index.add(&Wheel::new("voice", "9.0"));
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    let read = || std::fs::read_to_string(world.path("locked.txt")).unwrap();
    world.ok(&["lock", "moo", "-P", "moo", "-o", "locked.txt"]);
    assert!(read().contains("voice==1.5"), "{}", read());
    world.ok(&["lock", "moo", "-P", "voice", "-o", "locked.txt"]);
    assert!(read().contains("voice==9.0"), "{}", read());
    world.fails(&["lock", "-r", "locked.txt", "-o", "locked.txt"], 2, &["it is an input"]);
}

#[test]
fn what_was_loosened_on_purpose_is_built() {
    let world = World::new();
    for arguments in [&["--exclude", "voice"][..], &["--override", "voice>=9"]] {
        world.index.add(&Wheel::new("voice", "9.0"));
        world.index.add(&Wheel::new("moo", "2.0").requires("voice<2"));
        world.ok(&[&["lock", "moo", "-U", "-o", "pylock.toml"], arguments].concat());
        world.ok(&["build", "--lock", "pylock.toml", "-o", "a.pex"]);
        world.ok(&[&["build", "moo", "-o", "b.pex"], arguments].concat());
        world.ok(&["verify", "a.pex"]);
        world.ok(&["verify", "b.pex"]);
    }
}

#[test]
fn a_project_is_locked_and_built_from_its_lock() {
    let world = World::new();
    let project = "[project]\nname = 'app'\nversion = '1'\nrequires-python = '>=3.8'\ndependencies = ['lib', 'voice']\n[tool.uv.sources]\nlib = { workspace = true }\n";
    write(&world.path("w/apps/app/pyproject.toml"), project);
    write(&world.path("w/apps/app/src/app.py"), "import lib, voice\nprint(lib.NAME)\n");
    write(&world.path("w/pyproject.toml"), "[tool.uv.workspace]\nmembers = ['apps/*', 'lib']\n");
    write(&world.path("w/lib/pyproject.toml"), "[project]\nname = 'lib'\nversion = '1'\n");
    write(&world.path("w/lib/lib.py"), "NAME = 'lib'\n");
    world.ok(&["lock", "--project", "w/apps/app", "-o", "w/pylock.toml"]);
    let lock = std::fs::read_to_string(world.path("w/pylock.toml")).unwrap();
    assert!(lock.contains("path = \"apps/app\"") && lock.contains("path = \"lib\""), "{lock}");
    world.ok(&["build", "--lock", "w/pylock.toml", "-m", "app", "-o", "app.pex"]);
    assert_eq!(world.run("app.pex", &[]).out, "lib\n");
    write(&world.path("w/apps/app/pyproject.toml"), project.replace(">=3.8", ">=3.99"));
    world.fails(
        &["lock", "--project", "w/apps/app", "-o", "x.toml"],
        1,
        &["requires Python >=3.99"],
    );
    write(
        &world.path("w/apps/app/pyproject.toml"),
        project.replace("workspace = true", "git = 'https://h.example/x'"),
    );
    world.fails(
        &["lock", "--project", "w/apps/app", "-o", "x.toml"],
        2,
        &["is in a git repository"],
    );
    world.fails(&["build", "-r", "w/pylock.toml", "-o", "x.pex"], 2, &["is a lock", "--lock"]);
    write(&world.path("limits.txt"), "voice==1.5\n");
    world.ok(&["lock", "moo", "--override", "limits.txt", "-o", "y.toml"]);
}

#[test]
fn bad_usage_is_json_too() {
    let world = World::new();
    let ran = Ran::command(&mut world.command(&["lock", "--nope", "--json"]));
    assert_eq!(ran.code, Some(2));
    let value: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(value["error"].as_str().unwrap().contains("--nope"), "{}", ran.out);
}

#[test]
fn the_lock_goes_to_stdout_where_that_is_asked_for() {
    let world = World::new();
    let ran = world.ok(&["lock", "voice", "-o", "-", "-q"]);
    assert!(ran.out.starts_with("lock-version = \"1.0\"\n"), "{}", ran.out);
    assert_eq!(world.files(), [""; 0]);
}
