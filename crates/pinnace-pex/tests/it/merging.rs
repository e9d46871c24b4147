//! Merging several files: contents, conflicts, and running the result.

use std::{fs, process::Command};

use pinnace_env::Conflict;
use pinnace_pex::{EntryPoint, FolderLayout, Pex, PexMerge, WheelForm};
use pinnace_test::{Folder, Ran, Wheel, write_executable};

use crate::fixture::{Fixture, target};

const LIB: &str = "lib-1-py3-none-any.whl";
const SCRIPTS: &str = "[console_scripts]\nsay = lib:say\n";

fn lib(text: &str) -> Vec<(&'static str, String)> {
    vec![
        ("lib/__init__.py", format!("def say():\n    print({text:?})\n")),
        ("lib-1.dist-info/entry_points.txt", SCRIPTS.to_owned()),
        ("lib-1.data/scripts/tool", "#!python\nimport lib; lib.say()\n".to_owned()),
        ("lib-1.data/data/etc/lib.conf", "on\n".to_owned()),
        ("lib-1.data/headers/lib.h", "int lib;\n".to_owned()),
    ]
}

fn with(name: &str, files: &[(&'static str, String)]) -> Fixture {
    let files: Vec<(&str, &str)> =
        files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    Fixture::new().wheel(name, &files)
}

fn opened(name: &str, fixture: &Fixture) -> (String, Pex) {
    (name.to_owned(), Pex::open(&fixture.write().0).unwrap())
}

fn said(files: &[(String, Pex)]) -> Vec<String> {
    let merge = PexMerge::plan(files, &[target().clone()]).unwrap();
    merge.conflicts().iter().map(ToString::to_string).collect()
}

/// Writes the merged file and runs it.
fn run(files: &[(String, Pex)], arguments: &[&str]) -> String {
    let folder = Folder::new();
    let (builder, wheels) = PexMerge::plan(files, &[target().clone()]).unwrap().builder().unwrap();
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &wheels, 1).unwrap();
    assert_eq!(Pex::parse(bytes.clone()).unwrap().verify(1), []);
    let path = folder.join("merged.pex");
    write_executable(&path, &bytes);
    let mut command = Command::new(&path);
    Ran::command(command.args(arguments).env("PEX_ROOT", folder.join("root"))).ok()
}

#[test]
fn the_first_file_says_what_runs_and_all_bring_what_they_have() {
    let main = Fixture::new()
        .code("app.py", "import lib, other; lib.say(); print(other.NAME)\n")
        .entry("app");
    let deps = with(LIB, &lib("lib")).code("other.py", "NAME = 'other'\n").entry("other");
    let files = [opened("main", &main), opened("deps", &deps)];
    assert_eq!(said(&files), [""; 0]);
    assert_eq!(run(&files, &[]), "lib\nother\n");
}

#[test]
fn code_of_the_first_file_is_not_shadowed() {
    let main = Fixture::new().code("app.py", "print('main')\n").entry("app");
    let other = Fixture::new().code("app.py", "print('other')\n");
    let files = [opened("main", &main), opened("other", &other)];
    assert_eq!(said(&files), ["`app.py` is in main and, with other content, in other"]);
    assert_eq!(run(&files, &[]), "main\n");
}

#[test]
fn a_wheel_in_two_forms_is_one_distribution() {
    let whole = with(LIB, &lib("lib"));
    let mut installed = with(LIB, &lib("lib"));
    installed.builder.set_wheel_form(WheelForm::Installed);
    let files = [opened("whole", &whole), opened("installed", &installed)];
    assert_eq!(said(&files), [""; 0]);
    let other = [opened("whole", &whole), opened("other", &with(LIB, &lib("changed")))];
    assert!(said(&other)[0].starts_with("two distributions of lib: "), "{:?}", said(&other));
}

#[test]
fn what_was_installed_becomes_a_wheel_that_installs_the_same() {
    let mut installed = with(LIB, &lib("lib"));
    installed.builder.set_wheel_form(WheelForm::Installed);
    let (name, pex) = opened("installed", &installed);
    let files = [(name, pex)];
    let (builder, wheels) = PexMerge::plan(&files, &[target().clone()]).unwrap().builder().unwrap();
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &wheels, 1).unwrap();
    let merged = Pex::parse(bytes).unwrap();
    let [one] = merged.distributions() else { panic!("one wheel") };
    assert_eq!(one.form(), WheelForm::Whole);
    let original = opened("whole", &with(LIB, &lib("lib"))).1;
    let expected = original.distributions()[0].distribution().unwrap();
    assert_eq!(one.distribution().unwrap().id(), expected.id());
    let conf = "import lib, sys; lib.say(); print(open(sys.prefix + '/etc/lib.conf').read())";
    assert_eq!(run(&files, &["-c", conf]), "lib\non\n\n");
}

