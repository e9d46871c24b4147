//! Releases: deployed, listed, rolled back, run and exported.

use std::{fs, os::unix::fs::symlink, process::Stdio};

use pinnace_test::{Ran, Wheel, write};
use serde_json::Value;

use crate::world::World;

/// Returns a world with the project `shop`, which requires `moo`.
pub(crate) fn shop() -> World {
    let world = World::new();
    let text = "[project]\nname = 'shop'\nversion = '1.0'\ndependencies = ['moo']\n\
                scripts.shop = 'shop:main'\n\
                [tool.pinnace]\nserve = ['python', '-m', 'shop', '{port}']\nstore = 's'\n";
    write(&world.path("p/pyproject.toml"), text);
    write(
        &world.path("p/src/shop/__init__.py"),
        "def main():\n    print(say())\n\ndef say():\n    return 'one'\n",
    );
    write(
        &world.path("p/src/shop/__main__.py"),
        "import sys, moo, shop\nprint(shop.say(), sys.argv[1:])\nmoo.main()\n",
    );
    write(&world.path("p/data.txt"), "some data\n");
    world
}

pub(crate) fn deploy(world: &World, arguments: &[&str]) -> Value {
    let ran = world.ok(&[&["deploy", "p", "--json"], arguments].concat());
    serde_json::from_str(&ran.out).unwrap()
}

pub(crate) fn python(world: &World, what: &str, code: &str) -> Ran {
    world.ok(&["run", what, "--store", "s", "--", "python", "-c", code])
}

#[test]
fn one_line_moves_one_line_and_nothing_moves_nothing() {
    let world = shop();
    let first = deploy(&world, &[]);
    assert_eq!(
        (&first["path"], &first["reason"], &first["generation"]),
        (&"full".into(), &"first deploy".into(), &1.into())
    );
    let again = deploy(&world, &[]);
    assert_eq!((&again["changed"], &again["generation"]), (&false.into(), &1.into()));
    assert_eq!(again["release"], first["release"]);
    write(
        &world.path("p/src/shop/__init__.py"),
        "def main():\n    print(say())\n\ndef say():\n    return 'two'\n",
    );
    world.index.take_requests();
    let edited = deploy(&world, &[]);
    assert_eq!(edited["path"], "fast");
    assert_eq!(edited["reason"], "deps unchanged since generation 1");
    let moved = &edited["uploaded"];
    assert!(moved["objects"] == 3 && moved["bytes"].as_u64().unwrap() < 4096, "{moved}");
    let reused = &edited["reused"];
    assert!(reused["objects"].as_u64().unwrap() > 5, "{reused}");
    assert!(reused["bytes"].as_u64().unwrap() > 1000, "{reused}");
    assert!(world.index.take_requests().is_empty(), "nothing was resolved");
    world.ok(&["store", "check", "--store", "s"]);
}

#[test]
fn what_runs_is_the_release_and_it_is_laid_out_once() {
    let world = shop();
    let release = deploy(&world, &[])["release"].as_str().unwrap().to_owned();
    let code = "import os, sys, moo, shop, importlib.metadata as m; print(shop.say(), m.version('shop'), \
                open('data.txt').read().strip(), sys.prefix != sys.base_prefix)";
    assert_eq!(python(&world, "shop", code).out, "one 1.0 some data True\n");
    assert_eq!(python(&world, &release[7..15], code).out, "one 1.0 some data True\n");
    let web = world.command(&["run", "shop", "--store", "s"]).env("PORT", "81").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&web.stdout), "one ['81']\nmoo 81\n");
    assert_eq!(world.ok(&["run", "shop", "--store", "s", "--", "shop"]).out, "one\n");
    world.fails(
        &["run", "shop", "--process", "worker", "--store", "s"],
        1,
        &["no process `worker`", "web"],
    );
    world.fails(
        &["run", "nobody", "--store", "s"],
        1,
        &["no such service or release in the store: `nobody`"],
    );
    // An empty cache gets a download of everything; another Python is refused before any download.
    let elsewhere = ["run", "shop", "--store", "s", "--", "python", "-c", code];
    let mut other = world.command(&elsewhere);
    let other = Ran::command(other.env("PINNACE_CACHE_DIR", world.path("other")));
    assert_eq!(other.out, "one 1.0 some data True\n");
    write(
        &world.path("p/pinnace.toml"),
        "service = 'old'\nplatform = 'manylinux_2_28_x86_64-cp36'\n",
    );
    world.index.take_requests();
    deploy(&world, &["--store", "s"]);
    world.fails(
        &["run", "old", "--python", "python3", "--store", "s", "--", "python"],
        1,
        &["the release is for", "another version of Python"],
    );
    // A materialized release runs without a store.
    fs::remove_dir_all(world.path("s")).unwrap();
    assert_eq!(
        world.ok(&["run", &release, "--", "python", "-c", code]).out,
        "one 1.0 some data True\n"
    );
}

