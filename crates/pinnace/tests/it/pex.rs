//! Item numbers are those of the pex tool's behaviours that `docs/pex.md` lists.

use std::{fs, os::unix::process::ExitStatusExt, process::Command};

use pinnace_test::{Wheel, write};

use crate::world::World;

/// Returns the complete platform of the interpreter, as the server of a deployment sends it.
fn complete_platform(world: &World) -> String {
    let code = "import json, sys, platform, os, sysconfig
tags = ['cp%d%d-cp%d%d-%s' % (*sys.version_info[:2] * 2, t) for t in ('manylinux_2_17_x86_64', 'linux_x86_64')]
markers = {'implementation_name': 'cpython', 'os_name': 'posix', 'sys_platform': 'linux',
  'python_version': '%d.%d' % sys.version_info[:2], 'python_full_version': '%d.%d.%d' % sys.version_info[:3],
  'platform_machine': 'x86_64', 'platform_system': 'Linux', 'platform_release': '', 'platform_version': '',
  'platform_python_implementation': 'CPython', 'implementation_version': '%d.%d.%d' % sys.version_info[:3]}
print(json.dumps({'path': sys.executable, 'marker_environment': markers, 'compatible_tags': tags + ['py3-none-any']}))";
    let ran = Command::new("python3").args(["-c", code]).output().unwrap();
    assert!(ran.status.success(), "{}", world.folder.path().display());
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[test]
fn what_dagster_asks_of_the_pex_tool_is_done() {
    let world = World::new();
    write(&world.path("requirements.txt"), "moo\n");
    write(&world.path("src/app.py"), "import moo\nprint('app')\n");
    write(&world.path("built/setup_app.py"), "");
    let platform = format!("--complete-platform={}", complete_platform(&world));
    let flags = [
        "pex",
        &platform,
        "--no-strip-pex-env",
        "--pip-version=latest",
        "-v",
        "-v",
        "-v",
        "--resolve-local-platforms",
    ];
    let deps = ["--resolver-version=pip-2020-resolver", "-r", "requirements.txt", "-o", "deps.pex"];
    world.ok(&[&flags[..], &deps].concat());
    world.ok(&[&flags[..], &["-D", "built", "-D", "src", "-o", "source.pex"]].concat());
    let mut command = Command::new(world.path("source.pex"));
    command
        .args(["-m", "app"])
        .env("PEX_ROOT", world.path("root"))
        .env("PEX_PATH", world.path("deps.pex"));
    assert_eq!(command.output().unwrap().stdout, b"app\n");
}

/// Arguments of a build, arguments of a run, and the expected output.
type Example<'e> = (&'e [&'e str], &'e [&'e str], &'e str);

/// The examples in the documentation of the pex tool.
const EXAMPLES: &[Example<'_>] = &[
    (&["moo", "-c", "moo", "-o", "out.pex"], &["-t", "x"], "moo -t x\n"),
    (
        &["moo", "voice>=1", "-o", "out.pex", "-r", "requirements.txt"],
        &["-c", "import moo, voice; print(1)"],
        "1\n",
    ),
    (&["-D", ".", "-e", "app.main:run", "-o", "out.pex", "--no-compress"], &["a"], "run a\n"),
    (&["-P", "app", "-m", "app.main:run", "--output-file", "out.pex", "--venv"], &["b"], "run b\n"),
    (&["moo", "--script=moo", "-oout.pex", "--sh-boot", "--venv", "prepend"], &[], "moo \n"),
    (
        &["moo", "-o", "out.pex", "--include-tools", "--inherit-path=fallback"],
        &["-c", "import moo"],
        "",
    ),
    (
        &["moo", "--intransitive", "-o", "out.pex"],
        &["-c", "import importlib.util as u; print(u.find_spec('voice'))"],
        "None\n",
    ),
    (
        &[
            "moo",
            "--python-shebang",
            "/usr/bin/env python3",
            "-c",
            "moo",
            "--inject-args",
            "-t hi",
            "-o",
            "out.pex",
        ],
        &[],
        "moo -t hi\n",
    ),
];

#[test]
fn the_builds_of_its_documentation_are_done() {
    let world = World::new();
    write(&world.path("requirements.txt"), "voice\n");
    write(&world.path("app/__init__.py"), "");
    write(&world.path("app/main.py"), "import sys\ndef run():\n    print('run', *sys.argv[1:])\n");
    for (arguments, run, expected) in EXAMPLES {
        let _ = fs::remove_file(world.path("out.pex"));
        let all: Vec<&str> = ["pex"].into_iter().chain(arguments.iter().copied()).collect();
        world.ok(&all);
        let ran = world.run("out.pex", run);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(0), *expected),
            "{arguments:?}: {}",
            ran.err
        );
    }
    let ran = world.ok(&["pex", "moo", "--", "-c", "import moo; print('ephemeral')"]);
    assert_eq!(ran.out, "ephemeral\n");
}

