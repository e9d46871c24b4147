use std::sync::Arc;

use pinnace_build::LocalInterpreters;
use pinnace_deploy::{Cache, Endpoint, Environment, Environments, ErrorKind, Installer, Variables};

use crate::world::{World, assert_kind};

/// Returns the standard output of a program in an environment.
fn run(environment: &Environment, words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let variables = Default::default();
    let endpoint = Endpoint::of_port(8000);
    let mut command =
        environment.command(&words, &endpoint, Variables::Only(&variables), None).unwrap();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A cache of another machine, with the interpreters of this one.
struct Machine {
    cache: Cache,
    interpreters: LocalInterpreters,
}

impl Machine {
    fn new(world: &World) -> Self {
        let open = || Cache::open(&world.path("machine")).unwrap();
        let interpreters = LocalInterpreters::new(None, world.env.clone(), Arc::new(open()));
        Self { cache: open(), interpreters }
    }

    fn installer(&self) -> Installer<'_> {
        Installer::new(&self.cache, &self.interpreters, 2)
    }
}

#[test]
fn a_release_runs_on_another_machine_and_is_materialized_once() {
    let world = World::for_this_machine();
    world.write(
        "src/shop/__init__.py",
        "from shop.words import say\ndef main():\n    print(say())\n",
    );
    let release = world.deploy().release.unwrap();
    let machine = Machine::new(&world);
    let installer = machine.installer();
    assert!(installer.find(&release).is_none());
    let fetched = installer.fetch(&world.store, &release).unwrap();
    assert_eq!((fetched.wheels, fetched.fetched), (2, 2));
    assert!(fetched.bytes > 0);
    let environment = installer.materialize(&fetched, None).unwrap();
    let code = "import moo, shop, importlib.metadata as m; print(shop.say(), m.version('shop'))";
    assert_eq!(run(&environment, &["python", "-c", code]), "one 1.0\n");
    assert_eq!(run(&environment, &["shop"]), "one\n");
    assert_eq!(run(&environment, &["moo", "a"]), "moo a\n");
    let folder = run(&environment, &["python", "-c", "import os; print(os.getcwd())"]);
    assert_eq!(folder.trim(), environment.code().canonicalize().unwrap().to_str().unwrap());
    // Nothing of it is downloaded or written again.
    let again = installer.fetch(&world.store, &release).unwrap();
    assert_eq!((again.fetched, again.bytes), (0, 0));
    assert_eq!(installer.materialize(&again, None).unwrap().folder(), environment.folder());
    assert_eq!(installer.find(&release).unwrap().folder(), environment.folder());
}

#[test]
fn an_edited_release_downloads_only_its_source() {
    let world = World::for_this_machine();
    let first = world.deploy().release.unwrap();
    let second = world.deploy_version(2).release.unwrap();
    let machine = Machine::new(&world);
    let installer = machine.installer();
    let fetched = installer.fetch(&world.store, &first).unwrap();
    let before = installer.materialize(&fetched, None).unwrap();
    let fetched = installer.fetch(&world.store, &second).unwrap();
    assert_eq!((fetched.wheels, fetched.fetched, fetched.bytes), (2, 0, 0));
    let after = installer.materialize(&fetched, Some(&first)).unwrap();
    let code = "import shop.words; print(shop.words.say())";
    assert_eq!(run(&before, &["python", "-c", code]), "one\n");
    assert_eq!(run(&after, &["python", "-c", code]), "2\n");
}

#[test]
fn pruning_removes_the_environments_of_a_release_and_no_other() {
    let world = World::for_this_machine();
    let releases = [world.deploy().release.unwrap(), world.deploy_version(2).release.unwrap()];
    let machine = Machine::new(&world);
    let installer = machine.installer();
    for release in &releases {
        let fetched = installer.fetch(&world.store, release).unwrap();
        installer.materialize(&fetched, None).unwrap();
    }
    let environments = Environments::new(&machine.cache);
    assert!(environments.remove(&releases[0]).unwrap());
    assert!(!environments.remove(&releases[0]).unwrap());
    assert!(installer.find(&releases[0]).is_none());
    let kept = installer.find(&releases[1]).unwrap();
    // An environment that a process uses stays.
    let mut process = std::process::Command::new("sleep");
    let mut process = process.arg("60").current_dir(kept.code()).spawn().unwrap();
    let removed = environments.remove(&releases[1]);
    process.kill().unwrap();
    process.wait().unwrap();
    assert!(!removed.unwrap());
    assert!(environments.remove(&releases[1]).unwrap());
    let fetched = installer.fetch(&world.store, &releases[0]).unwrap();
    let again = installer.materialize(&fetched, None).unwrap();
    assert_eq!(run(&again, &["python", "-c", "import shop.words as w; print(w.say())"]), "one\n");
}

#[test]
fn a_release_for_another_platform_is_not_downloaded() {
    let world = World::new();
    world.write_settings("platform = 'manylinux_2_28_x86_64-cp36'\n");
    let release = world.deploy().release.unwrap();
    let machine = Machine::new(&world);
    let refused = machine.installer().fetch(&world.store, &release);
    assert_kind!(refused, ErrorKind::NoPython { python, .. } if python == "Python 3.6");
    let wheels = pinnace_test::tree(&world.path("machine/wheels"));
    assert!(wheels.iter().all(|path| !path.contains("sha256")), "{wheels:?}");
}
