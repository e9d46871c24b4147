//! Items 15 to 17 and 19: the layouts of a PEX file.

use std::{fs, path::Path, process::Command};

use pinnace_pex::{Compiler, Compression, FolderLayout, WheelForm};
use pinnace_test::{Ran, tree};

use crate::fixture::{Fixture, python};

fn fixture() -> Fixture {
    Fixture::new()
        .wheel(
            "lib-1.0-py3-none-any.whl",
            &[
                ("lib.py", "VERSION = 1\ndef main():\n    print('lib')\n"),
                ("lib-1.0.data/scripts/tool", "#!python\nimport lib\nprint('tool', lib.VERSION)\n"),
                ("lib-1.0.data/data/share/lib.txt", "data"),
                ("lib-1.0.data/headers/lib.h", "header"),
                ("lib-1.0.data/platlib/fast.py", "FAST = True\n"),
                ("{info}/entry_points.txt", "[console_scripts]\nlib-run = lib:main\n"),
            ],
        )
        .code(
            "app.py",
            "import lib, fast, sys\nprint('app', lib.VERSION, fast.FAST, sys.argv[1:])\n",
        )
        .entry("app")
}

fn start(program: &Path, fixture: &Fixture) -> Ran {
    let mut command = Command::new(program);
    command.arg("x").current_dir(fixture.folder.path()).env("PEX_ROOT", fixture.cache());
    Ran::command(&mut command)
}

const RUNS: &str = "app 1 True ['x']\n";

/// Item 17.
#[test]
fn item_17_folders_run_by_each_of_their_names_and_after_a_move() {
    for form in [WheelForm::Whole, WheelForm::Installed] {
        for shape in [FolderLayout::Packed, FolderLayout::Loose] {
            let mut fixture = fixture();
            fixture.builder.set_wheel_form(form);
            let folder = fixture.write_folder(shape);
            for _ in ["cold", "warm"] {
                assert_eq!(start(&folder.join("pex"), &fixture).ok(), RUNS, "{shape:?} {form:?}");
            }
            assert_eq!(start(&folder.join("__main__.py"), &fixture).ok(), RUNS);
            let moved = fixture.folder.path().join("elsewhere");
            crate::fixture::rename(&folder, &moved);
            let mut command = Command::new(python());
            command.args([moved.to_str().unwrap(), "x"]).env("PEX_ROOT", fixture.cache());
            assert_eq!(Ran::command(&mut command).ok(), RUNS);
        }
    }
}

#[test]
fn each_form_of_one_file_runs() {
    let compiler = Compiler::new(&python()).unwrap();
    for (installed, compressed, compiled) in
        [(true, false, false), (false, true, false), (false, false, true), (true, true, true)]
    {
        let mut fixture = fixture();
        if installed {
            fixture.builder.set_wheel_form(WheelForm::Installed);
        }
        if compressed {
            fixture.builder.set_compression(Compression::Deflate);
        }
        if compiled {
            for (name, sha256) in fixture.names.clone() {
                let bytecode = compiler.compile(&fixture.wheels.0[&sha256]).unwrap();
                fixture.builder.add_bytecode(&name, bytecode);
            }
            fixture.builder.compile_code(compiler.clone());
        }
        assert_eq!(fixture.run(&["x"]).ok(), RUNS);
    }
}

#[test]
fn bytecode_is_the_same_twice_and_is_what_runs() {
    let compiler = Compiler::new(&python()).unwrap();
    let mut fixture = fixture();
    let (name, sha256) = fixture.names[0].clone();
    let compile = || compiler.compile(&fixture.wheels.0[&sha256]).unwrap().bytes().to_vec();
    assert_eq!(compile(), compile());
    let bytecode = compiler.bytecode(compile());
    fixture.builder.add_bytecode(&name, bytecode);
    // The bytecode is unchecked, so Python uses it although the source is present.
    let code = "import lib; print(lib.__cached__ and open(lib.__cached__, 'rb').read()[4])";
    let mut command = fixture.command(&["-c", code]);
    let ran = Ran::command(command.env("PEX_INTERPRETER", "1"));
    assert_eq!(ran.ok(), "1\n", "its flags say that it is never compared with its source");
}

/// A flat folder does not boot. An interpreter that has it on its path can import all modules.
#[test]
fn a_flat_folder_is_a_path_entry() {
    let fixture = fixture();
    let folder = fixture.write_folder(FolderLayout::Flat);
    let expected = [
        "app.py",
        "bin/tool",
        "fast.py",
        "include/lib.h",
        "lib-1.0.dist-info/METADATA",
        "lib-1.0.dist-info/RECORD",
        "lib-1.0.dist-info/WHEEL",
        "lib-1.0.dist-info/entry_points.txt",
        "lib.py",
        "share/lib.txt",
    ];
    assert_eq!(tree(&folder), expected);
    let record = fs::read_to_string(folder.join("lib-1.0.dist-info/RECORD")).unwrap();
    assert!(record.contains("bin/tool,sha256=") && record.contains("\nshare/lib.txt,"), "{record}");
    let mut zip = Vec::new();
    fixture.complete().write_flat(&mut zip, &fixture.wheels).unwrap();
    let file = fixture.folder.path().join("flat.zip");
    pinnace_test::write_executable(&file, &zip);
    for path in [folder, file] {
        let mut command = Command::new(python());
        command.args(["-m", "app", "x"]).env("PYTHONPATH", path);
        assert_eq!(Ran::command(&mut command).ok(), RUNS);
    }
}

#[test]
fn wheels_that_disagree_cannot_lie_flat() {
    let one = ("one-1-py3-none-any.whl", &[("same.py", ""), ("both.py", "1")][..]);
    let two = ("two-1-py3-none-any.whl", &[("same.py", ""), ("both.py", "2")][..]);
    let fixture = Fixture::new().wheel(one.0, one.1).wheel(two.0, two.1);
    let error = fixture.complete().write_flat(std::io::sink(), &fixture.wheels).unwrap_err();
    let text = error.to_string();
    for word in ["both.py", "one-1-py3-none-any.whl", "two-1-py3-none-any.whl"] {
        assert!(text.contains(word), "{text}");
    }
    // User code takes precedence over wheels.
    let fixture = fixture.code("both.py", "3");
    fixture.complete().write_flat(std::io::sink(), &fixture.wheels).unwrap();
}

/// Item 19.
#[test]
fn what_a_wheel_has_for_elsewhere_goes_there() {
    for form in [WheelForm::Whole, WheelForm::Installed] {
        let mut fixture = fixture();
        fixture.builder.set_wheel_form(form);
        let code = "import sys, pathlib as p; r = p.Path(sys.prefix); print((r / 'share/lib.txt').read_text(), sorted(h.name for h in r.glob('include/site/*/lib/*')))";
        let mut command = fixture.command(&["-c", code]);
        let ran = Ran::command(command.env("PEX_INTERPRETER", "1"));
        assert_eq!(ran.ok(), "data ['lib.h']\n", "{form:?}");
        for (script, out) in [("tool", "tool 1\n"), ("lib-run", "lib\n")] {
            let mut command = fixture.command(&[]);
            let ran = Ran::command(command.env("PEX_SCRIPT", script));
            assert_eq!(ran.ok(), out, "{form:?}");
        }
    }
}
