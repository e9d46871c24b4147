//! Items 1 to 5: entry points, their arguments and exit codes.

use pinnace_test::{Ran, run_with_input};

use crate::fixture::Fixture;

const LIB: (&str, &[(&str, &str)]) = (
    "lib-1.0-py3-none-any.whl",
    &[
        (
            "lib/__init__.py",
            "NAME = 'lib'\ndef main():\n    import sys\n    print('lib', sys.argv[1:])\n",
        ),
        ("lib/__main__.py", "import sys\nprint(__name__, sys.argv[1:])\n"),
        ("{info}/entry_points.txt", "[console_scripts]\nlib-run = lib:main\n[other]\nx = y:z\n"),
    ],
);

fn with_lib() -> Fixture {
    Fixture::new().wheel(LIB.0, LIB.1)
}

/// Item 1.
#[test]
fn item_1_an_entry_point_gets_the_arguments() {
    let fixture = with_lib().entry("lib:main");
    assert_eq!(fixture.run(&["-t", "hi"]).ok(), "lib ['-t', 'hi']\n");
    let (path, _) = fixture.write();
    let mut python = std::process::Command::new("python3");
    let run = python.arg(path).arg("x").env("PEX_ROOT", fixture.cache()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stdout), "lib ['x']\n");
}

/// Item 2.
#[test]
fn item_2_what_a_function_returns_is_the_exit_code() {
    for (body, code, err) in [
        ("return 3", 3, ""),
        ("return None", 0, ""),
        ("return 'x'", 1, "x\n"),
        ("raise SystemExit(7)", 7, ""),
        ("import sys; sys.exit(0)", 0, ""),
    ] {
        let ran =
            Fixture::new().code("m.py", &format!("def f():\n    {body}\n")).entry("m:f").run(&[]);
        assert_eq!((ran.code, ran.err.as_str()), (Some(code), err), "{body}");
    }
    // `run` would fail here: tracebacks name the boot code, whose path differs at a warm start.
    let raises = "def f():\n    raise ValueError('bad')\n";
    let fixture = Fixture::new().code("m.py", raises).entry("m:f");
    let ran = Ran::command(&mut fixture.command(&[]));
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.ends_with("ValueError: bad\n") && ran.err.contains("m.py"), "{}", ran.err);
}

#[test]
fn an_attribute_of_an_object_is_an_entry_point_too() {
    let code = "class C:\n    @staticmethod\n    def f():\n        return 4\n";
    assert_eq!(Fixture::new().code("m.py", code).entry("m:C.f").run(&[]).code, Some(4));
}

/// Item 3.
#[test]
fn item_3_a_module_runs_as_main() {
    let code = "import sys\nprint(__name__, __spec__.name, __file__.endswith('m.py'), sys.argv[1:])\nassert sys.modules['__main__'].__dict__ is globals()\n";
    let ran = Fixture::new()
        .code("pkg/__init__.py", "")
        .code("pkg/m.py", code)
        .entry("pkg.m")
        .run(&["a", "-b"]);
    assert_eq!(ran.ok(), "__main__ pkg.m True ['a', '-b']\n");
    assert_eq!(with_lib().entry("lib").run(&["a"]).ok(), "__main__ ['a']\n");
}

#[test]
fn a_module_that_is_not_there_is_named() {
    let ran = Fixture::new().code("m.py", "").entry("nope").run(&[]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.contains("'nope'") && !ran.err.contains("Traceback"), "{}", ran.err);
}

/// Item 4.
#[test]
fn item_4_without_an_entry_point_it_is_an_interpreter() {
    let fixture = with_lib();
    let run = |arguments: &[&str]| fixture.run(arguments).ok();
    assert_eq!(
        run(&["-c", "import lib, sys; print(lib.NAME, sys.argv)", "a"]),
        "lib ['-c', 'a']\n"
    );
    assert_eq!(run(&["-cprint(1)"]), "1\n");
    assert_eq!(run(&["-m", "lib", "a", "b"]), "__main__ ['a', 'b']\n");
    let script = "import lib, sys\nprint(lib.NAME, sys.argv, __name__, __file__)\n";
    fixture.folder.write("script.py", script);
    assert_eq!(run(&["script.py", "a", "b"]), "lib ['script.py', 'a', 'b'] __main__ script.py\n");
    let stdin = run_with_input(
        fixture.command(&["-", "x"]),
        "import lib, sys\nprint(lib.NAME, sys.argv)\n",
    );
    assert_eq!(stdin.ok(), "lib ['-', 'x']\n");
    let piped = run_with_input(fixture.command(&[]), "import lib\nprint(lib.NAME)\n");
    assert_eq!(piped.ok(), "lib\n");
}

