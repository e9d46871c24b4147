//! Items 18, 23 and 24, and tools: the settings in `PEX-INFO`.

use pinnace_test::Ran;

use crate::fixture::Fixture;

fn show(fixture: &Fixture, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
    let mut command = fixture.command(arguments);
    Ran::command(command.envs(variables.iter().copied()))
}

/// Item 18.
#[test]
fn item_18_a_virtual_environment_is_what_it_says() {
    let code = "import os, sys, shutil\nprint(os.environ.get('VIRTUAL_ENV') == sys.prefix, shutil.which('lib-run') is not None, sys.prefix != sys.base_prefix)\n";
    let lib = [
        ("lib.py", "def main():\n    print('lib')\n"),
        ("{info}/entry_points.txt", "[console_scripts]\nlib-run = lib:main\n"),
    ];
    let plain =
        || Fixture::new().wheel("lib-1-py3-none-any.whl", &lib).code("app.py", code).entry("app");
    assert_eq!(plain().run(&[]).ok(), "False False True\n");
    for place in ["prepend", "append"] {
        let fixture = plain().info(|info| {
            info.venv = true;
            info.venv_bin_path = Some(place.to_owned());
        });
        assert_eq!(fixture.run(&[]).ok(), "True True True\n");
    }
    let fixture = plain();
    let variables = [("PEX_VENV", "1"), ("PEX_VENV_BIN_PATH", "prepend")];
    assert_eq!(show(&fixture, &variables, &[]).ok(), "True True True\n");
    std::fs::remove_dir_all(fixture.cache().join("pinnace/1/env")).unwrap();
    assert_eq!(fixture.run(&[]).ok(), "False False True\n");
}

/// Item 23.
#[test]
fn item_23_what_is_left_out_is_not_missed_at_a_start() {
    let fixture = Fixture::new().wheel("lib-1-py3-none-any.whl", &[("lib.py", "")]).info(|info| {
        info.excluded = vec!["more".to_owned()];
        info.requirements = vec!["lib".to_owned(), "more".to_owned()];
    });
    assert_eq!(fixture.run(&["-c", "import lib; print(1)"]).ok(), "1\n");
}

/// Item 24.
#[test]
fn item_24_variables_and_arguments_are_put_in() {
    let code = "import os, sys\nprint(os.environ['NAME'], sys.argv[1:], sorted(k for k in os.environ if k.startswith('PEX')), sys.flags.utf8_mode)\n";
    let fixture = Fixture::new().code("app.py", code).entry("app").info(|info| {
        info.inject_env.insert("NAME".to_owned(), "inner".to_owned());
        info.inject_args = vec!["--from".to_owned(), "{pex.env.WHERE}!{pex.env.NONE}".to_owned()];
        info.inject_python_args = vec!["-X".to_owned(), "utf8".to_owned()];
    });
    let cold = show(&fixture, &[("WHERE", "here")], &["x"]);
    assert_eq!(cold.ok(), "inner ['--from', 'here!', 'x'] ['PEX'] 1\n");
    let warm = show(&fixture, &[("NAME", "outer"), ("PEX_VERBOSE", "0")], &[]);
    assert_eq!(warm.ok(), "outer ['--from', '!'] ['PEX'] 1\n");
    let keeps = Fixture::new().code("app.py", "import os\nprint('PEX_VERBOSE' in os.environ)\n");
    let keeps = keeps.entry("app").info(|info| info.strip_pex_env = false);
    assert_eq!(show(&keeps, &[("PEX_VERBOSE", "0")], &[]).ok(), "True\n");
}

#[test]
fn resources_are_found_in_code_and_distributions() {
    let fixture = Fixture::new()
        .wheel("lib-1-py3-none-any.whl", &[("lib/a.txt", "from lib"), ("lib/__init__.py", "")])
        .code("app/b.txt", "from app")
        .code(
            "app/__init__.py",
            "import os\nprint(open(os.environ['A']).read(), open(os.environ['B']).read())\n",
        )
        .entry("app")
        .info(|info| {
            info.bind_resource_paths.insert("A".to_owned(), "lib/a.txt".to_owned());
            info.bind_resource_paths.insert("B".to_owned(), "app/b.txt".to_owned());
        });
    let ran = show(&fixture, &[("PEX_INTERPRETER", "1")], &["-c", "import app"]);
    assert_eq!(ran.ok(), "from lib from app\n");
}

#[test]
fn more_folders_are_seen_where_that_is_asked_for() {
    let fixture = Fixture::new();
    let extra = fixture.folder.path().join("extra");
    std::fs::create_dir(&extra).unwrap();
    pinnace_test::write_executable(&extra.join("extra.py"), b"");
    let code = "import extra, subprocess, sys; subprocess.run([sys.executable, '-c', 'import extra; print(1)'])";
    let ran = show(&fixture, &[("PEX_EXTRA_SYS_PATH", extra.to_str().unwrap())], &["-c", code]);
    assert_eq!(ran.ok(), "1\n");
}

#[test]
fn tools_look_into_the_file() {
    let lib = [
        ("lib.py", "def main():\n    print('lib')\n"),
        ("{info}/entry_points.txt", "[console_scripts]\nlib-run = lib:main\n"),
    ];
    let fixture = Fixture::new()
        .wheel("lib-1-py3-none-any.whl", &lib)
        .code("app.py", "def f():\n    import lib\n    return 3\n")
        .entry("app:f")
        .info(|info| info.includes_tools = true);
    let tools = [("PEX_TOOLS", "1")];
    let info: serde_json::Value =
        serde_json::from_str(&show(&fixture, &tools, &["info"]).ok()).unwrap();
    assert_eq!(info["entry_point"], "app:f");
    assert_eq!(
        show(&fixture, &tools, &["repository", "info"]).ok(),
        "lib 1 lib-1-py3-none-any.whl\n"
    );
    let venv = fixture.folder.path().join("venv");
    show(&fixture, &tools, &["venv", "venv"]).ok();
    std::fs::remove_dir_all(fixture.cache()).unwrap();
    let run = |name: &str| std::process::Command::new(venv.join(name)).output().unwrap();
    assert_eq!(run("pex").status.code(), Some(3));
    assert_eq!(Ran::of(run("bin/lib-run")).ok(), "lib\n");
    assert_eq!(show(&fixture, &tools, &["venv", "venv"]).code, Some(1));
    assert_eq!(show(&fixture, &tools, &["nope"]).code, Some(2));
    let without = Fixture::new();
    let ran = show(&without, &tools, &["info"]);
    assert!(ran.err.contains("built without tools"), "{}", ran.err);
    assert_eq!(ran.code, Some(1));
}
