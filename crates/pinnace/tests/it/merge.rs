use std::fs;

use pinnace_test::{Wheel, write};
use serde_json::Value;

use crate::world::World;

/// Returns a world with two versions of a project, and another project that requires the older one.
fn world() -> World {
    let world = World::new();
    world.index.add(&Wheel::new("lib", "1.0").file("lib.py", "VERSION = 1\n"));
    world.index.add(&Wheel::new("lib", "2.0").file("lib.py", "VERSION = 2\n"));
    world.index.add(&Wheel::new("old", "1.0").requires("lib<2").file("old.py", "import lib\n"));
    world
}

#[test]
fn files_become_one_and_the_first_says_what_runs() {
    let world = world();
    write(&world.path("src/app.py"), "import moo, lib\nprint('app', lib.VERSION)\n");
    world.ok(&["build", "lib", "-D", "src", "-m", "app", "-o", "app.pex"]);
    world.ok(&["build", "moo", "--script", "moo", "-o", "moo.pex"]);
    let ran = world.ok(&["merge", "app.pex", "moo.pex", "-o", "all.pex"]);
    assert!(ran.out.starts_with("all.pex: ") && ran.out.contains("3 wheels of 2 files"), "{ran:?}");
    assert_eq!(world.run("all.pex", &[]).out, "app 2\n");
    let ran = world.ok(&["verify", "all.pex"]);
    assert!(
        ran.out.starts_with("all.pex: intact, 3 wheels, all requirements satisfied on "),
        "{ran:?}"
    );
    let ran =
        world.ok(&["merge", "moo.pex", "app.pex", "-o", "all", "--layout", "packed", "--json"]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["wheels"].as_array().unwrap().len(), 3);
    assert!(
        world.path("all/pex").exists() && world.run("all/pex", &["-t", "x"]).out.contains("moo")
    );
}

#[test]
fn what_does_not_go_together_is_refused_and_can_be_allowed() {
    let world = world();
    world.ok(&["build", "lib", "-o", "new.pex"]);
    world.ok(&["build", "old", "-o", "old.pex"]);
    let twice = "two distributions of lib: `lib-2.0-py3-none-any.whl` (in new.pex) and `lib-1.0-py3-none-any.whl` (in old.pex)";
    let ran =
        world.fails(&["merge", "new.pex", "old.pex", "-o", "all.pex"], 1, &[twice, "--first-wins"]);
    assert!(ran.err.contains("requires lib<2"), "{}", ran.err);
    assert!(!world.path("all.pex").exists());
    let unmet = "`old-1.0-py3-none-any.whl` (in old.pex) requires lib<2";
    world.fails(
        &["merge", "new.pex", "old.pex", "-o", "all.pex", "--first-wins"],
        1,
        &[unmet, "--ignore-errors"],
    );
    let ran = world.ok(&["merge", "old.pex", "new.pex", "-o", "all.pex", "--first-wins=lib"]);
    assert!(ran.err.contains("warning: two distributions of lib"), "{}", ran.err);
    assert_eq!(world.run("all.pex", &["-c", "import old; print(old.lib.VERSION)"]).out, "1\n");
}

/// Checks that a path of two wheels, which builds tolerate as installers do, is no error of `verify` or `merge`.
#[test]
fn what_a_build_tolerates_is_whole_and_can_be_merged() {
    let world = world();
    world.index.add(&Wheel::new("one", "1.0").file("tests/x.py", "ONE = 1\n"));
    world.index.add(&Wheel::new("two", "1.0").file("tests/x.py", "TWO = 2\n"));
    let ran = world.ok(&["build", "one", "two", "-o", "a.pex"]);
    assert!(ran.err.contains("`tests/x.py` is in"), "{}", ran.err);
    world.ok(&["verify", "a.pex"]);
    world.ok(&["merge", "a.pex", "-o", "b.pex"]);
    world.ok(&["build", "one", "-o", "one.pex"]);
    world.ok(&["build", "two", "-o", "two.pex"]);
    world.fails(&["merge", "one.pex", "two.pex", "-o", "c.pex"], 1, &["`tests/x.py` is in"]);
    world.ok(&["merge", "one.pex", "two.pex", "-o", "c.pex", "--first-wins"]);
    world.ok(&["verify", "c.pex"]);
}

/// Checks that patch levels of Python do not matter, since the name of a platform has none.
#[test]
fn a_wheel_for_later_patches_of_a_python_is_as_good_as_any() {
    let world = world();
    world.index.add(
        &Wheel::new("late", "1.0").requires("lib").header("Requires-Python", ">=3.12.1,!=3.12.2"),
    );
    world.ok(&["build", "late", "--platform", "manylinux_2_31_x86_64-3.12.7", "-o", "a.pex"]);
    world.ok(&["verify", "a.pex"]);
    let ran = world.ok(&["merge", "a.pex", "-o", "b.pex"]);
    assert!(ran.out.contains("2 wheels") && !ran.err.contains("fits no platform"), "{ran:?}");
    world.fails(
        &["verify", "a.pex", "--platform", "manylinux_2_31_x86_64-3.12.2"],
        1,
        &["late-1.0-py3-none-any.whl` fits no platform"],
    );
}

#[test]
fn an_input_can_be_the_output() {
    let world = world();
    world.ok(&["build", "lib", "-o", "a.pex"]);
    world.ok(&["build", "moo", "-o", "b.pex"]);
    world.ok(&["merge", "a.pex", "b.pex", "-o", "a.pex"]);
    world.ok(&["verify", "a.pex"]);
    world.ok(&["merge", "a.pex", "a.pex", "-o", "c.pex"]);
    assert_eq!(world.ok(&["diff", "a.pex", "c.pex"]).out, "nothing differs\n");
    assert_eq!(fs::read(world.path("a.pex")).unwrap(), fs::read(world.path("c.pex")).unwrap());
}

