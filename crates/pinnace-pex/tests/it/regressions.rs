//! Regression tests of the start.

use std::{fs, process::Command};

use pinnace_pex::{FolderLayout, WheelForm};
use pinnace_test::{Folder, Ran, write_executable};

use crate::fixture::{Fixture, python};

const LIB: &str = "lib-1-py3-none-any.whl";

fn with_lib() -> Fixture {
    Fixture::new()
        .wheel(LIB, &[("lib.py", "NAME = 'lib'\n")])
        .code("app.py", "import lib\nprint(lib.NAME)\n")
}

#[test]
fn tools_fit_into_a_packed_folder() {
    let fixture = with_lib().info(|info| info.includes_tools = true);
    let mut command = Command::new(fixture.write_folder(FolderLayout::Packed).join("pex"));
    command.args(["repository", "info"]).env("PEX_TOOLS", "1").env("PEX_ROOT", fixture.cache());
    assert!(Ran::command(&mut command).ok().starts_with("lib 1 "));
}

#[test]
fn a_distribution_that_is_gone_is_named() {
    for form in [WheelForm::Whole, WheelForm::Installed] {
        let mut fixture = with_lib();
        fixture.builder.set_wheel_form(form);
        let folder = fixture.write_folder(FolderLayout::Loose);
        let gone = folder.join(".deps").join(LIB);
        fs::remove_file(&gone).or_else(|_| fs::remove_dir_all(&gone)).unwrap();
        let ran = Ran::command(Command::new(folder.join("pex")).env("PEX_ROOT", fixture.cache()));
        assert_eq!(ran.code, Some(1));
        assert!(ran.err.contains(&format!(".deps/{LIB} is missing")), "{}", ran.err);
    }
}

#[test]
fn what_is_for_several_pythons_does_for_others_if_its_wheels_do() {
    let mut fixture = with_lib();
    for platform in ["linux_x86_64-cp37", "linux_x86_64-cp399"] {
        let names = fixture.names.iter().map(|(name, sha256)| (name, *sha256));
        fixture.builder.add_platform(&platform.parse().unwrap(), names);
    }
    let path = fixture.folder.path().join("many.pex");
    let mut bytes = Vec::new();
    fixture.builder.write(&mut bytes, &fixture.wheels, 1).unwrap();
    write_executable(&path, &bytes);
    let mut command = Command::new(python());
    command.arg(&path).args(["-m", "app"]).env("PEX_ROOT", fixture.cache());
    assert_eq!(Ran::command(&mut command).ok(), "lib\n");
}

#[test]
fn what_was_altered_is_refused_and_does_not_reach_the_genuine_file() {
    let fixture = with_lib().entry("app");
    let (path, _) = fixture.write();
    let genuine = fs::read(&path).unwrap();
    let code = b"print(lib.NAME)\n";
    let at = genuine.windows(code.len()).position(|part| part == code).unwrap();
    // The zip checksum is corrected too, as an attacker would do.
    let mut altered = genuine.clone();
    altered[at..at + code.len()].copy_from_slice(b"print('altered')");
    let crc = |bytes: &[u8]| pinnace_archive::Content::bytes(bytes.to_vec()).sha256();
    assert_ne!(crc(&altered), crc(&genuine));
    let script = "import sys, zlib; a, b = (open(p, 'rb').read() for p in sys.argv[1:3]); old = b'import lib\\nprint(lib.NAME)\\n'; new = b\"import lib\\nprint('altered')\"; c = lambda x: zlib.crc32(x).to_bytes(4, 'little'); sys.stdout.buffer.write(a.replace(old, new).replace(c(old), c(new)))";
    let made = Command::new(python()).args(["-c", script]).arg(&path).arg(&path).output().unwrap();
    assert!(made.status.success() && made.stdout.len() == genuine.len());
    let bad = fixture.folder.path().join("bad.pex");
    write_executable(&bad, &made.stdout);
    let start = |path| Ran::command(Command::new(path).env("PEX_ROOT", fixture.cache()));
    let ran = start(&bad);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.err.contains("what it holds is not what its key says"), "{}", ran.err);
    assert_eq!(start(&path).ok(), "lib\n");
}

