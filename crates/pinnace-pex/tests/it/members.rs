//! Items 8 to 12 and 25: several files on a `PEX_PATH`.

use std::path::Path;

use pinnace_test::{Folder, Ran};

use crate::fixture::Fixture;

const VERSIONS: &str = "import importlib.metadata as m; print(sorted((d.metadata['Name'], d.version) for d in m.distributions()))";

fn main_file() -> Fixture {
    Fixture::new()
        .wheel("lib-1.0-py3-none-any.whl", &[("lib.py", "VERSION = 1\n")])
        .code("shared.py", "FROM = 'main'\n")
}

fn member() -> Fixture {
    Fixture::new()
        .wheel("lib-2.0-py3-none-any.whl", &[("lib.py", "VERSION = 2\n")])
        .wheel("more-1.0-py3-none-any.whl", &[("more.py", "")])
        .code("shared.py", "FROM = 'member'\n")
        .code("own.py", "FROM = 'member'\n")
}

fn with(fixture: &Fixture, path: impl AsRef<Path>, code: &str) -> Ran {
    let mut command = fixture.command(&["-c", code]);
    Ran::command(command.env("PEX_PATH", path.as_ref()))
}

/// Item 8. A distribution in two files is reported; the pex tool shows both copies.
#[test]
fn item_8_distributions_of_members_are_seen_and_those_of_the_main_file_win() {
    let (main, member) = (main_file(), member());
    let (path, _) = member.write();
    let ran = with(&main, &path, &format!("import lib, more; print(lib.VERSION); {VERSIONS}"));
    assert!(ran.err.starts_with("warning: lib-1.0-py3-none-any.whl is in "), "{}", ran.err);
    assert!(ran.err.contains("and lib-2.0-py3-none-any.whl in "), "{}", ran.err);
    assert_eq!(ran.ok(), "1\n[('lib', '1.0'), ('more', '1.0')]\n");
    let warm = with(&main, &path, VERSIONS);
    assert_eq!(warm.err, "");
    assert_eq!(warm.ok(), "[('lib', '1.0'), ('more', '1.0')]\n");
    assert_eq!(with(&main, "", VERSIONS).ok(), "[('lib', '1.0')]\n");
}

/// Item 9.
#[test]
fn item_9_members_that_are_not_there_or_do_not_fit_are_named() {
    let main = main_file();
    let ran = with(&main, "gone.pex", "1");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("gone.pex") && !ran.err.contains("Traceback"), "{}", ran.err);
    let foreign = Fixture::new().wheel("x-1-cp36-cp36m-win_amd64.whl", &[("x.py", "")]);
    let ran = with(&main, foreign.write().0, "1");
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("x-1-cp36-cp36m-win_amd64.whl"), "{}", ran.err);
}

/// Item 10. The code of a member is importable, but never shadows that of the main file.
#[test]
fn item_10_code_of_members_is_seen_behind_that_of_the_main_file() {
    let (main, member) = (main_file(), member());
    let code = "import shared, own; print(shared.FROM, own.FROM)";
    assert_eq!(with(&main, member.write().0, code).ok(), "main member\n");
}

/// Item 11.
#[test]
fn item_11_one_distribution_in_two_files_is_there_once() {
    let lib: (&str, &[(&str, &str)]) = ("lib-1.0-py3-none-any.whl", &[("lib.py", "VERSION = 1\n")]);
    let (main, member) = (main_file(), Fixture::new().wheel(lib.0, lib.1));
    let ran = with(&main, member.write().0, VERSIONS);
    assert_eq!((ran.err.as_str(), ran.out.as_str()), ("", "[('lib', '1.0')]\n"));
}

/// Item 12.
#[test]
fn item_12_members_that_are_built_in_come_first() {
    let one = Fixture::new().code("who.py", "NAME = 'one'\n");
    let two = Fixture::new().code("who.py", "NAME = 'two'\n");
    let path = one.write().0.display().to_string();
    let main = main_file().info(|info| info.pex_path.clone_from(&path));
    assert_eq!(with(&main, two.write().0, "import who; print(who.NAME)").ok(), "one\n");
    assert_eq!(with(&main, "", "import who; print(who.NAME)").ok(), "one\n");
}

/// A changed member counts as a new file.
#[test]
fn a_member_that_changed_is_seen_as_it_is() {
    let main = main_file();
    let member = Fixture::new().code("who.py", "NAME = 'old'\n");
    let (path, _) = member.write();
    assert_eq!(with(&main, &path, "import who; print(who.NAME)").ok(), "old\n");
    let other = Fixture::new().code("who.py", "NAME = 'new'\n");
    pinnace_test::write_executable(&path, &std::fs::read(other.write().0).unwrap());
    assert_eq!(with(&main, &path, "import who; print(who.NAME)").ok(), "new\n");
}

/// The boot code caches its data about a member in the cache folder only.
#[test]
fn a_member_by_another_tool_is_seen_and_leaves_nothing_where_the_program_runs() {
    let main = main_file();
    let info = r#"{"distributions":{"theirs-1.0-py3-none-any.whl":"0"}}"#;
    let members = [
        ("PEX-INFO", info),
        (".deps/theirs-1.0-py3-none-any.whl/theirs.py", "NAME = 'theirs'\n"),
        (
            ".deps/theirs-1.0-py3-none-any.whl/theirs-1.0.dist-info/METADATA",
            "Name: theirs\nVersion: 1.0\n",
        ),
    ];
    let members = members.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    let member = main.folder.path().join("theirs.pex");
    pinnace_test::write_executable(&member, &pinnace_test::zip(&members.into()));
    let empty = Folder::new();
    let mut command = main.command(&["-c", "import theirs; print(theirs.NAME)"]);
    command.env("PEX_PATH", &member).current_dir(empty.path());
    assert_eq!(Ran::command(&mut command).ok(), "theirs\n");
    assert!(pinnace_test::tree(empty.path()).is_empty());
}

/// Item 25.
#[test]
fn item_25_the_import_of_pex_shows_what_a_file_brings() {
    let main = main_file();
    let (path, _) = main.write();
    for code in [
        "import __pex__, lib, shared; print(lib.VERSION, shared.FROM)",
        "from __pex__ import lib, shared; print(lib.VERSION, shared.FROM)",
    ] {
        let mut python = std::process::Command::new(crate::fixture::python());
        python.args(["-c", code]).env("PYTHONPATH", &path).env("PEX_ROOT", main.cache());
        assert_eq!(Ran::command(&mut python).ok(), "1 main\n", "{code}");
    }
}

/// Child processes of the program see the same modules.
#[test]
fn child_processes_see_the_same() {
    let (main, member) = (main_file(), member());
    let code = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import lib, more, shared, own; print(lib.VERSION, shared.FROM)'], check=True)";
    assert_eq!(with(&main, member.write().0, code).ok(), "1 main\n");
}

/// The constraints of a member take part in the choice of the interpreter.
#[test]
fn constraints_of_members_must_hold_too() {
    let main = main_file();
    for (constraint, code) in [(">=3.8", Some(0)), ("<3.8", Some(1))] {
        let member =
            Fixture::new().info(|info| info.interpreter_constraints = vec![constraint.to_owned()]);
        let path = member.write().0;
        let ran = with(&main, &path, "print(1)");
        assert_eq!(ran.code, code, "{}", ran.err);
        let said = format!("Version matches {constraint} ({})", path.display());
        assert_eq!(ran.err.contains(&said), code == Some(1), "{}", ran.err);
    }
}
