//! Projects and workspaces: the sources of their requirements, and the files that ship.

use pinnace_test::{Index, Wheel, write};

use crate::world::World;

#[test]
fn a_source_that_is_not_there_is_not_looked_for_elsewhere() {
    let world = World::new();
    let project = |source: &str| {
        let head = "[project]\nname = \"app\"\nversion = \"1\"\ndependencies = [\"voice\"]\n";
        write(&world.path("pyproject.toml"), format!("{head}[tool.uv.sources]\n{source}\n"));
    };
    for (source, words) in [
        ("voice = { path = \"nowhere\" }", "the source of `voice`"),
        ("VOICE = { wrkspace = true }", "the source of `voice` must be one of"),
        ("voice = { workspace = \"true\" }", "the source of `voice` must be one of"),
        (
            "voice = { url = \"https://x.test/voice-1-py3-none-any.whl\", marker = \"python_version > '3'\" }",
            "`marker`",
        ),
    ] {
        project(source);
        world.fails(&["lock", "--project", ".", "-o", "pylock.toml"], 1, &[words]);
    }
    assert_eq!(world.index.take_requests(), [""; 0]);
}

/// Checks that the sources of a required project apply, and those of the root of its workspace.
#[test]
fn sources_count_wherever_the_project_is_named() {
    let world = World::new();
    let private = Index::start();
    private.add(&Wheel::new("inner", "1.0"));
    world.index.add(&Wheel::new("inner", "9.0"));
    let index = format!(
        "[tool.uv.sources]\ninner = {{ index = \"private\" }}\n[[tool.uv.index]]\nname = \"private\"\nurl = \"{}\"\nexplicit = true\n",
        private.url()
    );
    let member = "[project]\nname = \"member\"\nversion = \"1\"\ndependencies = [\"inner\"]\n";
    write(&world.path("alone/pyproject.toml"), format!("{member}{index}"));
    write(
        &world.path("root/pyproject.toml"),
        format!("[tool.uv.workspace]\nmembers = [\"lib?/**\"]\nexclude = [\"libs/no\"]\n{index}"),
    );
    write(&world.path("root/libs/member/pyproject.toml"), member);
    write(&world.path("root/libs/no/pyproject.toml"), member);
    let version = |argument: &str| {
        let ran = world.ok(&["lock", argument, "-o", "-"]);
        let at = ran.out.find("name = \"inner\"").unwrap();
        ran.out[at..].lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(version("./alone"), "version = \"1.0\"");
    assert_eq!(version("./root/libs/member"), "version = \"1.0\"");
    assert_eq!(version("./root/libs/no"), "version = \"9.0\"");
}

#[test]
fn of_a_project_its_code_ships_and_nothing_else() {
    let world = World::new();
    for name in ["one", "two"] {
        let at = |file: &str| world.path(&format!("{name}/{file}"));
        let text = format!("[project]\nname = \"{name}\"\nversion = \"1\"\n");
        write(&at("pyproject.toml"), text);
        write(&at(&format!("{name}/__init__.py")), "X = 1\n");
        write(&at(&format!("{name}/data.txt")), "");
        write(&at(&format!("{name}_module.py")), "");
        for file in
            [".env", ".git/config", "tests/test_x.py", "setup.py", "venv/lib/x.py", "uv.lock"]
        {
            write(&at(file), "SECRET");
        }
        write(&at("other-env/pyvenv.cfg"), "");
        write(&at("other-env/x.py"), "");
    }
    world.ok(&["build", "./one", "./two", "-o", "x.pex"]);
    let code = "import one, two, one_module, two_module; print(one.X)";
    assert_eq!(world.run("x.pex", &["-c", code]).out, "1\n");
    let bytes = std::fs::read(world.path("x.pex")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"SECRET"));
    assert!(bytes.windows(8).any(|window| window == b"data.txt"));
}

#[test]
fn an_address_with_a_password_is_not_in_the_file() {
    let world = World::new();
    let address = world.index.file_url("voice", "voice-1.5-py3-none-any.whl");
    let address = address.replace("http://", "http://user:SEKRIT@");
    let requirement = format!("voice @ {address}?token=SEKRIT");
    world.ok(&["build", &requirement, "-o", "x.pex"]);
    let bytes = std::fs::read(world.path("x.pex")).unwrap();
    assert!(!bytes.windows(6).any(|window| window == b"SEKRIT"));
}

#[test]
fn a_hash_counts_where_the_index_tells_none() {
    let world = World::new();
    let wheel = Wheel::new("voice", "1.0").file("voice.py", "def say(words):\n    return 'oi'\n");
    world.index.add(&wheel);
    wheel.write_to(&world.path("wheels"));
    let from = ["--no-index", "-f", "wheels"];
    let with = |arguments: &[&'static str]| [arguments, &from[..]].concat();
    world.ok(&with(&["lock", "voice", "-o", "locked.txt"]));
    world.ok(&with(&["build", "-r", "locked.txt", "-o", "x.pex"]));
    let locked = std::fs::read_to_string(world.path("locked.txt")).unwrap();
    let hash = locked.split("sha256:").nth(1).unwrap().trim().to_owned();
    write(&world.path("other.txt"), locked.replace(&hash, &"0".repeat(64)));
    world.fails(
        &with(&["build", "-r", "other.txt", "-o", "y.pex"]),
        1,
        &["voice-1.0-py3-none-any.whl", "not among the allowed ones"],
    );
}

#[test]
fn what_somebody_wrote_is_not_written_over() {
    let world = World::new();
    write(&world.path("top.txt"), "-r sub.txt\nmoo\n");
    write(&world.path("sub.txt"), "voice\n");
    world.fails(&["lock", "-r", "top.txt", "-o", "sub.txt"], 2, &["it is an input"]);
    world.fails(
        &["lock", "moo", "--override", "sub.txt", "-o", "sub.txt"],
        2,
        &["sub.txt`: it is an input"],
    );
    write(&world.path("own.txt"), "# mine\n");
    for file in ["sub.txt", "own.txt"] {
        world.fails(&["lock", "moo", "-o", file], 1, &["it was written by hand"]);
    }
    for file in ["uv.lock", "pyproject.toml", "x.in"] {
        world.fails(&["lock", "moo", "-o", file], 2, &["not the name of a lock"]);
    }
    assert_eq!(std::fs::read_to_string(world.path("sub.txt")).unwrap(), "voice\n");
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let world = World::new();
    world.ok(&["lock", "moo", "-o", "pylock.toml"]);
    for arguments in [
        &["lock", "moo", "-o", "-", "--extra", "x"][..],
        &["lock", "moo", "-o", "-", "--group", "x"],
        &["lock", "moo", "-o", "-", "--package", "x"],
        &["lock", "moo", "-o", "-", "-P", "x"],
        &["build", "moo", "-o", "x.pex", "--package", "x"],
        &["build", "--lock", "pylock.toml", "-o", "x.pex", "--exclude", "moo"],
        &["build", "--lock", "pylock.toml", "-o", "x.pex", "--package", "moo"],
    ] {
        world.fails(arguments, 2, &[]);
    }
}