#[test]
fn item_21_a_foreign_platform_takes_its_wheels_and_names_what_has_none() {
    let world = World::new();
    world
        .index
        .add(&Wheel::named("native-1-cp312-cp312-macosx_11_0_arm64.whl").file("native.py", ""));
    world
        .index
        .add(&Wheel::named("native-1-cp312-cp312-manylinux_2_17_x86_64.whl").file("native.py", ""));
    world
        .index
        .add(&Wheel::named("other-1-cp312-cp312-manylinux_2_17_x86_64.whl").file("other.py", ""));
    world.ok(&["pex", "native", "--platform", "macosx_11_0_arm64-cp-312-cp312", "-o", "mac.pex"]);
    let shown = world.ok(&["info", "mac.pex"]).out;
    assert!(
        shown.contains("native-1-cp312-cp312-macosx_11_0_arm64.whl")
            && !shown.contains("manylinux")
    );
    let words = ["other 1", "macosx_11_0_arm64"];
    world.fails(
        &["pex", "other", "--platform", "macosx_11_0_arm64-cp-312-cp312", "-o", "no.pex"],
        1,
        &words,
    );
}

#[test]
fn item_22_a_marker_that_the_platform_cannot_answer_is_named() {
    let world = World::new();
    world.index.add(&Wheel::new("a", "1").requires("moo; platform_release > '5'").file("a.py", ""));
    let platform = r#"{"marker_environment": {"python_version": "3.12"}, "compatible_tags": ["py3-none-any"]}"#;
    let arguments = ["pex", "a", "--complete-platform", platform, "-o", "a.pex"];
    world.fails(&arguments, 1, &["platform_release"]);
}

#[test]
fn item_23_what_is_excluded_is_absent_and_what_is_overridden_replaced() {
    let world = World::new();
    world.index.add(&Wheel::new("voice", "1.0").file("voice.py", "VOICE = 'old'\n"));
    world.ok(&["pex", "moo", "--exclude", "voice", "-o", "a.pex"]);
    let gone = "import importlib.util as u; print(u.find_spec('voice'))";
    assert_eq!(world.run("a.pex", &["-c", gone]).out, "None\n");
    world.ok(&["pex", "moo", "--override", "voice==1.0", "-o", "b.pex"]);
    let there = "import importlib.metadata as m; print(m.version('voice'))";
    assert_eq!(world.run("b.pex", &["-c", there]).out, "1.0\n");
}

#[test]
fn what_cannot_be_done_is_refused_with_a_reason() {
    let world = World::new();
    for (option, reason) in [
        ("--use-system-time", "builds are always reproducible"),
        ("--scie=eager", "--scie"),
        ("--nonsense", "--nonsense"),
    ] {
        world.fails(&["pex", "moo", option, "-o", "a.pex"], 2, &[reason]);
    }
    let ran = world.ok(&["pex", "moo", "--jobs", "4", "-o", "a.pex"]);
    assert!(ran.err.contains("note: options without effect: --jobs"), "{}", ran.err);
}

