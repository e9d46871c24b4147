//! Source distributions: built in isolation, checked and cached.

use std::fs;

use pinnace_test::{Ran, Sdist, Wheel, write};
use serde_json::{Value, json};

use crate::world::World;

const BACKEND: &str = include_str!("backend.py");
const PYPROJECT: &str =
    "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n";

/// Returns a world whose index has `tool` 1.0 as a source distribution. Only a build tells its requirements.
fn world(plan: &Value) -> World {
    let world = World::new();
    let mut whole = json!({
        "name": "tool", "version": "1.0", "tag": "py3-none-any", "dependencies": ["voice"],
        "log": world.path("log"),
    });
    whole.as_object_mut().unwrap().extend(plan.as_object().unwrap().clone());
    let plan = whole.to_string();
    let tool = Sdist::new("tool", "1.0")
        .file("pyproject.toml", PYPROJECT)
        .file("backend.py", BACKEND)
        .file("plan.json", plan);
    world.index.add_sdist(&tool);
    world
}

fn log(world: &World) -> String {
    fs::read_to_string(world.path("log")).unwrap_or_default().replace('\n', " ")
}

/// Counts the folders that builds left behind.
fn remains(world: &World) -> usize {
    fs::read_dir(world.path("cache/builds/1")).map_or(0, Iterator::count)
}

fn seen(world: &World) -> Value {
    let code = "import json, tool, voice; print(json.dumps(tool.SEEN))";
    serde_json::from_str(&world.run("app.pex", &["-c", code]).out).unwrap()
}

#[test]
fn a_source_distribution_is_built_once() {
    let world = world(&json!({}));
    let ran = world.ok(&["build", "tool", "-o", "app.pex"]);
    assert!(ran.err.contains("building tool-1.0.tar.gz"), "{}", ran.err);
    assert_eq!(seen(&world)["home"], json!([]));
    assert_eq!(log(&world), "metadata wheel ");
    world.ok(&["build", "tool", "-o", "app.pex"]);
    world.ok(&["build", "tool", "moo", "-o", "app.pex"]);
    assert_eq!(log(&world), "metadata wheel ", "what was built is known");
    assert_eq!(remains(&world), 0);
}

#[test]
fn what_builds_is_cut_off() {
    let world = world(&json!({}));
    let reach = world.index.url().replace("http://", "").replace("/simple", "");
    let world = self::world(&json!({ "reach": reach }));
    let mut command = world.command(&["build", "tool", "-o", "app.pex"]);
    command.env("AWS_SECRET_ACCESS_KEY", "s3cret").env("CFLAGS", "-O1").env("PYTHONPATH", "/x");
    let ran = Ran::command(&mut command);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let seen = seen(&world);
    let is_warned = ran.err.contains("could reach the network");
    assert_eq!(
        seen["network"],
        json!(is_warned),
        "a build that can reach the network gets a warning"
    );
    let variables = seen["variables"].to_string();
    assert!(variables.contains("CFLAGS") && variables.contains("SOURCE_DATE_EPOCH"), "{variables}");
    assert!(!variables.contains("AWS") && !variables.contains("PYTHONPATH"), "{variables}");
    // Other compiler flags lead to another build.
    world.ok(&["build", "tool", "-o", "app.pex"]);
    assert_eq!(log(&world), "metadata wheel metadata wheel ");
}