#[test]
fn what_means_the_same_keeps_the_fast_path_and_what_does_not_leaves_it() {
    let world = World::new();
    for version in ["1.6", "1.7"] {
        let code = "def say(words):\n    return 'mu'\n";
        world.index.add(&Wheel::new("voice", version).file("voice.py", code));
    }
    world.index.add(&Wheel::new("extra", "2.0").file("extra.py", ""));
    write(&world.path("p/app.py"), "import moo\n");
    let requirements = |text: &str| write(&world.path("p/requirements.txt"), text);
    let reason = |arguments: &[&str]| {
        let done = deploy(&world, &[&["--store", "s"], arguments].concat());
        format!("{}: {}", done["path"].as_str().unwrap(), done["reason"].as_str().unwrap())
    };
    let unchanged = "fast: deps unchanged since generation 1";
    requirements("moo\nvoice>=1,<1.6 # for the sound\n");
    assert_eq!(reason(&[]), "full: first deploy");
    write(&world.path("p/more.txt"), "voice>=1,<1.6\n");
    for same in ["# comment\nvoice <1.6, >= 1\n\nMoo\n", "moo\n-r more.txt\n"] {
        requirements(same);
        assert_eq!(reason(&["--locked"]), unchanged, "{same}");
    }
    // A version changes only if a requirement or an option demands it.
    requirements("moo\n");
    assert_eq!(reason(&[]), unchanged);
    requirements("moo\nvoice>=1.6,<1.7\n");
    assert_eq!(reason(&[]), "full: voice 1.5 -> 1.6 (p/requirements.txt, line 2)");
    requirements("moo\nextra\n");
    world.fails(&["deploy", "p", "--store", "s", "--locked"], 1, &["`--locked` forbids resolving"]);
    assert_eq!(reason(&[]), "full: extra 2.0 added (p/requirements.txt, line 2)");
    requirements("moo\n");
    assert_eq!(reason(&[]), "full: extra 2.0 gone");
    assert_eq!(reason(&["--upgrade"]), "full: voice 1.6 -> 1.7");
    assert_eq!(reason(&["--full"]), "fast: deps unchanged since generation 8");
}

/// Checks that lost objects are uploaded again: by `--full`, and by a machine that finds a layer missing.
#[test]
fn what_the_store_has_lost_is_put_again() {
    let world = shop();
    let first = deploy(&world, &[]);
    let is_whole =
        || world.command(&["store", "check", "--store", "s"]).output().unwrap().status.success();
    fs::remove_dir_all(world.path("s/blobs")).unwrap();
    assert_eq!(deploy(&world, &[])["changed"], false);
    assert!(!is_whole());
    let again = deploy(&world, &["--full"]);
    assert_eq!((&again["changed"], &again["release"]), (&false.into(), &first["release"]));
    assert!(again["uploaded"]["objects"].as_u64().unwrap() >= 2, "{again}");
    assert!(is_whole());
    for (gone, reason) in
        [("s/packs", "layer missing in the store"), ("s/manifests", "layer missing in the store")]
    {
        fs::remove_dir_all(world.path(gone)).unwrap();
        let cache = gone.replace('/', "-");
        let mut command = world.command(&["deploy", "p", "--json"]);
        let ran = Ran::command(command.env("PINNACE_CACHE_DIR", world.path(&cache)));
        let done: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(
            (&done["path"], &done["reason"]),
            (&"full".into(), &reason.into()),
            "{}",
            ran.err
        );
        assert_eq!(done["release"], first["release"]);
        assert!(is_whole(), "{gone}");
    }
}