#[test]
fn folders_can_be_merged_too() {
    let lib = with(LIB, &lib("lib"));
    for layout in [FolderLayout::Packed, FolderLayout::Loose] {
        for form in [WheelForm::Whole, WheelForm::Installed] {
            let mut fixture = with(LIB, &self::lib("lib"));
            fixture.builder.set_wheel_form(form);
            let pex = Pex::open(&fixture.write_folder(layout)).unwrap();
            assert_eq!(pex.verify(1), [], "{layout:?} {form:?}");
            let files = [("folder".to_owned(), pex), opened("file", &lib)];
            assert_eq!(said(&files), [""; 0], "{layout:?} {form:?}");
            assert_eq!(run(&files, &["-c", "import lib; lib.say()"]), "lib\n");
        }
    }
}

#[test]
fn what_was_asked_for_must_be_there_unless_it_was_excluded() {
    let asks = |text: &str| {
        let text = text.to_owned();
        Fixture::new().info(move |info| info.requirements = vec![text])
    };
    let files = [opened("main", &asks("lib>=2")), opened("deps", &with(LIB, &lib("lib")))];
    assert_eq!(said(&files), [format!("main requires lib>=2, but `{LIB}` (in deps) is there")]);
    let gone = asks("gone").info(|info| info.excluded = vec!["gone".to_owned()]);
    assert_eq!(said(&[opened("main", &gone)]), [""; 0]);
}

#[test]
fn of_several_wheels_of_a_project_the_best_is_taken_and_misfits_are_told() {
    let many = Fixture::new()
        .wheel("lib-1-py2.py3-none-any.whl", &[("lib.py", "NAME = 'pure'\n")])
        .wheel("lib-1-cp27-cp27m-win32.whl", &[("lib.py", "NAME = 'windows'\n")])
        .wheel("odd-1-cp27-cp27m-win32.whl", &[("odd.py", "")]);
    let files = [opened("many", &many)];
    let merge = PexMerge::plan(&files, &[target().clone()]).unwrap();
    assert_eq!(
        merge.distributions().into_iter().collect::<Vec<_>>(),
        ["lib-1-py2.py3-none-any.whl"]
    );
    let misfits: Vec<&str> = merge.misfits().into_iter().map(|one| one.as_str()).collect();
    assert_eq!(misfits, ["odd-1-cp27-cp27m-win32.whl"]);
    assert!(merge.conflicts().is_empty());
}

#[test]
fn constraints_of_all_files_hold() {
    let with = |constraint: &str| {
        let constraint = constraint.to_owned();
        opened(
            &constraint,
            &Fixture::new().info(|info| info.interpreter_constraints = vec![constraint.clone()]),
        )
    };
    let files = [with(">=3.8"), with("CPython<4")];
    let merge = PexMerge::plan(&files, &[target().clone()]).unwrap();
    let (mut builder, _) = merge.builder().unwrap();
    assert_eq!(builder.info_mut().interpreter_constraints, ["CPython>=3.8,<4"]);
    let files = [with("CPython"), with("PyPy")];
    let refused = PexMerge::plan(&files, &[target().clone()]).unwrap().builder().unwrap_err();
    assert_eq!(refused.to_string(), "no interpreter satisfies both `CPython` and `PyPy`");
}

#[test]
fn damage_is_found_wherever_it_is() {
    let fixture = with(LIB, &lib("lib")).code("app.py", "print(1)\n").entry("app");
    let (path, _) = fixture.write();
    let good = fs::read(&path).unwrap();
    assert_eq!(Pex::parse(good.clone()).unwrap().verify(1), []);
    let mut damaged = 0;
    for at in (0..good.len()).step_by(97) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        let whole = Pex::parse(bytes).map(|pex| pex.verify(1).is_empty());
        let is_prefix = at < good.windows(4).position(|four| four == b"PK\x03\x04").unwrap();
        // The script before the zip is not a member, so a changed comment in it changes nothing.
        assert!(is_prefix || !matches!(whole, Ok(true)), "byte {at}");
        damaged += usize::from(!is_prefix);
    }
    assert!(damaged > 50, "{damaged}");
}