#[test]
fn what_came_of_it_is_believed_only_if_it_is_what_was_asked_for() {
    let own = std::env::current_exe().unwrap();
    for (plan, words) in [
        (json!({ "fails": "no compiler" }), ["its backend failed", "no compiler"]),
        (json!({ "version": "1.1" }), ["its metadata names tool 1.1", "not tool 1.0"]),
        (json!({ "says": "1.1" }), ["tool-1.0.tar.gz", "not tool 1.0"]),
        (json!({ "name": "other" }), ["names other 1.0", "not tool 1.0"]),
        (json!({ "tag": "cp27-cp27m-win32" }), ["native code", "does not run on"]),
        (json!({ "tag": "py2-none-any" }), ["tool-1.0-py2-none-any.whl", "another Python"]),
        (json!({ "returns": "../../x.whl" }), ["tool-1.0.tar.gz", "made no wheel"]),
        (json!({ "returns": "x.whl" }), ["tool-1.0.tar.gz", "made no wheel"]),
        (json!({ "requires": ["nowhere"] }), ["the requirements of its backend", "nowhere"]),
        (json!({ "requires": ["what is this"] }), ["tool-1.0.tar.gz", "malformed requirement"]),
        (json!({ "native": world(&json!({})).path("missing") }), ["its backend failed", "missing"]),
    ] {
        let world = world(&plan);
        world.fails(&["build", "tool", "-o", "app.pex"], 1, &words);
        assert_eq!((remains(&world), world.files().contains(&"app.pex".to_owned())), (0, false));
    }
    // A native program of this machine, on platforms that lack its libraries.
    if cfg!(all(target_os = "linux", target_env = "gnu", target_arch = "x86_64")) {
        let world = world(&json!({ "native": own, "tag": "py3-none-linux_x86_64" }));
        let version = version();
        for (platform, words) in [
            ("manylinux_2_5_x86_64", ["needs glibc", "has 2.5"]),
            ("musllinux_1_1_x86_64", ["another C library", "musllinux_1_1"]),
            ("manylinux_2_28_aarch64", ["native code", "does not run on"]),
        ] {
            let platform = format!("{platform}-{version}");
            world.fails(&["build", "tool", "--platform", &platform, "-o", "app.pex"], 1, &words);
        }
        world.ok(&["build", "tool", "-o", "app.pex"]);
    }
}

/// Returns the version of the Python that builds, as platform names have it.
fn version() -> String {
    let code = "import sys; print('%d.%d' % sys.version_info[:2])";
    let ran = std::process::Command::new("python3").args(["-c", code]).output().unwrap();
    String::from_utf8(ran.stdout).unwrap().trim().to_owned()
}

#[test]
fn without_a_python_of_that_version_wheels_alone_will_do() {
    let world = world(&json!({}));
    let arguments = ["build", "tool", "--platform", "linux_x86_64-cp36", "-o", "app.pex"];
    world.fails(&arguments, 1, &["tool-1.0.tar.gz", "--python"]);
    world.index.add(&Wheel::new("tool", "0.9").file("tool.py", ""));
    let ran = Ran::command(world.command(&arguments).env("PINNACE_CACHE_DIR", world.path("new")));
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(log(&world), "");
}

#[test]
fn one_of_a_team_builds_and_the_others_take_it() {
    let world = world(&json!({}));
    write(&world.path("p/requirements.txt"), "tool\n");
    write(&world.path("p/app.py"), "import tool\n");
    let deploy = |cache: &str, service: &str| {
        let arguments = ["deploy", "p", "--store", "s", "--service", service, "--json"];
        let mut command = world.command(&arguments);
        let ran = Ran::command(command.env("PINNACE_CACHE_DIR", world.path(cache)));
        serde_json::from_str::<Value>(&ran.ok()).unwrap()["deps"].clone()
    };
    let first = deploy("one", "a");
    assert_eq!(log(&world), "metadata wheel ");
    assert_eq!(deploy("two", "b"), first);
    assert_eq!(log(&world), "metadata wheel ", "it is in the store");
    world.ok(&["store", "gc", "--store", "s"]);
    assert_eq!(deploy("three", "c"), first);
    assert_eq!(log(&world), "metadata wheel ", "a collection leaves it there");
    world.ok(&["store", "check", "--store", "s"]);
    let ran = world.ok(&["run", "c", "--store", "s", "--", "python", "-c", "import tool, voice"]);
    assert_eq!(ran.err, "");
    // A damaged wheel is built again, and replaced; `--full` uploads lost objects.
    fs::remove_dir_all(world.path("s/manifests")).unwrap();
    deploy("four", "d");
    assert_eq!(log(&world), "metadata wheel metadata wheel ");
    for service in ["a", "b", "c"] {
        deploy_full(&world, service);
    }
    world.ok(&["store", "check", "--store", "s"]);
}

fn deploy_full(world: &World, service: &str) {
    let arguments = ["deploy", "p", "--store", "s", "--service", service, "--full"];
    let ran = world.command(&arguments).env("PINNACE_CACHE_DIR", world.path("one")).output();
    assert!(ran.unwrap().status.success());
}