#[test]
fn earlier_releases_come_back() {
    let world = shop();
    let first = deploy(&world, &["--reason", "the first"])["release"].as_str().unwrap().to_owned();
    write(&world.path("p/src/shop/__init__.py"), "def say():\n    return 'two'\n");
    deploy(&world, &[]);
    let say = || python(&world, "shop", "import shop; print(shop.say())").out;
    assert_eq!(say(), "two\n");
    let back = world.ok(&["rollback", "shop", "--store", "s"]);
    assert!(back.out.contains("generation      3") || back.out.contains(&first), "{}", back.out);
    assert_eq!(say(), "one\n");
    let listed = world.ok(&["releases", "shop", "--store", "s", "--json"]);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    let reasons: Vec<&Value> =
        listed["releases"].as_array().unwrap().iter().map(|release| &release["reason"]).collect();
    assert_eq!(
        reasons,
        [&Value::from("rollback to generation 1"), &Value::Null, &"the first".into()]
    );
    world.fails(&["rollback", "shop", "--to", "9", "--store", "s"], 1, &["no generation 9"]);
    // A release deployed as another service keeps its digest.
    let other = deploy(&world, &["--service", "test", "--release", &first[..20]]);
    assert_eq!((&other["release"], &other["generation"]), (&first.clone().into(), &1.into()));
    assert!(world.ok(&["releases", "--store", "s"]).out.contains("test"));
    world.fails(
        &["deploy", "p", "--release", "ffff", "--store", "s"],
        1,
        &["no such service or release"],
    );
}

/// Checks that an export has the same bytes on every machine, and that it runs.
#[test]
fn releases_are_written_out_the_same_everywhere() {
    let world = shop();
    deploy(&world, &[]);
    world.ok(&["export", "shop", "-o", "a", "--store", "s"]);
    let export = ["export", "shop", "-o", "b", "--store", "s"];
    let elsewhere =
        world.command(&export).env("PINNACE_CACHE_DIR", world.path("other")).output().unwrap();
    assert!(elsewhere.status.success(), "{}", String::from_utf8_lossy(&elsewhere.stderr));
    for file in ["deps.pex", "source.pex"] {
        let read = |folder: &str| fs::read(world.path(folder).join(file)).unwrap();
        assert!(read("a") == read("b"), "{file}");
    }
    let mut run = world.command(&["run", "a/source.pex", "--", "x"]);
    let ran = Ran::command(run.env("PEX_PATH", world.path("a/deps.pex")));
    assert_eq!(ran.out, "one ['x']\nmoo x\n", "{}", ran.err);
    // Console scripts of the project and of its dependencies run by name.
    for (script, said) in [("shop", "one\n"), ("moo", "moo \n")] {
        let mut run = world.command(&["run", "a/source.pex"]);
        let run = run.env("PEX_PATH", world.path("a/deps.pex")).env("PEX_SCRIPT", script);
        let ran = Ran::command(run);
        assert_eq!(ran.out, said, "{}", ran.err);
    }
}

