//! Reproducible builds: the environment of a build does not change a byte.

use pinnace_test::write;

use crate::world::World;

fn sources(folder: &std::path::Path) {
    for path in ["app/__init__.py", "app/.settings", "app/data/x.txt", "Zebra.py"] {
        write(&folder.join(path), path);
    }
}

#[test]
fn nothing_around_the_build_moves_a_byte() {
    let world = World::new();
    sources(&world.path("one/src"));
    sources(&world.path("two/deeper/src"));
    let program = env!("CARGO_BIN_EXE_pinnace");
    let build = |folder: &str,
                 umask: &str,
                 cache: &str,
                 variables: &[(&str, &str)],
                 cores: &str| {
        let folder = world.path(folder);
        let script = format!(
            "umask {umask}; exec {cores} '{program}' build moo voice -D src -m app -o out.pex -q"
        );
        let mut command = world.other("sh");
        command.args(["-c", &script]).current_dir(&folder);
        command.env("PINNACE_CACHE_DIR", world.path(cache));
        assert!(command.envs(variables.iter().copied()).status().unwrap().success());
        std::fs::read(folder.join("out.pex")).unwrap()
    };
    let first = build("one", "022", "cache-1", &[("TZ", "UTC"), ("LC_ALL", "C")], "");
    let second = build(
        "two/deeper",
        "077",
        "cache-2",
        &[("TZ", "Asia/Kolkata"), ("LC_ALL", "tr_TR.UTF-8"), ("PYTHONHASHSEED", "7")],
        "taskset -c 0",
    );
    assert!(first == second, "the two builds differ");
    write(&world.path("one/src/app/.settings"), "changed");
    assert!(build("one", "022", "cache-1", &[], "") != first, "a changed dot-file changed nothing");
}