/// Checks that the requirements of a backend are resolved although those of the lock are not.
#[test]
fn a_lock_with_a_source_distribution_is_built_from() {
    let world = world(&json!({ "requires": ["helper"] }));
    world.index.add(&Wheel::new("helper", "1.0").file("helper.py", ""));
    write(&world.path("p/app.py"), "import tool\n");
    world.ok(&["lock", "tool", "-o", "p/pylock.toml"]);
    let elsewhere = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        command.env("PINNACE_CACHE_DIR", world.path("empty")).env_remove("PIP_INDEX_URL");
        let index = format!("[global]\nindex-url = {}\n", world.index.url());
        write(&world.path("pip.conf"), index);
        let ran = Ran::command(command.env("PIP_CONFIG_FILE", world.path("pip.conf")));
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    };
    elsewhere(&["build", "--lock", "p/pylock.toml", "-o", "app.pex"]);
    assert_eq!(seen(&world)["home"], json!([]));
    fs::remove_dir_all(world.path("empty")).unwrap();
    elsewhere(&["deploy", "p", "--store", "s"]);
}

/// Checks that no process of a build outlives it, even if the build is killed.
#[cfg(target_os = "linux")]
#[test]
fn what_a_build_has_started_ends_with_it() {
    for (plan, signal) in [
        (json!({ "starts": "sleep 98765" }), None),
        (json!({ "starts": "setsid sleep 98762" }), None),
        (json!({ "runs": "sleep 98764" }), Some("INT")),
        (json!({ "runs": "sleep 98763" }), Some("TERM")),
        (json!({ "runs": "sleep 98761" }), Some("KILL")),
    ] {
        let world = world(&plan);
        let mut command = world.command(&["build", "tool", "-o", "app.pex"]);
        let (out, err) = (std::process::Stdio::null(), std::process::Stdio::null());
        let mut child = command.stdout(out).stderr(err).spawn().unwrap();
        if let Some(signal) = signal {
            wait_for(|| log(&world).contains("started"));
            // The builtin of the shell, since not every machine has the program.
            let line = format!("kill -{signal} {}", child.id());
            std::process::Command::new("sh").args(["-c", &line]).status().unwrap();
        }
        assert_eq!(child.wait().unwrap().success(), signal.is_none());
        let sleeping = plan.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        let sleeping = sleeping.trim_start_matches("setsid ");
        wait_for(|| !is_running(sleeping));
        // A killed build leaves its folder; a build a day later removes it.
        assert!(remains(&world) == 0 || signal == Some("KILL"));
    }
}