#[test]
fn python_options_go_to_python() {
    let fixture = with_lib();
    let code = "import lib, sys; print(sys.flags.optimize, sys.flags.utf8_mode, sys.argv)";
    assert_eq!(fixture.run(&["-O", "-X", "utf8", "-c", code, "a"]).ok(), "1 1 ['-c', 'a']\n");
    let ran = fixture.run(&["-c"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(2), "Argument expected for the -c option\n"));
    assert_eq!(fixture.run(&["nope.py"]).code, Some(2));
}

/// Item 5.
#[test]
fn item_5_the_environment_overrides_the_entry_point() {
    let fixture = with_lib().code("m.py", "def f():\n    print('m')\n").entry("m:f");
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = fixture.command(arguments);
        Ran::command(command.envs(variables.iter().copied()))
    };
    assert_eq!(run(&[], &[]).ok(), "m\n");
    assert_eq!(run(&[("PEX_INTERPRETER", "1")], &["-c", "print(2)"]).ok(), "2\n");
    assert_eq!(run(&[("PEX_MODULE", "lib:main")], &["a"]).ok(), "lib ['a']\n");
    assert_eq!(run(&[("PEX_MODULE", "lib")], &["a"]).ok(), "__main__ ['a']\n");
    assert_eq!(run(&[("PEX_SCRIPT", "lib-run")], &["a"]).ok(), "lib ['a']\n");
    for (variables, message) in [
        (
            vec![("PEX_SCRIPT", "lib-run"), ("PEX_MODULE", "lib")],
            "PEX_MODULE and PEX_SCRIPT are both set",
        ),
        (
            vec![("PEX_SCRIPT", "nope")],
            "Could not find script 'nope' in this PEX file; it has: lib-run",
        ),
        (
            vec![("PEX_INTERPRETER", "yes")],
            "PEX_INTERPRETER must be 0, 1, false or true, not 'yes'",
        ),
        (vec![("PEX_INHERIT_PATH", "x")], "PEX_INHERIT_PATH must be false, prefer or fallback"),
        (vec![("PEX_PATH", "b.pex")], "b.pex is no PEX file that can be read"),
    ] {
        let ran = run(&variables, &[]);
        assert_eq!(ran.code, Some(1), "{variables:?}");
        assert!(ran.err.contains(message) && !ran.err.contains("Traceback"), "{}", ran.err);
    }
}

#[test]
fn scripts_that_are_files_run() {
    let files = [
        ("s-1.data/scripts/tool", "#!python\nimport sys\nprint('tool', sys.argv[1:])\n"),
        ("s.py", ""),
    ];
    let fixture = Fixture::new().wheel("s-1-py3-none-any.whl", &files);
    let run = fixture.command(&["a"]).env("PEX_SCRIPT", "tool").output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&run.stdout),
        "tool ['a']\n",
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    let up = fixture.command(&[]).env("PEX_SCRIPT", "../site/s.py").output().unwrap();
    assert_eq!(up.status.code(), Some(1));
}

#[test]
fn code_finds_its_own_data_and_distributions_their_metadata() {
    let code = "import importlib.metadata as m, pkgutil\ndef f():\n    print(pkgutil.get_data('pkg', 'data.txt').decode(), m.version('lib'), [e.name for e in m.distribution('lib').entry_points])\n";
    let fixture =
        with_lib().code("pkg/__init__.py", code).code("pkg/data.txt", "data").entry("pkg:f");
    assert_eq!(fixture.run(&[]).ok(), "data 1.0 ['lib-run', 'x']\n");
}

#[test]
fn child_processes_start_from_the_same_code() {
    let code = "import multiprocessing\ndef work(n):\n    return n * 2\ndef f():\n    multiprocessing.set_start_method('spawn')\n    with multiprocessing.Pool(2) as pool:\n        print(pool.map(work, [1, 2]))\n";
    assert_eq!(Fixture::new().code("m.py", code).entry("m:f").run(&[]).ok(), "[2, 4]\n");
}
