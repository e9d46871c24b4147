//! Errors: what failed, on what, and the remedy.

use std::os::unix::fs::PermissionsExt;

use pinnace_test::{Fault, Ran, Wheel, write};

use crate::world::World;

#[test]
fn bad_usage_exits_with_2() {
    let world = World::new();
    world.fails(&[], 2, &["Usage: pinnace"]);
    world.fails(&["build", "moo"], 2, &["--output"]);
    world.fails(&["build", "-o", "x.pex"], 2, &["nothing to build", "hint:"]);
    world.fails(
        &["build", "moo", "-c", "a", "-m", "b", "-o", "x.pex"],
        2,
        &["cannot be used with"],
    );
    world.fails(&["build", "moo==", "-o", "x.pex"], 2, &["`moo==` is not a requirement"]);
    world.fails(
        &["build", "moo", "-o", "x.pex", "--index-url", "nonsense"],
        2,
        &["URL of an index"],
    );
    assert_eq!(world.files(), [""; 0]);
}

#[test]
fn help_goes_to_stdout() {
    let world = World::new();
    for arguments in [&["--help"][..], &["build", "--help"], &["info", "-h"], &["--version"]] {
        let ran = world.ok(arguments);
        assert!(!ran.out.is_empty() && ran.err.is_empty());
    }
}

#[test]
fn a_version_that_does_not_exist_shows_the_newest_one() {
    World::new().fails(
        &["build", "moo>=99", "-o", "x.pex"],
        1,
        &["you require moo>=99", "the newest version of moo is 1.0"],
    );
}

#[test]
fn a_failure_is_json_too() {
    let ran = World::new().fails(&["build", "nope", "-o", "x.pex", "--json"], 1, &["nope"]);
    let value: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert!(value["error"].as_str().unwrap().contains("nope"));
}

#[test]
fn code_that_is_not_there_is_known_at_once() {
    let world = World::new();
    world.fails(
        &["build", "moo", "-D", "gone", "-o", "x.pex"],
        2,
        &["no such folder: `gone` (`-D`)"],
    );
    world.fails(
        &["build", "moo", "--exe", "gone.py", "-o", "x.pex"],
        2,
        &["no such file: `gone.py` (`--exe`)"],
    );
    assert_eq!(world.index.take_requests(), [""; 0]);
}

#[test]
fn secrets_in_requirements_and_escapes_from_elsewhere_do_not_reach_the_terminal() {
    let world = World::new();
    let ran = world.fails(
        &["build", "x @ http://u:hunter2@127.0.0.1/x.whl", "-o", "x.pex"],
        2,
        &["`http://127.0.0.1/x.whl` is not a URL of a wheel"],
    );
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    let ran = world.fails(&["build", "mo\u{1b}[2Ko", "-o", "x.pex"], 2, &["is not a requirement"]);
    assert!(!ran.err.contains('\u{1b}'), "{}", ran.err);
}

#[test]
fn an_unknown_project_is_named() {
    World::new().fails(
        &["build", "nope", "-o", "x.pex"],
        1,
        &["you require nope", "no index has files of nope", "the platform is manylinux"],
    );
}

#[test]
fn no_fitting_wheel_shows_the_tags_that_exist() {
    let world = World::new();
    world.index.add(&Wheel::named("native-1-cp27-cp27m-win32.whl"));
    world.index.add(&Wheel::named("native-1-cp36-cp36m-macosx_10_9_x86_64.whl"));
    world.fails(
        &["build", "native", "-o", "x.pex"],
        1,
        &[
            "native 1 has no wheel for this platform",
            "cp27-cp27m-win32",
            "cp36-cp36m-macosx_10_9_x86_64",
        ],
    );
}

#[test]
fn an_unknown_script_shows_those_that_exist() {
    World::new().fails(
        &["build", "moo", "-c", "nope", "-o", "x.pex"],
        1,
        &["no script `nope`", "available: moo"],
    );
}

#[test]
fn no_network_says_what_to_check() {
    let world = World::new();
    // The discard port of this machine is closed.
    let url = "http://user:hunter2@127.0.0.1:9/simple";
    let ran = world.fails(
        &["build", "moo", "-o", "x.pex", "--index-url", url],
        1,
        &["cannot fetch http://127.0.0.1:9/simple/moo/", "hint: check the network"],
    );
    assert!(!ran.err.contains("hunter2"), "{}", ran.err);
    world.fails(
        &["build", "moo", "-o", "x.pex", "--offline"],
        1,
        &["is not in the cache", "--offline"],
    );
}

#[test]
fn a_lying_index_is_found_out() {
    for (trouble, words) in [
        (Fault::WrongBytes, vec!["does not match its index"]),
        (Fault::Truncated, vec!["cannot fetch"]),
        (Fault::Status(500), vec!["status 500"]),
        (Fault::Status(401), vec!["refused the credentials"]),
    ] {
        let world = World::new();
        world.index.set_fault(trouble);
        world.fails(&["build", "voice", "-o", "x.pex"], 1, &words);
        assert_eq!(world.files(), [""; 0]);
        world.index.set_fault(None);
        world.ok(&["build", "voice", "-o", "x.pex"]);
    }
}