/// Returns true if a process with that command line runs.
#[cfg(target_os = "linux")]
fn is_running(command: &str) -> bool {
    let lines = fs::read_dir("/proc").unwrap().filter_map(|process| {
        let bytes = fs::read(process.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
    });
    lines.into_iter().any(|line| line.trim() == command)
}

#[cfg(target_os = "linux")]
fn wait_for(is_so: impl Fn() -> bool) {
    for _ in 0..200 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("it never came to be");
}

/// Checks that a backend is asked again only after a change of a file that it reads.
#[test]
fn a_project_is_described_by_its_backend() {
    let world = World::new();
    let plan = json!({
        "name": "shop", "version": "3.0", "tag": "py3-none-any", "dependencies": ["voice<2"],
        "log": world.path("log"),
    });
    for (path, text) in [
        ("setup.py", "raise SystemExit('nobody runs this')"),
        ("pyproject.toml", PYPROJECT),
        ("backend.py", BACKEND),
        ("plan.json", &plan.to_string()),
        ("shop.py", "def main():\n    import voice\n    print(voice.say(['hey']))\n"),
    ] {
        write(&world.path(&format!("p/{path}")), text);
    }
    let deploy = || world.ok(&["deploy", "p", "--store", "s", "--json"]);
    let done: Value = serde_json::from_str(&deploy().out).unwrap();
    assert_eq!((&done["service"], &done["path"]), (&json!("shop"), &json!("full")));
    assert_eq!(log(&world), "metadata ");
    let run =
        |command: &[&str]| world.ok(&[&["run", "shop", "--store", "s", "--"], command].concat());
    assert_eq!(run(&["shop"]).out, "moo hey\n");
    let code = "import importlib.metadata as m; print(m.version('shop'), m.requires('shop'))";
    assert_eq!(run(&["python", "-c", code]).out, "3.0 ['voice<2']\n");
    write(&world.path("p/shop.py"), "def main():\n    print('edited')\n");
    let done: Value = serde_json::from_str(&deploy().out).unwrap();
    assert_eq!((&done["path"], log(&world)), (&json!("fast"), "metadata ".to_owned()));
    write(&world.path("p/plan.json"), plan.to_string().replace("voice<2", "voice<2,>1"));
    let done: Value = serde_json::from_str(&deploy().out).unwrap();
    assert_eq!((&done["path"], log(&world)), (&json!("fast"), "metadata metadata ".to_owned()));
    // A new file counts, too, and `--full` asks in any case.
    write(&world.path("p/more.txt"), "new\n");
    deploy();
    assert_eq!(log(&world).matches("metadata").count(), 3);
    world.ok(&["deploy", "p", "--store", "s", "--full"]);
    assert_eq!(log(&world).matches("metadata").count(), 4);
    fs::remove_file(world.path("p/more.txt")).unwrap();
    let files: Vec<String> = fs::read_dir(world.path("p"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(files.len(), 5, "nothing is written into the project: {files:?}");
    world.ok(&["build", "--project", "p", "-o", "app.pex"]);
    assert_eq!(world.run("app.pex", &["-c", "import shop; shop.main()"]).out, "edited\n");
}

/// Checks that the backend sees the files of `prepare`, and that answers are cached by contents.
#[test]
fn a_backend_sees_what_ships_as_it_ships() {
    let world = World::new();
    let plan = |dependency: &str| {
        json!({ "name": "shop", "version": "3.0", "tag": "py3-none-any", "dependencies": [dependency] }).to_string()
    };
    for (path, text) in [
        ("pyproject.toml", PYPROJECT),
        ("backend.py", BACKEND),
        ("setup.py", ""),
        ("base.json", &plan("voice")),
        (".gitignore", "plan.json\n"),
        (
            "pinnace.toml",
            "prepare = ['cp', 'base.json', 'plan.json']\ninclude = ['plan.json']\nexclude = ['dangling']\n",
        ),
    ] {
        write(&world.path(&format!("p/{path}")), text);
    }
    std::os::unix::fs::symlink("nowhere", world.path("p/dangling")).unwrap();
    let deploy = || -> Value {
        serde_json::from_str(&world.ok(&["deploy", "p", "--store", "s", "--json"]).out).unwrap()
    };
    let first = deploy();
    write(&world.path("p/base.json"), plan("moo"));
    let second = deploy();
    assert_eq!(second["path"], "full");
    assert!(second["reason"].as_str().unwrap().contains("moo 1.0 added"), "{second}");
    // The deployment of a release asks the backend for nothing.
    let release = first["release"].as_str().unwrap();
    write(&world.path("p/base.json"), "broken");
    world.fails(&["deploy", "p", "--store", "s"], 1, &["cannot build"]);
    world.ok(&["deploy", "p", "--store", "s", "--release", release, "--service", "shop"]);
}

#[test]
fn what_copying_does_not_do_is_said() {
    let world = World::new();
    for (path, text) in [
        ("p/pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\n"),
        ("p/setup.py", "from setuptools import setup\nsetup(ext_modules=[])\n"),
        ("q/pyproject.toml", "[project]\nname = 'shop'\nversion = '1'\n"),
        ("q/setup.py", "from setuptools import setup\nsetup(scripts=['bin/x'])\n"),
    ] {
        write(&world.path(path), text);
    }
    let said = |folder: &str| world.ok(&["deploy", folder, "--store", "s"]).err;
    assert!(said("p").contains("native code"), "{}", said("p"));
    assert!(said("q").contains("not put on PATH"), "{}", said("q"));
}

/// Checks that a dynamic version comes from the backend, and is 0 if the backend cannot tell it.
#[test]
fn a_version_that_only_the_backend_tells_is_asked_for() {
    let world = World::new();
    let plan = json!({ "name": "shop", "version": "7.1", "tag": "py3-none-any" });
    let project = "[project]\nname = 'shop'\ndynamic = ['version']\n";
    for (path, text) in [
        ("p/pyproject.toml", format!("{project}{PYPROJECT}")),
        ("p/backend.py", BACKEND.to_owned()),
        ("p/plan.json", plan.to_string()),
    ] {
        write(&world.path(path), text);
    }
    let version = || {
        world.ok(&["deploy", "p", "--store", "s"]);
        let code = "import importlib.metadata as m; print(m.version('shop'))";
        world.ok(&["run", "shop", "--store", "s", "--", "python", "-c", code]).out
    };
    assert_eq!(version(), "7.1\n");
    write(
        &world.path("p/pyproject.toml"),
        format!("{project}[build-system]\nrequires = ['nowhere']\n"),
    );
    assert_eq!(version(), "0\n");
}