#[test]
fn a_cache_that_was_trimmed_is_made_good() {
    let fixture = with_lib().entry("app");
    let (path, _) = fixture.write();
    let start = || Ran::command(Command::new(&path).env("PEX_ROOT", fixture.cache())).ok();
    assert_eq!(start(), "lib\n");
    for trimmed in ["boot", "code", "bin", "lib"] {
        let environments = fixture.cache().join("pinnace/1/env");
        let environment = fs::read_dir(environments).unwrap().next().unwrap().unwrap().path();
        let entries = fs::read_dir(environment).unwrap().map(|entry| entry.unwrap().path());
        let environment = entries.into_iter().find(|path| path.is_dir()).unwrap();
        fs::remove_dir_all(environment.join(trimmed)).unwrap();
        assert_eq!(start(), "lib\n", "{trimmed}");
    }
}

#[test]
fn a_current_folder_that_is_gone_is_no_obstacle() {
    let fixture = with_lib().entry("app");
    let (path, _) = fixture.write();
    for round in ["cold", "warm"] {
        let folder = fixture.folder.path().join("gone");
        let script = format!(
            "mkdir {0} && cd {0} && rmdir {0} && exec {1}",
            folder.display(),
            path.display()
        );
        let ran = Command::new("sh")
            .args(["-c", &script])
            .env("PEX_ROOT", fixture.cache())
            .output()
            .unwrap();
        assert_eq!(Ran::of(ran).ok(), "lib\n", "{round}");
    }
}

#[test]
fn nothing_is_left_where_nothing_can_be_kept() {
    let fixture = with_lib();
    let (path, _) = fixture.write();
    let temporary = Folder::new();
    let mut command = Command::new(&path);
    command.args(["-O", "-c", "import lib; print(lib.NAME)"]);
    command.env("PEX_ROOT", "/dev/null/x").env("TMPDIR", temporary.path());
    assert_eq!(Ran::command(&mut command).out, "lib\n");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
}

#[test]
fn malformed_members_are_one_line() {
    let main = with_lib();
    let (path, _) = main.write();
    for info in [
        "null",
        "[]",
        "{}",
        r#"{"distributions":5}"#,
        r#"{"distributions":{"x":"y"}}"#,
        r#"{"distributions":{},"pinnace":5}"#,
    ] {
        let member = main.folder.path().join("member.pex");
        let files = [("PEX-INFO".to_owned(), info.as_bytes().to_vec())];
        write_executable(&member, &pinnace_test::zip(&files.into()));
        let mut command = Command::new(&path);
        command.args(["-c", "1"]).env("PEX_ROOT", main.cache()).env("PEX_PATH", &member);
        let ran = Ran::command(&mut command);
        assert_eq!((ran.code, ran.err.lines().count()), (Some(1), 1), "{info}: {}", ran.err);
    }
}

#[test]
fn a_python_that_the_wheels_do_not_run_on_is_refused() {
    for (python, code) in [(">=3.8", Some(0)), (">=3.99", Some(1))] {
        let mut fixture = with_lib();
        let names = fixture.names.iter().map(|(name, sha256)| (name, *sha256));
        fixture.builder.add_platform(&"linux_x86_64-cp37".parse().unwrap(), names);
        fixture.builder.require_python([python]);
        let path = fixture.folder.path().join("one.pex");
        let mut bytes = Vec::new();
        fixture.builder.write(&mut bytes, &fixture.wheels, 1).unwrap();
        write_executable(&path, &bytes);
        let mut command = Command::new(crate::fixture::python());
        command.arg(&path).args(["-m", "app"]).env("PEX_ROOT", fixture.cache());
        let ran = Ran::command(&mut command);
        assert_eq!(ran.code, code, "{}", ran.err);
        assert_eq!(ran.err.contains("needs Python >=3.99"), code == Some(1), "{}", ran.err);
    }
}