#[test]
fn secrets_stay_at_home_and_a_dry_run_says_so() {
    let world = shop();
    write(&world.path("p/.env"), "PASSWORD=hunter2\n");
    write(&world.path("p/.gitignore"), "*.log\n");
    write(&world.path("p/a.log"), "log");
    let done = deploy(&world, &["--dry-run"]);
    let out: Vec<(&str, &str)> = done["left_out"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["path"].as_str().unwrap(), file["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(out, [(".env", "it looks like a secret"), ("a.log", "`*.log` in .gitignore")]);
    assert_eq!((&done["published"], &done["generation"]), (&false.into(), &0.into()));
    assert!(!world.path("s").exists(), "a dry run makes no store");
    deploy(&world, &[]);
    let code = "import os; print(sorted(os.listdir('.')))";
    assert_eq!(
        python(&world, "shop", code).out,
        "['.gitignore', 'data.txt', 'pyproject.toml', 'src']\n"
    );
}

#[test]
fn what_cannot_be_deployed_is_said_and_changes_nothing() {
    let world = shop();
    deploy(&world, &[]);
    let settings = fs::read_to_string(world.path("p/pyproject.toml")).unwrap();
    let with = |more: &str| write(&world.path("p/pyproject.toml"), format!("{settings}{more}"));
    with("servce = []\n");
    world.fails(&["deploy", "p"], 2, &["pyproject.toml", "unknown field `servce`"]);
    with("prepare = ['sh', '-c', 'echo broken; exit 3']\n");
    world.fails(&["deploy", "p"], 1, &["the `prepare` command", "failed", "broken"]);
    with("env = ['PINNACE_TEST_KEY']\n");
    world.ok(&["deploy", "p"]);
    world.fails(&["run", "shop", "--store", "s"], 1, &["PINNACE_TEST_KEY"]);
    with("");
    symlink("/etc", world.path("p/link")).unwrap();
    world.fails(&["deploy", "p"], 1, &["cannot ship `link`", "out of the project"]);
    fs::remove_file(world.path("p/link")).unwrap();
    write(&world.path("p/pyproject.toml"), settings.replace("'moo'", "'unknown-project'"));
    world.fails(&["deploy", "p"], 1, &["unknown-project"]);
    world.fails(&["deploy", "nowhere"], 2, &["no such folder: `nowhere`"]);
    world.fails(&["deploy", "p", "--service", "a b"], 2, &["invalid service name"]);
    let listed = world.ok(&["releases", "shop", "--store", "s"]);
    assert_eq!(listed.out.lines().count(), 2, "{}", listed.out);
    world.ok(&["store", "check", "--store", "s"]);
}

/// Checks that files which `prepare` creates are part of the release.
#[test]
fn what_is_prepared_ships() {
    let world = shop();
    let settings = fs::read_to_string(world.path("p/pyproject.toml")).unwrap();
    let prepared = format!(
        "{settings}prepare = ['sh', '-c', 'echo made > made.txt']\nexclude = ['data.txt']\n"
    );
    write(&world.path("p/pyproject.toml"), prepared);
    deploy(&world, &[]);
    let code = "import os; print(open('made.txt').read().strip(), os.path.exists('data.txt'))";
    assert_eq!(python(&world, "shop", code).out, "made False\n");
}

/// Checks that of concurrent deployers one wins each generation, and that the others fail with its number.
#[test]
fn of_several_deployers_one_is_first() {
    let world = shop();
    deploy(&world, &[]);
    let projects: Vec<String> = (0..4).map(|number| format!("p{number}")).collect();
    for project in &projects {
        for file in ["pyproject.toml", "src/shop/__main__.py"] {
            let text = fs::read_to_string(world.path("p").join(file)).unwrap();
            write(&world.path(project).join(file), text);
        }
        write(&world.path(project).join("src/shop/__init__.py"), format!("NAME = '{project}'\n"));
    }
    let running: Vec<_> = projects
        .iter()
        .map(|project| {
            let mut command = world.command(&["deploy", project, "--json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let done: Vec<Ran> =
        running.into_iter().map(|child| Ran::of(child.wait_with_output().unwrap())).collect();
    let won: Vec<u64> = done
        .iter()
        .filter(|ran| ran.code == Some(0))
        .map(|ran| serde_json::from_str::<Value>(&ran.out).unwrap()["generation"].as_u64().unwrap())
        .collect();
    assert!(!won.is_empty(), "{done:?}");
    for lost in done.iter().filter(|ran| ran.code != Some(0)) {
        assert!(
            lost.err.contains("another deployer was first: `shop` is at generation"),
            "{}",
            lost.err
        );
    }
    let listed = world.ok(&["releases", "shop", "--store", "s"]);
    assert_eq!(listed.out.lines().count(), 1 + won.len());
    world.ok(&["store", "check", "--store", "s"]);
}

#[test]
fn mistakes_are_named() {
    let world = shop();
    fs::create_dir(world.path("empty")).unwrap();
    world.fails(&["deploy", "empty", "--store", "s"], 2, &["nothing to deploy in"]);
    write(&world.path("p/old.pex"), "built");
    write(&world.path("p/pinnace.toml"), "serve = ['shop', '{prt}']\nenv = ['PINNACE_TEST_KEY']\n");
    let ran = world.ok(&["deploy", "p", "--store", "s"]);
    assert!(ran.err.contains("`{prt}` of the process `web` is not replaced"), "{}", ran.err);
    let code = "import os; print(os.path.exists('old.pex'))";
    assert_eq!(python(&world, "shop", code).out, "False\n", "and a command needs no variables");
    let run = |port: &str| {
        let mut command = world.command(&["run", "shop", "--store", "s"]);
        Ran::command(command.env("PINNACE_TEST_KEY", "x").env("PORT", port))
    };
    for port in ["99999", "abc", "0"] {
        assert!(run(port).err.contains(&format!("PORT is not a port number: `{port}`")));
    }
    assert_eq!(run("80").out, "one\n");
    let ran = world.fails(&["deploy", "--nope", "--json"], 2, &[]);
    let json: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(json["error"], "unexpected argument '--nope' found");
}
