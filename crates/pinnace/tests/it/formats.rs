//! The project formats and the locks that a deployment reads.

use std::fs;

use pinnace_test::{Wheel, write};
use serde_json::Value;

use crate::{
    deploy::{deploy, python, shop},
    world::World,
};

/// A name, the files of a project, and the distributions that it requires.
type Row<'r> = (&'r str, &'r [(&'r str, &'r str)], &'r [&'r str]);

macro_rules! project {
    () => {
        "[project]\nname = 'app'\nversion = '1'\n"
    };
}

macro_rules! poetry {
    () => {
        "[tool.poetry]\nname = 'app'\nversion = '1'\n[tool.poetry.dependencies]\npython = '^3.8'\nmoo = '^1.0'\n\
         extra = { version = '*', optional = true }\n[tool.poetry.group.web.dependencies]\nweb = '~2.0'\n"
    };
}

const LIB: &str = "[project]\nname = 'lib'\nversion = '3'\ndependencies = ['moo']\n";

/// The rows of the table in docs/deploying.md.
const FORMATS: &[Row<'_>] = &[
    ("nothing", &[("app.py", "")], &[]),
    (
        "pep 621",
        &[("pyproject.toml", concat!(project!(), "dependencies = ['moo']\n"))],
        &["moo", "voice"],
    ),
    (
        "extras and groups",
        &[(
            "pyproject.toml",
            concat!(
                project!(),
                "optional-dependencies.more = ['extra']\n[dependency-groups]\nweb = ['web']\n",
                "[tool.pinnace]\nextra = ['more']\ngroup = ['web']\n"
            ),
        )],
        &["extra", "web"],
    ),
    ("poetry", &[("pyproject.toml", poetry!())], &["moo", "voice"]),
    (
        "groups of poetry",
        &[("pyproject.toml", concat!(poetry!(), "[tool.pinnace]\ngroup = ['web']\n"))],
        &["moo", "voice", "web"],
    ),
    (
        "setup.cfg",
        &[
            ("setup.cfg", "[metadata]\nname = app\n[options]\ninstall_requires =\n  moo>=1\n"),
            ("setup.py", "from setuptools import setup\nsetup()\n"),
        ],
        &["moo", "voice"],
    ),
    (
        "requirements",
        &[
            ("requirements.txt", "-r more/a.txt\n-c c.txt\nextra \\\n  >=1\n"),
            ("more/a.txt", "moo\n"),
            ("c.txt", "voice<2\n"),
        ],
        &["extra", "moo", "voice"],
    ),
    (
        "a folder",
        &[
            ("requirements.txt", "-e ./lib\n"),
            ("lib/pyproject.toml", LIB),
            ("lib/src/lib/__init__.py", ""),
        ],
        &["moo", "voice"],
    ),
    (
        "a path of uv",
        &[
            (
                "pyproject.toml",
                concat!(
                    project!(),
                    "dependencies = ['lib']\n[tool.uv.sources]\nlib = { path = 'lib' }\n"
                ),
            ),
            ("lib/pyproject.toml", LIB),
            ("lib/src/lib/__init__.py", ""),
        ],
        &["moo", "voice"],
    ),
    (
        "a path of poetry",
        &[
            (
                "pyproject.toml",
                "[tool.poetry]\nname = 'app'\nversion = '1'\n[tool.poetry.dependencies]\nlib = { path = 'lib' }\n",
            ),
            ("lib/pyproject.toml", LIB),
            ("lib/src/lib/__init__.py", ""),
        ],
        &["moo", "voice"],
    ),
];

#[test]
fn every_format_says_what_is_required() {
    FORMATS.iter().for_each(check_format);
}

fn check_format((row, files, expected): &Row<'_>) {
    let world = World::new();
    world.index.add(&Wheel::new("extra", "2.0").file("extra.py", ""));
    world.index.add(&Wheel::new("web", "2.0.5").file("web.py", ""));
    world.index.add(&Wheel::new("web", "2.1").file("web.py", ""));
    fs::create_dir(world.path("p")).unwrap();
    files.iter().for_each(|(path, text)| write(&world.path("p").join(path), text));
    deploy(&world, &["--store", "s", "--service", "app"]);
    let code = "import importlib.metadata as m; print(sorted({d.name for d in m.distributions()} - {'app', 'lib'}))";
    let expected = format!("{expected:?}\n").replace('"', "'");
    assert_eq!(python(&world, "app", code).out, expected, "{row}");
    if files.iter().any(|(path, _)| path.starts_with("lib/")) {
        let version =
            python(&world, "app", "import lib, importlib.metadata as m; print(m.version('lib'))");
        assert_eq!(version.out, "3\n", "{row}");
    }
}

/// Checks that a lock is not resolved again, and that live wheels are not downloaded again.
#[test]
fn locks_are_taken_as_they_are() {
    let world = shop();
    world.ok(&["lock", "--project", "p", "-o", "p/pylock.toml"]);
    world.index.add(&Wheel::new("voice", "9.0").file("voice.py", ""));
    assert_eq!(deploy(&world, &["--locked"])["path"], "full");
    assert!(
        python(&world, "shop", "import importlib.metadata as m; print(m.version('voice'))")
            .out
            .starts_with("1.5")
    );
    world.index.take_requests();
    write(&world.path("p/data.txt"), "other data\n");
    let empty = world
        .command(&["deploy", "p", "--json"])
        .env("PINNACE_CACHE_DIR", world.path("empty"))
        .output()
        .unwrap();
    let done: Value = serde_json::from_slice(&empty.stdout).unwrap();
    assert_eq!(
        (&done["path"], &done["reason"]),
        (&"fast".into(), &"deps unchanged since generation 1".into())
    );
    assert!(world.index.take_requests().iter().all(|path| !path.starts_with("/files/")));
}

#[test]
fn what_of_poetry_has_no_standard_is_refused() {
    let world = World::new();
    write(
        &world.path("p/pyproject.toml"),
        "[tool.poetry]\nname = 'x'\n[tool.poetry.dependencies]\na = '^1 || ^2'\n",
    );
    world.fails(&["deploy", "p", "--store", "s"], 1, &["[tool.poetry]", "several ranges"]);
    write(
        &world.path("p/pyproject.toml"),
        "[tool.poetry]\nname = 'x'\n[tool.poetry.dependencies]\na = { git = 'https://host/a' }\n",
    );
    world.fails(&["deploy", "p", "--store", "s"], 2, &["in a git repository"]);
}

/// Checks that the versions of a Poetry lock are preferred, and kept until the lock changes.
#[test]
fn versions_of_a_lock_of_poetry_are_preferred() {
    let world = World::new();
    for version in ["1.6", "1.7"] {
        world.index.add(&Wheel::new("voice", version).file("voice.py", ""));
    }
    let project = |range: &str| {
        let text = format!(
            "[tool.poetry]\nname = 'shop'\nversion = '1'\n[tool.poetry.dependencies]\nvoice = '{range}'\n"
        );
        write(&world.path("p/pyproject.toml"), text);
    };
    let lock = |version: &str| {
        let text = format!("[[package]]\nname = \"voice\"\nversion = \"{version}\"\n");
        write(&world.path("p/poetry.lock"), text);
    };
    let reason = || {
        let done = deploy(&world, &["--store", "s", "--dry-run"]);
        deploy(&world, &["--store", "s"]);
        done["reason"].as_str().unwrap().to_owned()
    };
    project("^1.5");
    lock("1.6");
    assert_eq!(reason(), "first deploy");
    let version = "import importlib.metadata as m; print(m.version('voice'))";
    assert_eq!(python(&world, "shop", version).out, "1.6\n");
    lock("1.7");
    assert!(reason().starts_with("voice 1.6 -> 1.7"));
    project(">=1.5,<1.7");
    assert!(reason().starts_with("voice 1.7 -> 1.6"));
    write(&world.path("p/poetry.lock"), "[[package]]\nversion = \"1\"\n");
    world.fails(&["deploy", "p", "--store", "s"], 1, &["poetry.lock", "missing field `name`"]);
}

/// Checks that a lock which lacks a requirement of the project is refused.
#[test]
fn a_lock_that_is_older_than_the_project_is_refused() {
    let world = World::new();
    let project = |more: &str, python: &str| {
        let text = format!(
            "[project]\nname = 'shop'\nversion = '1'\nrequires-python = '{python}'\ndependencies = ['voice'{more}]\n"
        );
        write(&world.path("p/pyproject.toml"), text);
    };
    project("", ">=3.8");
    world.ok(&["lock", "--project", "p", "-o", "p/pylock.toml"]);
    let done = deploy(&world, &["--store", "s"]);
    assert!(done["lock"].as_str().unwrap().ends_with("p/pylock.toml"), "{done}");
    let refused = |words: &str| {
        world.fails(&["deploy", "p", "--store", "s", "--locked"], 1, &[words, "lock again"]);
    };
    project(", 'moo'", ">=3.8");
    refused("requires moo, but");
    project(", 'voice>=2'", ">=3.8");
    refused("has 1.5");
    project("", ">=3.99");
    refused("requires Python >=3.99 (shop)");
    project(", 'moo ; sys_platform == \"win32\"'", ">=3.8");
    deploy(&world, &["--store", "s"]);
    // The same check of `requires-python` without a lock.
    fs::remove_file(world.path("p/pylock.toml")).unwrap();
    deploy(&world, &["--store", "s"]);
    project("", ">=3.99");
    world.fails(&["deploy", "p", "--store", "s"], 1, &["requires Python >=3.99"]);
}