#[test]
fn what_an_installed_distribution_lost_is_told() {
    let mut fixture = with(LIB, &lib("lib"));
    fixture.builder.set_wheel_form(WheelForm::Installed);
    let folder = fixture.write_folder(FolderLayout::Loose);
    assert_eq!(Pex::open(&folder).unwrap().verify(1), []);
    let installed = folder.join(".deps").join(LIB);
    fs::remove_file(installed.join("lib/__init__.py")).unwrap();
    write_executable(&installed.join(".prefix/data/etc/lib.conf"), b"off\n");
    let said: Vec<String> =
        Pex::open(&folder).unwrap().verify(1).iter().map(ToString::to_string).collect();
    for expected in [
        "lib-1-py3-none-any.whl: its digest is ",
        "lib-1-py3-none-any.whl: `.prefix/data/etc/lib.conf` does not match its RECORD",
        "lib-1-py3-none-any.whl: `lib/__init__.py` is missing, but its RECORD lists it",
        "its key is ",
    ] {
        assert!(said.iter().any(|one| one.starts_with(expected)), "{expected}: {said:?}");
    }
}

#[test]
fn a_difference_is_told_in_a_sentence() {
    let old = with(LIB, &lib("lib")).code("app.py", "1\n").code("b.py", "").entry("app");
    let new = Fixture::new()
        .wheel("lib-2-py3-none-any.whl", &[("lib.py", "")])
        .wheel("more-1-py3-none-any.whl", &[("more.py", "")])
        .code("app.py", "2\n")
        .code("c.py", "");
    let (old, mut new) = (opened("old", &old).1, new);
    new.builder.set_entry_point(EntryPoint::parse("c").unwrap());
    let new = opened("new", &new).1;
    assert_eq!(
        old.diff(&new).unwrap().to_string(),
        "lib 1 -> 2; new: more 1; `app.py` is changed, `b.py` is gone, `c.py` is new; entry_point is `c` instead of `app`"
    );
    assert!(old.diff(&old).unwrap().is_empty());
    assert_eq!(new.diff(&old).unwrap().to_string().split("; ").nth(1), Some("gone: more 1"));
    let mut installed = with(LIB, &lib("lib")).code("app.py", "1\n").code("b.py", "").entry("app");
    installed.builder.set_wheel_form(WheelForm::Installed);
    let installed = opened("installed", &installed).1;
    assert_eq!(old.diff(&installed).unwrap().to_string(), "held in another form: lib");
}

#[test]
fn old_files_of_the_pex_tool_are_read() {
    let old = br#"{"inherit_path":false,"pex_path":null,"entry_point":null,"zip_safe":true,"distributions":{}}"#;
    let info = pinnace_pex::PexInfo::parse(old).unwrap();
    assert_eq!((info.inherit_path.as_str(), info.pex_path.as_str()), ("false", ""));
    assert!(info.other.contains_key("zip_safe"));
}

#[test]
fn files_of_one_name_are_refused() {
    let fixture = Fixture::new();
    let files = [opened("a", &fixture), opened("a", &fixture)];
    assert!(PexMerge::plan(&files, &[]).is_err());
    assert!(PexMerge::plan(&[], &[]).is_err());
}

#[test]
fn programs_of_two_projects_are_told() {
    let other = vec![
        ("other.py", String::new()),
        ("other-1.dist-info/entry_points.txt", "[console_scripts]\nsay = other:say\n".to_owned()),
    ];
    let files = [
        opened("a", &with(LIB, &lib("lib"))),
        opened("b", &with("other-1-py3-none-any.whl", &other)),
    ];
    let merge = PexMerge::plan(&files, &[target().clone()]).unwrap();
    assert!(matches!(merge.conflicts()[..], [Conflict::SameScript { name, .. }] if name == "say"));
}

#[test]
fn wheels_must_run_on_the_python_of_the_platform() {
    let wheel = Wheel::new("new", "1").header("Requires-Python", ">=3.99").file("new.py", "");
    let mut fixture = Fixture::new().info(|info| info.requirements = vec!["new".to_owned()]);
    fixture.add_wheel(&wheel.file_name(), wheel.bytes());
    let files = [opened("a", &fixture)];
    let merge = PexMerge::plan(&files, &[target().clone()]).unwrap();
    assert_eq!(said(&files), ["a requires new, which is missing"]);
    assert_eq!(merge.misfits().len(), 1);
}