#[test]
fn constraints_choose_the_interpreter_or_refuse_it() {
    let world = World::new();
    for bad in ["garbage", "3.11", "python>=3.8", ">=3.8;<4"] {
        world.fails(
            &["build", "moo", "--interpreter-constraint", bad, "-o", "a.pex"],
            2,
            &["not an interpreter constraint"],
        );
    }
    world.ok(&["build", "moo", "--interpreter-constraint", "CPython>=3.8", "-o", "a.pex"]);
    let ran = world.fails(
        &["build", "moo", "--interpreter-constraint", "==3.7.*", "-o", "b.pex"],
        1,
        &[],
    );
    assert!(ran.err.contains("no interpreter on PATH satisfies `==3.7.*`"), "{}", ran.err);
    let named = [
        "build",
        "moo",
        "--platform",
        "linux_x86_64-cp312",
        "--interpreter-constraint",
        "<3.12",
        "-o",
        "b.pex",
    ];
    world.fails(&named, 2, &["does not satisfy the interpreter constraint `<3.12`"]);
}

#[test]
fn a_script_says_what_it_requires() {
    let world = World::new();
    let block = "# /// script\n# requires-python = '>=3.8'\n# dependencies = ['moo']\n# ///\n";
    write(&world.path("tool.py"), format!("{block}import moo\nprint('tool')\n"));
    world.ok(&["pex", "--exe", "tool.py", "-o", "tool.pex"]);
    assert_eq!(world.run("tool.pex", &[]).out, "tool\n");
    let constrained = ["pex", "--exe", "tool.py", "-o", "tool.pex", "--interpreter-constraint"];
    let constrained = |constraint| [&constrained[..], &[constraint]].concat();
    world.fails(&constrained("<3.8"), 2, &["no interpreter satisfies both `<3.8` and `>=3.8`"]);
    world.ok(&constrained("CPython"));
    let info = world.ok(&["info", "tool.pex", "--json"]).out;
    assert!(info.contains("CPython>=3.8"), "{info}");
    world.ok(&["pex", "--exe", "tool.py", "--no-pep723", "-o", "bare.pex"]);
    assert_eq!(world.run("bare.pex", &[]).code, Some(1));
}

#[test]
fn arguments_are_split_as_a_shell_does() {
    let world = World::new();
    world.ok(&["build", "moo", "-c", "moo", "--inject-args", "-t 'a  b'", "-o", "a.pex"]);
    assert_eq!(world.run("a.pex", &[]).out, "moo -t a  b\n");
    world.fails(&["build", "moo", "--inject-args", "'open", "-o", "a.pex"], 2, &["unclosed quote"]);
}

#[test]
fn scripts_of_members_can_be_run() {
    let world = World::new();
    world.ok(&["build", "moo", "-o", "moo.pex"]);
    let member = world.path("moo.pex").display().to_string();
    write(&world.path("src/x.py"), "");
    world.ok(&["build", "-D", "src", "--pex-path", &member, "-c", "moo", "-o", "a.pex"]);
    assert_eq!(world.run("a.pex", &["x"]).out, "moo x\n");
}

#[test]
fn what_runs_without_an_output_takes_our_place() {
    let world = World::new();
    let killed = ["pex", "moo", "--", "-c", "import os; os.kill(os.getpid(), 9)"];
    assert_eq!(world.command(&killed).output().unwrap().status.signal(), Some(9));
    assert_eq!(world.ok(&["pex", "--", "-c", "print('empty')"]).out, "empty\n");
}

#[test]
fn a_folder_that_holds_more_than_a_build_made_is_left_alone() {
    let world = World::new();
    world.ok(&["build", "moo", "--layout", "loose", "-o", "out"]);
    world.ok(&["build", "moo", "--layout", "loose", "-o", "out"]);
    write(&world.path("out/mine.txt"), "mine");
    world.fails(
        &["build", "moo", "--layout", "loose", "-o", "out"],
        2,
        &["was edited since its build"],
    );
    assert!(world.path("out/mine.txt").exists());
}
