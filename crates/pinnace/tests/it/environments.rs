//! The environment of a PEX file beside the environment of a release: one is made by the boot code, the other by
//! `pinnace-env`.

use std::collections::BTreeMap;

use pinnace_test::{Wheel, write};

use crate::world::World;

/// Prints each file below the environment: its path, whether it may be executed, and its text with the environment's own
/// path replaced.
const LIST: &str = r#"
import json, os, stat, sys
root, found = sys.prefix, {}
for folder, _, names in os.walk(root, followlinks=True):
    for name in names:
        path = os.path.join(folder, name)
        if "__pycache__" in path or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            text = file.read().decode("latin-1").replace(root, "ROOT")
        mode = os.stat(path).st_mode
        found[os.path.relpath(path, root)] = [bool(mode & stat.S_IXUSR), text]
print(json.dumps(found))
"#;

/// The first lines of a program whose interpreter has a path too long for one line.
const LONG_SHEBANG: &str = "#!/bin/sh\n'''exec' \"ROOT/bin/python\" \"$0\" \"$@\"\n' '''\n";

type Files = BTreeMap<String, (bool, String)>;

/// Returns the files of wheels alone, without those that each way of running adds for itself.
fn of_wheels(listed: &str) -> Files {
    let mut files: Files = serde_json::from_str(listed).unwrap();
    for (_, text) in files.values_mut() {
        *text = text.replace(LONG_SHEBANG, "#!ROOT/bin/python\n");
    }
    files.retain(|path, _| {
        let folder = path.split('/').next().unwrap();
        let is_python = path.starts_with("bin/python");
        let is_own = path.ends_with("_pinnace.pth") || path.ends_with("pyvenv.cfg");
        ["lib", "bin", "include", "etc", "share"].contains(&folder) && !is_python && !is_own
    });
    files
}

#[test]
fn boot_and_env_make_the_same_environment_of_the_same_wheels() {
    let world = World::new();
    world.index.add(
        &Wheel::new("tools", "2.0")
            .requires("parts")
            .console_script("tools", "space.tools:main")
            .files(&[
                ("space/tools.py", "def main():\n    print('tools')\n"),
                ("tools.pth", "import sys\n"),
                ("tools-2.0.data/scripts/raw", "#!python\nprint('raw')\n"),
                ("tools-2.0.data/scripts/shell", "#!/bin/sh\necho shell\n"),
                ("tools-2.0.data/data/etc/tools.conf", "key = 1\n"),
                ("tools-2.0.data/headers/tools.h", "#define TOOLS\n"),
                ("tools-2.0.data/platlib/fast.py", "FAST = True\n"),
            ]),
    );
    world.index.add(&Wheel::new("parts", "1.0").files(&[
        ("space/parts.py", ""),
        ("space/deep/part.py", ""),
        ("parts/__init__.py", ""),
        // A header of the same name does not collide: each distribution has a folder of its own.
        ("parts-1.0.data/headers/tools.h", "#define PARTS\n"),
    ]));
    world.ok(&["build", "tools", "-o", "x.pex"]);
    let booted = world.run("x.pex", &["-c", LIST]);
    write(
        &world.path("p/pyproject.toml"),
        "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['tools']\n",
    );
    write(&world.path("p/shop.py"), "");
    world.ok(&["deploy", "p", "--store", "s"]);
    let deployed = world.ok(&["run", "shop", "--store", "s", "--", "python", "-c", LIST]);
    let (booted, mut deployed) = (of_wheels(&booted.out), of_wheels(&deployed.out));
    // The project itself is a distribution of its release.
    deployed.retain(|path, _| !path.contains("/shop-1.dist-info/"));
    assert!(booted.len() > 12, "{:?}", booted.keys());
    let names = |files: &Files| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&booted), names(&deployed));
    for (path, file) in &booted {
        assert_eq!(file, &deployed[path], "{path}");
    }
}