#[test]
fn a_damaged_file_is_told_and_merged_by_nobody() {
    let world = world();
    world.ok(&["build", "lib", "-o", "a.pex"]);
    let mut bytes = fs::read(world.path("a.pex")).unwrap();
    let at = bytes.windows(11).position(|part| part == b"VERSION = 2").unwrap();
    bytes[at + 10] = b'3';
    write(&world.path("bad.pex"), bytes);
    let ran = world.fails(&["verify", "bad.pex", "--json"], 1, &["has problems"]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["whole"], false);
    assert!(json["problems"].as_array().unwrap().len() > 1);
    world.fails(&["merge", "bad.pex", "-o", "c.pex"], 1, &["lib-2.0-py3-none-any.whl"]);
    world.fails(&["verify", "gone.pex"], 1, &["cannot read `gone.pex`"]);
    write(&world.path("empty"), "");
    world.fails(&["info", "empty"], 1, &["cannot read `empty`"]);
    fs::create_dir(world.path("folder")).unwrap();
    world.fails(&["diff", "folder", "a.pex"], 1, &["cannot read `folder`", "it has no PEX-INFO"]);
}

#[test]
fn a_difference_can_be_an_exit_code() {
    let world = world();
    world.ok(&["build", "lib", "-o", "a.pex"]);
    world.ok(&["build", "lib<2", "-o", "b.pex"]);
    assert!(
        world.ok(&["diff", "a.pex", "b.pex"]).out.starts_with("lib 2.0 -> 1.0; requirements is ")
    );
    let ran = world.fails(&["diff", "a.pex", "b.pex", "--exit-code", "--json"], 1, &[]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["distributions"]["lib"]["change"], "version");
    assert_eq!(ran.err, "");
    world.ok(&["diff", "a.pex", "a.pex", "--exit-code"]);
    for (option, key) in [
        (&["--no-emit-warnings"][..], "emit_warnings"),
        (&["--no-strip-pex-env"], "strip_pex_env"),
        (&["--build-property", "git=abc"], "build_properties"),
    ] {
        world.ok(&[&["build", "lib", "-o", "other.pex"], option].concat());
        world.ok(&["build", "lib", "-o", "plain.pex"]);
        let ran = world.fails(&["diff", "plain.pex", "other.pex", "--exit-code"], 1, &[]);
        assert!(ran.out.starts_with(&format!("{key} is ")), "{ran:?}");
    }
}

#[test]
fn files_that_two_wheels_have_are_told_by_a_build() {
    let world = World::new();
    world.index.add(&Wheel::new("a", "1").file("tests/__init__.py", "1\n").file("a.py", ""));
    world.index.add(&Wheel::new("b", "1").file("tests/__init__.py", "2\n").file("b.py", ""));
    for round in ["cold", "kept"] {
        let ran = world.ok(&["build", "a", "b", "-o", "ab.pex"]);
        let said = "warning: `tests/__init__.py` is in `a-1-py3-none-any.whl` (in the request) and";
        assert!(ran.err.contains(said), "{round}: {}", ran.err);
    }
}

#[test]
fn platforms_of_all_files_are_kept() {
    let world = World::new();
    for python in ["cp311", "cp313"] {
        let wheel = format!("native-1-{python}-{python}-manylinux_2_17_x86_64.whl");
        world.index.add(&Wheel::named(&wheel).file("native.py", ""));
    }
    for python in ["cp311", "cp313"] {
        let platform = format!("manylinux_2_28_x86_64-{python}");
        world.ok(&["build", "native", "--platform", &platform, "-o", &format!("{python}.pex")]);
    }
    world.ok(&["merge", "cp311.pex", "cp313.pex", "-o", "both.pex"]);
    let shown = world.ok(&["info", "both.pex"]).out;
    assert!(shown.contains("native-1-cp311") && shown.contains("native-1-cp313"), "{shown}");
    world.ok(&["verify", "both.pex"]);
}

#[test]
fn settings_that_are_not_taken_are_told() {
    let world = world();
    world.ok(&["build", "lib", "-o", "a.pex"]);
    world.ok(&["build", "moo", "-c", "moo", "--inject-env", "A=2", "-o", "b.pex"]);
    let ran = world.ok(&["merge", "a.pex", "b.pex", "-o", "c.pex"]);
    for key in ["entry_point", "inject_env"] {
        assert!(ran.err.contains(&format!("warning: {key} of b.pex (")), "{}", ran.err);
    }
}

#[test]
fn bytecode_and_modes_are_differences() {
    let world = world();
    world.ok(&["build", "lib", "-o", "a.pex"]);
    world.ok(&["build", "lib", "--compile", "-o", "b.pex"]);
    assert!(world.ok(&["diff", "a.pex", "b.pex"]).out.contains("bytecode"));
    world.fails(&["diff", "a.pex", "b.pex", "--exit-code"], 1, &[]);
}

#[test]
fn what_is_wrong_on_one_platform_says_so() {
    let world = World::new();
    world
        .index
        .add(&Wheel::named("native-1-cp311-cp311-manylinux_2_17_x86_64.whl").file("native.py", ""));
    let platform = |python: &str| format!("manylinux_2_28_x86_64-{python}");
    world.ok(&["build", "native", "--platform", &platform("cp311"), "-o", "a.pex"]);
    world.ok(&["build", "moo", "--platform", &platform("cp313"), "-o", "b.pex"]);
    let said = "a.pex requires native, which is missing (on manylinux_2_28_x86_64-cp313-cp313)";
    world.fails(&["merge", "a.pex", "b.pex", "-o", "c.pex"], 1, &[said]);
}