#[test]
fn a_damaged_wheel_in_the_cache_is_fetched_again() {
    let world = World::new();
    world.ok(&["build", "voice", "-o", "x.pex"]);
    let good = std::fs::read(world.path("x.pex")).unwrap();
    let blobs = world.path("cache/wheels/blobs");
    let folder = std::fs::read_dir(blobs).unwrap().next().unwrap().unwrap().path();
    let blob = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&blob).unwrap();
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for damaged in [flipped.as_slice(), b"", &whole[..whole.len() / 2]] {
        let damage = || {
            std::fs::remove_file(&blob).unwrap();
            std::io::Write::write_all(&mut std::fs::File::create(&blob).unwrap(), damaged).unwrap();
        };
        damage();
        let offline = ["build", "voice", "-o", "y.pex", "--offline"];
        world.fails(&offline, 1, &["voice-1.5-py3-none-any.whl", "--offline"]);
        assert_eq!(world.files(), ["x.pex"]);
        world.ok(&["build", "voice", "-o", "x.pex"]);
        damage();
        world.ok(&["build", "voice", "-o", "x.pex"]);
        assert_eq!(std::fs::read(world.path("x.pex")).unwrap(), good);
    }
}

#[test]
fn devices_and_pipes_are_left_alone() {
    let world = World::new();
    let pipe = world.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    world.fails(&["build", "moo", "-o", "pipe"], 2, &["is not a regular file"]);
    world.fails(&["build", "moo", "-o", "/dev/null"], 2, &["/dev/null", "is not a regular file"]);
    world.fails(&["build", "moo", "-o", "new/"], 2, &["is a folder"]);
    assert_eq!(world.files(), ["pipe"]);
}

#[test]
fn outputs_that_cannot_be_written_are_known_before_anything_is_fetched() {
    let world = World::new();
    std::fs::create_dir(world.path("folder")).unwrap();
    world.fails(&["build", "moo", "-o", "folder"], 2, &["is a folder"]);
    world.fails(&["build", "moo", "-o", "missing/x.pex"], 1, &["missing", "no such folder"]);
    write(&world.path("file"), "");
    world.fails(&["build", "moo", "-o", "file/x.pex"], 1, &["file"]);
    assert_eq!(world.index.take_requests(), [""; 0]);
}

#[test]
fn a_folder_without_permission_gives_a_hint() {
    let world = World::new();
    let folder = world.path("closed");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    // Permissions do not apply to root.
    if std::fs::File::create(folder.join("probe")).is_err() {
        world.fails(
            &["build", "moo", "-o", "closed/x.pex"],
            1,
            &["closed", "hint: write to another folder"],
        );
    }
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let world = World::new();
    let mut command = world.command(&["build", "moo", "-o", "/dev/full/x.pex"]);
    let ran = Ran::command(&mut command);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    // A limit on the file size simulates a full disk without privileges.
    let program = env!("CARGO_BIN_EXE_pinnace");
    let script = format!("trap '' XFSZ; ulimit -f 8; exec '{program}' build big -o big.pex");
    world.index.add(&Wheel::new("big", "1").file("big.py", "# much text\n".repeat(5_000)));
    let ran = Ran::command(world.other("sh").args(["-c", &script]));
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("File too large"), "{}", ran.err);
    assert_eq!(world.files(), [""; 0]);
    world.ok(&["build", "big", "-o", "big.pex"]);
}

#[test]
fn interpreters_that_cannot_be_used_are_named() {
    let world = World::new();
    world.fails(
        &["build", "moo", "-o", "x.pex", "--python", "nopython"],
        1,
        &["no nopython on PATH", "--python"],
    );
    world.fails(
        &["build", "moo", "-o", "x.pex", "--python", "/nonexistent/python"],
        1,
        &["/nonexistent/python"],
    );
    world.fails(&["build", "moo", "-o", "x.pex", "--python", "/bin/false"], 1, &["/bin/false"]);
}

#[test]
fn what_is_no_pex_is_told() {
    let world = World::new();
    write(&world.path("text"), "hello");
    world.fails(&["info", "text"], 1, &["cannot read `text`", "not a zip archive"]);
    world.fails(&["info", "nope"], 1, &["cannot read `nope`", "No such file"]);
    world.fails(&["info", "."], 1, &["it has no PEX-INFO"]);
}

/// A malformed value of a file is no fault of the command line. The error names the file.
#[test]
fn a_malformed_name_or_version_in_a_project_names_the_file() {
    let world = World::new();
    for (project, words) in [
        ("name = 'prö-j'\nversion = '1'\n", "`prö-j` is not a project name"),
        ("name = 'p'\nversion = '1 x'\n", "`1 x` is not a version"),
    ] {
        write(&world.path("p/pyproject.toml"), format!("[project]\n{project}"));
        write(&world.path("p/m.py"), "");
        let words = [words, "pyproject.toml"];
        world.fails(&["build", "--project", "p", "-o", "x.pex"], 1, &words);
        world.fails(&["lock", "--project", "p", "-o", "pylock.toml"], 1, &words);
        world.fails(&["deploy", "p", "--store", "s", "--service", "ok"], 1, &words);
    }
}
