//! Items 20 and 26: the choice of the interpreter, and concurrent starts.

use std::{
    os::unix::fs::symlink,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use pinnace_test::{Ran, write_executable};

use crate::fixture::{Fixture, python};

/// Creates a folder of interpreters that report these versions, but are all the same Python.
fn interpreters(fixture: &Fixture, names: &[&str]) -> PathBuf {
    let folder = fixture.folder.path().join("interpreters");
    std::fs::create_dir(&folder).unwrap();
    for name in names {
        symlink(python(), folder.join(name)).unwrap();
    }
    folder
}

fn version() -> String {
    let release = crate::fixture::target().python().release().to_vec();
    format!("{}.{}", release[0], release[1])
}

/// Item 20.
#[test]
fn item_20_constraints_decide_which_interpreter_runs() {
    let fits =
        [format!("=={}.*", version()), format!("CPython>={}", version()), ">=3.8".to_owned()];
    for constraint in fits {
        let fixture = Fixture::new().info(|info| info.interpreter_constraints = vec![constraint]);
        assert_eq!(fixture.run(&["-c", "print(1)"]).ok(), "1\n");
    }
    for constraint in ["==3.7.*", "<3.8", "PyPy>=3.9", "CPython+t>=3.13"] {
        let fixture =
            Fixture::new().info(|info| info.interpreter_constraints = vec![constraint.to_owned()]);
        let folder = interpreters(&fixture, &["python3", "python3.99"]);
        let mut command = Command::new(fixture.write().0);
        command.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
        command.env("PEX_ROOT", fixture.cache()).env("PEX_PYTHON_PATH", &folder);
        let ran = Ran::command(&mut command);
        assert_eq!(ran.code, Some(1), "{constraint}");
        for word in ["Examined the following interpreters:\n1.) ", constraint] {
            assert!(ran.err.contains(word), "{}", ran.err);
        }
    }
}

#[test]
fn an_interpreter_that_is_named_is_the_one_that_runs() {
    let fixture = Fixture::new().wheel("a-1-py3-none-any.whl", &[("a.py", "")]);
    let folder = interpreters(&fixture, &["python3.77", "mine"]);
    let code = "import a, os, sys; print(os.path.basename(os.readlink(sys.executable)))";
    for (name, value) in [
        ("PEX_PYTHON", folder.join("mine").display().to_string()),
        ("PEX_PYTHON_PATH", folder.join("mine").display().to_string()),
    ] {
        let mut command = fixture.command(&["-c", code]);
        assert_eq!(Ran::command(command.env(name, value)).ok(), "mine\n", "{name}");
    }
    let mut command = fixture.command(&["-c", code]);
    let ran = Ran::command(command.env("PEX_PYTHON", "/bin/true"));
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err.contains("could not be identified as a valid Python interpreter"),
        "{}",
        ran.err
    );
    let mut command = fixture.command(&["-c", code]);
    let ran = Ran::command(command.env("PEX_PYTHON", "python0.0"));
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("PEX_PYTHON=python0.0 names no interpreter"), "{}", ran.err);
}

/// Item 26.
#[test]
fn item_26_a_first_start_that_is_killed_is_made_good_by_the_next() {
    let big = "x = 1\n".repeat(20_000);
    let names: Vec<String> = (0..60).map(|n| format!("lib/m{n}.py")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), big.as_str())).collect();
    let fixture = Fixture::new().wheel("lib-1-py3-none-any.whl", &files);
    let (path, _) = fixture.write();
    for wait in [10, 20, 30, 40, 60, 80] {
        let mut command = Command::new(&path);
        command.args(["-c", "pass"]).env("PEX_ROOT", fixture.cache()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
        let code = "import lib.m59, os; print(len(os.listdir(os.path.dirname(lib.m59.__file__))) >= 60, lib.m59.x)";
        let mut command = fixture.command(&["-c", code]);
        assert_eq!(Ran::command(&mut command).ok(), "True 1\n");
        std::fs::remove_dir_all(fixture.cache()).unwrap();
    }
}

/// After a reboot, the cache is checked: data that was not yet on disk at a crash may be lost.
#[test]
fn what_an_earlier_run_of_the_machine_left_is_looked_at() {
    let fixture =
        Fixture::new().wheel("lib-1-py3-none-any.whl", &[("lib.py", "VALUE = 'whole'\n")]);
    let start = || fixture.command(&["-c", "import lib; print(lib.VALUE)"]).output().unwrap();
    assert_eq!(Ran::of(start()).ok(), "whole\n");
    let cache = fixture.cache().join("pinnace/1");
    let reboot = || {
        let code = "import marshal, pathlib, sys\nfor p in list(pathlib.Path(sys.argv[1]).rglob('manifest.marshal')):\n    m = marshal.loads(p.read_bytes()); m['whole'] = 'before'; p.write_bytes(marshal.dumps(m))\n    w = p.parent / 'whole'\n    w.exists() and w.write_text('before')\n";
        let status = Command::new(python()).args(["-c", code]).arg(&cache).status().unwrap();
        assert!(status.success());
        std::fs::remove_dir_all(cache.join("ready")).unwrap();
    };
    reboot();
    assert_eq!(Ran::of(start()).ok(), "whole\n");
    let settled = pinnace_test::tree(&cache.join("ready"));
    assert!(settled.iter().any(|name| name.contains("/settled/")), "{settled:?}");
    std::fs::remove_dir_all(&cache).unwrap();
    assert_eq!(Ran::of(start()).ok(), "whole\n");
    let lost = pinnace_test::tree(&cache).into_iter().find(|name| name.ends_with("/lib/lib.py"));
    write_executable(&cache.join(lost.unwrap()), b"");
    reboot();
    assert_eq!(Ran::of(start()).ok(), "whole\n");
}
